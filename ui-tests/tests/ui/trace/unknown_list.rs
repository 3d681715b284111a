#![allow(unused)]
use otelier::prelude::*;

#[trace(skip(password))]
fn login(password: &str) {}

fn main() {}
