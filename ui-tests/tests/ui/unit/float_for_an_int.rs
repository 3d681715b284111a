#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.size: int unit "By";
    }
}

#[trace(Order, app.size = 1.5)]
fn load() {}

fn main() {}
