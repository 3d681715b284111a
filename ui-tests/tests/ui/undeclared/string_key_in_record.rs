#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int;
    }
}

#[trace(Order)]
fn load() {
    record!("app.extra" = 1);
}

fn main() {}
