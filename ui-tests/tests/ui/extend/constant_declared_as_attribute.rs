#![allow(unused)]

otelier::span_schema! {
    pub Base = "app.base" {
        constant app.side = "buy";
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        extends Base;
        app.side: string;
    }
}

fn main() {}
