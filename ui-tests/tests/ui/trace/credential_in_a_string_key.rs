#![allow(unused)]
use otelier::prelude::*;

#[trace("app.api_key" = key)]
fn login(key: &str) {}

fn main() {}
