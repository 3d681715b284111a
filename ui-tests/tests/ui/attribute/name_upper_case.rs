#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.orderId: int;
    }
}

fn main() {}
