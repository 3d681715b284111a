#![allow(unused)]
#![deny(warnings)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        undeclared = warn;
        app.id: int;
    }
}

#[trace(Order, "app.extra" = 1)]
fn load() {}

fn main() {}
