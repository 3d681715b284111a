#![allow(unused)]
#![deny(warnings)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.label.<key>: string deprecated "labels are gone";
    }
}

#[trace(Order, app.label["color"] = "red")]
fn load() {}

fn main() {}
