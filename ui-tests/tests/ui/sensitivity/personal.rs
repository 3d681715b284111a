#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.user: string personal;
    }
}

#[trace(Order, app.user = user)]
fn load(user: &str) {}

fn main() {}
