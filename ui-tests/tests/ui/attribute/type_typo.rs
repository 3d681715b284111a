#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: strng;
    }
}

fn main() {}
