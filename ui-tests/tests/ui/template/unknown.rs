#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.label.<key>: string;
    }
}

#[trace(Order, app.lable["color"] = "a")]
fn load() {}

fn main() {}
