#![allow(unused)]

otelier::span_schema! {
    pub struct Order = "app.order" {
        app.id: int;
    }
}

fn main() {}
