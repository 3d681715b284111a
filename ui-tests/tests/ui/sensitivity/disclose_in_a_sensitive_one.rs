#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.api_key: string sensitive;
    }
}

#[trace(Order, app.api_key = disclose(key))]
fn load(key: &str) {}

fn main() {}
