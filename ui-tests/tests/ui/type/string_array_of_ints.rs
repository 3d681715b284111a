#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.sides: string[];
    }
}

#[trace(Order, app.sides = [1, 2])]
fn load() {}

fn main() {}
