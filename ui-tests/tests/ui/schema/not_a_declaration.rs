#![allow(unused)]

otelier::span_schema! {
    Order {
        app.id: int;
    }
}

fn main() {}
