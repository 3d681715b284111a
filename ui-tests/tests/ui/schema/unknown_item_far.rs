#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        sampled;
        app.id: int;
    }
}

fn main() {}
