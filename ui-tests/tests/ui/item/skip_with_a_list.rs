#![allow(unused)]
use otelier::prelude::*;

#[trace(skip(id))]
fn load(id: u64) {}

fn main() {}
