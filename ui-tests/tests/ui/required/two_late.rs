#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
        app.bytes: int late unit "By";
    }
}

#[trace(Order)]
fn load() {}

fn main() {}
