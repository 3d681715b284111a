#![allow(unused)]
use otelier::prelude::*;

#[trace(name = "a", name = "b")]
fn load() {}

fn main() {}
