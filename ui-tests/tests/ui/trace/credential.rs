#![allow(unused)]
use otelier::prelude::*;

#[trace(app.password = password)]
fn login(password: &str) {}

fn main() {}
