#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.user_id: int personal;
    }
}

#[trace(Order, app.user_id = disclose("seven"))]
fn load() {}

fn main() {}
