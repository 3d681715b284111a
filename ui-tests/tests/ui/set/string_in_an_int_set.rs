#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.size: int in [1, "two"];
    }
}

fn main() {}
