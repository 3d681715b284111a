#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        kind = sever;
        app.id: int;
    }
}

fn main() {}
