#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.sizes: u64[];
    }
}

fn main() {}
