#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.side: string in ["1", "2"];
    }
}

#[trace(Order, app.side = 1)]
fn load() {}

fn main() {}
