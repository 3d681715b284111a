#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.side: string;
    }
}

#[trace(Order, app.side = println!("buy"))]
fn load() {}

fn main() {}
