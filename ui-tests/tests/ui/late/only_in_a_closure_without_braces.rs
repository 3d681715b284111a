#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
    }
}

#[trace(Order, late(app.rows))]
fn load() {
    let count = |rows: u64| record!(app.rows = rows);
    count(1);
}

fn main() {}
