#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        include Tenant, Client;
        app.id: int;
    }
}

fn main() {}
