#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
    }
}

#[trace(Order, late(app.rows))]
fn load() {
    fn count() {
        record!(app.rows = 1);
    }
    count();
}

fn main() {}
