#![allow(unused)]
use otelier::prelude::*;

#[trace(name = "")]
fn load() {}

fn main() {}
