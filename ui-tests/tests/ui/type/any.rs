#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.extra: any;
    }
}

struct Extra;
#[trace(Order, app.extra = Extra)]
fn load() {}

fn main() {}
