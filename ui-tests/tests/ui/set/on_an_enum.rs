#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.market: otelier::prelude::Market in ["binance"];
    }
}

fn main() {}
