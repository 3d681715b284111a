#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int late opt_in;
    }
}

fn main() {}
