#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        kind = client;
        kind = server;
        app.id: int;
    }
}

fn main() {}
