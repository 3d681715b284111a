#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        stability = experimental;
        app.id: int;
    }
}

fn main() {}
