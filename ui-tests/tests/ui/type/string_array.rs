#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.sides: string[];
    }
}

#[trace(Order, app.sides = "buy")]
fn load() {}

fn main() {}
