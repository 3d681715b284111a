#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.order-id: int;
    }
}

fn main() {}
