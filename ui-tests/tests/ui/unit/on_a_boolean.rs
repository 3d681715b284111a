#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.paid: boolean unit "s";
    }
}

fn main() {}
