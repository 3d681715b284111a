#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.market: Market;
    }
}

#[trace(Order)]
fn load() {
    record!(app.market = "kraken");
}

fn main() {}
