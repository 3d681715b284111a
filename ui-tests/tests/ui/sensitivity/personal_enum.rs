#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.market: Market personal;
    }
}

#[trace(Order, app.market = Market::Kraken)]
fn load() {}

fn main() {}
