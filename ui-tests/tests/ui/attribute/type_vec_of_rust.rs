#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.ids: Vec<i64>;
    }
}

fn main() {}
