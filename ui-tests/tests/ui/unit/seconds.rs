#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.wait: double unit "seconds";
    }
}

fn main() {}
