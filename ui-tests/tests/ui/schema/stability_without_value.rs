#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        stability;
        app.id: int;
    }
}

fn main() {}
