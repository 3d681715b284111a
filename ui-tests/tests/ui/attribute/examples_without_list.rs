#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.nr: int examples 7;
    }
}

fn main() {}
