#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        extends Base;
        app.id: int;
    }
}

fn main() {}
