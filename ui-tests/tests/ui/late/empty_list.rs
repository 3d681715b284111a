#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int;
    }
}

#[trace(Order, late())]
fn load() {}

fn main() {}
