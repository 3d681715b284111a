#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.paid: bool;
    }
}

fn main() {}
