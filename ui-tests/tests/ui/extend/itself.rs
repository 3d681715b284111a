#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        extends Order;
        app.id: int;
    }
}

fn main() {}
