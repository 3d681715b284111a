#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        name = "order {}";
        app.id: int required;
    }
}

fn main() {}
