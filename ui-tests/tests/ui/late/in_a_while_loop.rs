#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
    }
}

#[trace(Order, late(app.rows))]
fn load(mut steps: std::vec::IntoIter<u64>) {
    while let Some(step) = steps.next() {
        record!(app.rows = step);
    }
}

fn main() {}
