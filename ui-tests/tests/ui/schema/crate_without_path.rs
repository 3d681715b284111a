#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        crate;
        app.id: int;
    }
}

fn main() {}
