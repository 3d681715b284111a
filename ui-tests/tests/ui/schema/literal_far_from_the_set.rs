#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.side: string in ["buy", "sell"];
    }
}

#[trace(Order, app.side = "somewhere")]
fn load() {}

fn main() {}
