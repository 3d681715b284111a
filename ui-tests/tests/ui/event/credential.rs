#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn login(password: &str) {
    event!("login", app.password = password);
}

fn main() {}
