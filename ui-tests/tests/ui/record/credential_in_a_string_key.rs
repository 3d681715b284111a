#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn login(password: &str) {
    record!("app.password" = password);
}

fn main() {}
