#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.size: int;
    }
}

#[trace(Order, app.size = 3.5)]
fn load() {}

fn main() {}
