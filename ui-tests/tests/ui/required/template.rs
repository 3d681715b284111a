#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.label.<key>: string required;
    }
}

#[trace(Order)]
fn load() {}

fn main() {}
