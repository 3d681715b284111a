#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        name = "order {app.label}";
        app.label.<key>: string required;
    }
}

fn main() {}
