#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int required;
    }
}

fn load() {
    trace_block!(Order, {});
}

fn main() {}
