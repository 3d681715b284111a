#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        name = "order {app.id}";
        app.id: int required_if "the order is saved";
    }
}

fn main() {}
