#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        name = "a";
        name = "b";
        app.id: int;
    }
}

fn main() {}
