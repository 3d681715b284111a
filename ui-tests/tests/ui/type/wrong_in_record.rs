#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.size: int;
    }
}

#[trace(Order)]
fn load() {
    record!(app.size = "three");
}

fn main() {}
