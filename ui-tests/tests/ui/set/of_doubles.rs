#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.ratio: double in [0.5, 1.0];
    }
}

fn main() {}
