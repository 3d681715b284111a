#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int;
        app.header.<key>: string;
    }
}

#[trace(Order, app.header["authorization"] = token)]
fn load(token: &str) {}

fn main() {}
