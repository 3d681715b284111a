#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int required_if;
    }
}

fn main() {}
