#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.rows: int unit "{row}";
    }
}

#[trace(Order, app.rows = wait)]
fn load(wait: std::time::Duration) {}

fn main() {}
