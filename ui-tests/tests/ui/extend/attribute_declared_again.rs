#![allow(unused)]

otelier::span_schema! {
    pub Base = "app.base" {
        app.id: int;
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        extends Base;
        app.id: int required;
    }
}

fn main() {}
