#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.side: string in ["buy", "sell", "buy"];
    }
}

fn main() {}
