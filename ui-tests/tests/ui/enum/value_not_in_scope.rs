#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.market: otelier::schema::crypto::Market;
    }
}

#[trace(Order, app.market = Kraken)]
fn load() {}

fn main() {}
