#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.wait: double;
    }
}

#[trace(Order, app.wait = wait)]
fn load(wait: std::time::Duration) {}

fn main() {}
