#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.size: int unit "furlong";
    }
}

fn main() {}
