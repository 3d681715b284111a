#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        include Tenant;
        app.id: int;
    }
}

fn main() {}
