#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
    }
}

#[trace(Order, late(app.rows))]
fn load(known: bool) {
    if known {
        return;
    }
    record!(app.rows = 1);
}

fn main() {}
