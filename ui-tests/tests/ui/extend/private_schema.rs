#![allow(unused)]

otelier::span_schema! {
    Base = "app.base" {
        app.id: int;
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        extends Base;
    }
}

fn main() {}
