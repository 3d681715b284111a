#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int;
    }
}

otelier::span_schema! {
    pub Cart = "app.cart" {
        include Order;
        app.size: int;
    }
}

fn main() {}
