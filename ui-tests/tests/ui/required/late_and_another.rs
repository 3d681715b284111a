#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int required;
        app.rows: int late;
    }
}

#[trace(Order)]
fn load() {}

fn main() {}
