#![allow(unused)]
#![deny(warnings)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.nr: int renamed app.id deprecated "numbers of orders are gone";
        app.id: int;
    }
}

#[trace(Order, app.nr = 1)]
fn load() {}

fn main() {}
