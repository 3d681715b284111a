#![allow(unused)]
#![deny(warnings)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.order: string renamed app.order.id;
        app.order.id: string;
    }
}

#[trace(Order, app.order = "7")]
fn load() {}

fn main() {}
