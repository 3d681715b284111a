#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
    }
}

#[trace(Order, late(app.rows))]
fn load(steps: &[u64]) {
    for step in steps {
        record!(app.rows = *step);
    }
}

fn main() {}
