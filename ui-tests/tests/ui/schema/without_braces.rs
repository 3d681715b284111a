#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order";
}

fn main() {}
