#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.size: int in [1, 10, 100];
    }
}

#[trace(Order, app.size = 50)]
fn load() {}

fn main() {}
