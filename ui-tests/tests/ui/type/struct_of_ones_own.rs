#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.side: string;
    }
}

struct Side;
#[trace(Order, app.side = Side)]
fn load() {}

fn main() {}
