#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.market: Market;
    }
}

#[trace(Order, app.market = "kraken")]
fn load() {}

fn main() {}
