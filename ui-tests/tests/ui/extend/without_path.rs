#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        extends;
        app.id: int;
    }
}

fn main() {}
