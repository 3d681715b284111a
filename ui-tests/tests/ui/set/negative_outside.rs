#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.size: int in [-1, 1];
    }
}

#[trace(Order, app.size = -2)]
fn load() {}

fn main() {}
