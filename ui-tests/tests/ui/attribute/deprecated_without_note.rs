#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.nr: int deprecated;
    }
}

fn main() {}
