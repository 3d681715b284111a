#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        kin = client;
        app.id: int;
    }
}

fn main() {}
