#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.ratios: double[];
    }
}

#[trace(Order, app.ratios = [1, 2])]
fn load() {}

fn main() {}
