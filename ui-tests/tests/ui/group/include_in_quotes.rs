#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        include "app.tenant";
        app.id: int;
    }
}

fn main() {}
