#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.paid: boolean;
    }
}

#[trace(Order, app.paid = "yes")]
fn load() {}

fn main() {}
