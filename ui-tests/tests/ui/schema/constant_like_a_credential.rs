#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        constant app.api_key = "abc";
        app.id: int;
    }
}

fn main() {}
