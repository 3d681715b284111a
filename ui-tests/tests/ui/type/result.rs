#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.side: string;
    }
}

#[trace(Order, app.side = side)]
fn load(side: Result<&str, ()>) {}

fn main() {}
