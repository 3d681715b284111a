#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int required;
    }
}

#[trace(Order)]
fn load() {}

fn main() {}
