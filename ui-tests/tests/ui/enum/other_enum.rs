#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.market: Market;
    }
}

#[trace(Order, app.market = DataType::Klines)]
fn load() {}

fn main() {}
