#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int;
    }
}

#[trace(app.id = 1, "app.id" = 2)]
fn load() {}

fn main() {}
