#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int
        kind = client;
    }
}

fn main() {}
