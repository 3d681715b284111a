#![allow(unused)]
use otelier::prelude::*;

#[trace(name = 7)]
fn load() {}

fn main() {}
