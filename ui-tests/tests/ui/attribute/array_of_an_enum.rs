#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.markets: otelier::prelude::Market[];
    }
}

fn main() {}
