#![allow(unused)]
#![deny(deprecated)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.nr: int deprecated "use `app.id`";
        app.id: int;
    }
}

#[trace(Order, app.nr = 1)]
fn load() {}

fn main() {}
