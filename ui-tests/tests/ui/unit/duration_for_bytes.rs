#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.size: int unit "By";
    }
}

#[trace(Order, app.size = wait)]
fn load(wait: std::time::Duration) {}

fn main() {}
