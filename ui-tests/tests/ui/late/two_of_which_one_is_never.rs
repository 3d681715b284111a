#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
        app.bytes: int late;
    }
}

#[trace(Order, late(app.rows, app.bytes))]
fn load() {
    record!(app.rows = 1);
}

fn main() {}
