#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        type: string;
    }
}

fn main() {}
