#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.ratio: f64;
    }
}

fn main() {}
