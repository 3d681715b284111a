#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.order.id: int;
    }
}

#[trace(Order, ap.order.id = 1)]
fn load() {}

fn main() {}
