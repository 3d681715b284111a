#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int;
    }
}

#[trace]
fn load() {
    event!(Order, app.id = 1);
}

fn main() {}
