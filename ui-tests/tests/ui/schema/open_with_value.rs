#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        open = true;
        app.id: int;
    }
}

fn main() {}
