#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.nr: int 7;
    }
}

fn main() {}
