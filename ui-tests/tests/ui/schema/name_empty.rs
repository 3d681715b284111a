#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        name = "";
        app.id: int;
    }
}

fn main() {}
