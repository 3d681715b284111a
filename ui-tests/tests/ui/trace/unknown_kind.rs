#![allow(unused)]
use otelier::prelude::*;

#[trace(kind = worker)]
fn load() {}

fn main() {}
