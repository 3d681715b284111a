#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        constant app.size = 3;
        app.id: int;
    }
}

fn main() {}
