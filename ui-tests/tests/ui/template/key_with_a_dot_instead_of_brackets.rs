#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.label.<key>: string;
    }
}

#[trace(Order, app.label.color = "a")]
fn load() {}

fn main() {}
