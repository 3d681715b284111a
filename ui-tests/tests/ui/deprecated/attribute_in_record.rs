#![allow(unused)]
#![deny(warnings)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.nr: int renamed app.id;
        app.id: int;
    }
}

#[trace(Order)]
fn load() {
    record!(app.nr = 1);
}

fn main() {}
