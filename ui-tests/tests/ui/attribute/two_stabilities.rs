#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.user: string stable beta;
    }
}

fn main() {}
