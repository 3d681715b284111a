#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn login(token: &str) {
    record!(app.token = token);
}

fn main() {}
