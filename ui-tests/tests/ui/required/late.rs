#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
    }
}

#[trace(Order)]
fn load() {}

fn main() {}
