#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.wait: std::time::Duration;
    }
}

fn main() {}
