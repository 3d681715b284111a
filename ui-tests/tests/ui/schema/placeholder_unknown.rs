#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        name = "order {app.idd}";
        app.id: int required;
    }
}

fn main() {}
