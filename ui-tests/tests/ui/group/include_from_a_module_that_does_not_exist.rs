#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        include app::Tenant;
        app.id: int;
    }
}

fn main() {}
