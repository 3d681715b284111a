#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        constant side = "buy";
        app.id: int;
    }
}

fn main() {}
