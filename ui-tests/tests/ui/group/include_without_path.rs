#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        include;
        app.id: int;
    }
}

fn main() {}
