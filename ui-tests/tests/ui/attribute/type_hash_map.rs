#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.labels: std::collections::HashMap<String, String>;
    }
}

fn main() {}
