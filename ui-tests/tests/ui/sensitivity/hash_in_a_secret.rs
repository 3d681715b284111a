#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.password: string secret;
    }
}

#[trace(Order, app.password = hash(password))]
fn load(password: &str) {}

fn main() {}
