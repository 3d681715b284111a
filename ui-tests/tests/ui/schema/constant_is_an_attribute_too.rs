#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        constant app.side = "buy";
        app.side: string;
    }
}

fn main() {}
