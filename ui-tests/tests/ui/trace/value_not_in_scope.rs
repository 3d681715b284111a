#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int;
    }
}

#[trace(Order, app.id = order_id)]
fn load() {}

fn main() {}
