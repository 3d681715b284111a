#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int required;
        app.size: int;
    }
}

#[trace(Order, app.size = 1)]
fn load() {}

fn main() {}
