#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
    }
}

#[trace(Order, app.rows = 1, late(app.rows))]
fn load() {
    record!(app.rows = 1);
}

fn main() {}
