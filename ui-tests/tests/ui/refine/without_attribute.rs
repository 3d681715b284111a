#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        refine;
        app.id: int;
    }
}

fn main() {}
