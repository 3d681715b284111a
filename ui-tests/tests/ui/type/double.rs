#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.ratio: double;
    }
}

#[trace(Order, app.ratio = 1)]
fn load() {}

fn main() {}
