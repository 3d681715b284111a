#![allow(unused)]
#![deny(warnings)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        deprecated = "orders are carts now";
        app.id: int;
    }
}

#[trace(Order, app.id = 1)]
fn load() {}

fn main() {}
