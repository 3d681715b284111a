#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        constant app.side;
        app.id: int;
    }
}

fn main() {}
