#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.sizes: int[];
    }
}

#[trace(Order, app.sizes = 1)]
fn load() {}

fn main() {}
