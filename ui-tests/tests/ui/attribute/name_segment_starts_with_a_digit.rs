#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.2fa: boolean;
    }
}

fn main() {}
