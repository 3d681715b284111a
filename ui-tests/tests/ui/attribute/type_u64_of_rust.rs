#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: u64;
    }
}

fn main() {}
