#![allow(unused)]

otelier::span_schema! {
    pub Order = "Order" {
        app.id: int;
    }
}

fn main() {}
