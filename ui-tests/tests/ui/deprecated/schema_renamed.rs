#![allow(unused)]
#![deny(warnings)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        renamed = app.cart;
        app.id: int;
    }
}

#[trace(Order, app.id = 1)]
fn load() {}

fn main() {}
