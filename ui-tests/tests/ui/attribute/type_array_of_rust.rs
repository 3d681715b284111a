#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.ids: [int];
    }
}

fn main() {}
