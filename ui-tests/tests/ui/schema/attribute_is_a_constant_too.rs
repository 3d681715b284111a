#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.side: string;
        constant app.side = "buy";
    }
}

fn main() {}
