#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        undeclared = ignore;
        app.id: int;
    }
}

fn main() {}
