#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.size: int "Size." "Of the order.";
    }
}

fn main() {}
