#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        constant app.side = "buy";
        constant app.side = "sell";
        app.id: int;
    }
}

fn main() {}
