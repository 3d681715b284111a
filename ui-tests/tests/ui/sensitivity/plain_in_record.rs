#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.user: string personal;
    }
}

#[trace(Order)]
fn load(user: &str) {
    record!(app.user = user);
}

fn main() {}
