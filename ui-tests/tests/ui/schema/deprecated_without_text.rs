#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        deprecated;
        app.id: int;
    }
}

fn main() {}
