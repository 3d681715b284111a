#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.order.id: int;
    }
}

#[trace(Order, app.order.id = )]
fn load() {}

fn main() {}
