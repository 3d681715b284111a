#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        kind client;
        app.id: int;
    }
}

fn main() {}
