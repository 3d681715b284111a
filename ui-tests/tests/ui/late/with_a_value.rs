#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
    }
}

#[trace(Order, late(app.rows = 1))]
fn load() {
    record!(app.rows = 1);
}

fn main() {}
