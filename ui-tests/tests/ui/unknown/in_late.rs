#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.order.id: int late;
    }
}

#[trace(Order, late(app.order.idd))]
fn load() {
    record!(app.order.id = 1);
}

fn main() {}
