#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int;
    }
}

#[trace(Order, crate = app::otelier, app.id = 1)]
fn load() {}

fn main() {}
