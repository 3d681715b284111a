#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.sides: string[] in ["buy", "sell"];
    }
}

fn main() {}
