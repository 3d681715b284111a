#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.note: string;
    }
}

#[trace(Order, app.note = 3)]
fn load() {}

fn main() {}
