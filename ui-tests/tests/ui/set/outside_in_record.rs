#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.side: string in ["buy", "sell"];
    }
}

#[trace(Order)]
fn load() {
    record!(app.side = "sel");
}

fn main() {}
