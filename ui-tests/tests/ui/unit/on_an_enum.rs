#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.market: otelier::prelude::Market unit "s";
    }
}

fn main() {}
