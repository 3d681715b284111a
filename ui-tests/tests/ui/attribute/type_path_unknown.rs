#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.side: Side;
    }
}

fn main() {}
