#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.order.id: int;
    }
}

#[trace(Order)]
fn load() {
    record!(app.order.idd = 1);
}

fn main() {}
