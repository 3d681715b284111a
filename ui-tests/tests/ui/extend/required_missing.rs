#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Base = "app.base" {
        app.id: int required;
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        extends Base;
        app.size: int;
    }
}

#[trace(Order, app.size = 1)]
fn load() {}

fn main() {}
