#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        constant app.side = "buy";
        app.id: int;
    }
}

#[trace(Order, app.side = "sell")]
fn load() {}

fn main() {}
