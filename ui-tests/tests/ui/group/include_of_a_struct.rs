#![allow(unused)]

struct Tenant;

otelier::span_schema! {
    pub Cart = "app.cart" {
        include Tenant;
        app.size: int;
    }
}

fn main() {}
