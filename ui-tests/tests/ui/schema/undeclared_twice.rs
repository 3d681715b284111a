#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        open;
        undeclared = warn;
        app.id: int;
    }
}

fn main() {}
