#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.size: string unit "By";
    }
}

fn main() {}
