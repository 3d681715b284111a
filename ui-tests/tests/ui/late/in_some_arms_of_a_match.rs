#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int late;
    }
}

#[trace(Order, late(app.rows))]
fn load(step: u8) {
    match step {
        0 => record!(app.rows = 0),
        _ => {}
    }
}

fn main() {}
