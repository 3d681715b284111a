#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int required opt_in;
    }
}

fn main() {}
