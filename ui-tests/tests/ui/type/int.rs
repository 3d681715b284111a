#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.size: int;
    }
}

#[trace(Order, app.size = "three")]
fn load() {}

fn main() {}
