#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int;
        app.size: int;
    }
}

#[trace(Order, app.id = 1 app.size = 2)]
fn load() {}

fn main() {}
