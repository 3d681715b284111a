#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.market: Market;
    }
}

#[trace(Order, app.market = Market::Krakn)]
fn load() {}

fn main() {}
