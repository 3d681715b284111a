#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.order.line.id: int;
    }
}

#[trace(Order, app.ordr.line.id = 1)]
fn load() {}

fn main() {}
