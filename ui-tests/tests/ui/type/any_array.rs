#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.extras: any[];
    }
}

#[trace(Order, app.extras = 1)]
fn load() {}

fn main() {}
