#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.label.<>: string;
    }
}

fn main() {}
