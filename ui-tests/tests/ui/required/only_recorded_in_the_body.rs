#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int required;
    }
}

#[trace(Order)]
fn load() {
    record!(app.id = 1);
}

fn main() {}
