#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.<key>.label: string;
    }
}

fn main() {}
