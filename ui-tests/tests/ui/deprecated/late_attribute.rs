#![allow(unused)]
#![deny(warnings)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.nr: int late renamed app.id;
    }
}

#[trace(Order, late(app.nr))]
fn load() {
    record!(app.nr = 1);
}

fn main() {}
