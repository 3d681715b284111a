#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.flags: boolean[];
    }
}

#[trace(Order, app.flags = true)]
fn load() {}

fn main() {}
