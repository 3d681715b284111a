#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        renamed = ;
        app.id: int;
    }
}

fn main() {}
