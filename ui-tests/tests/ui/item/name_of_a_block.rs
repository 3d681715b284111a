#![allow(unused)]
use otelier::prelude::*;

struct Pool;

#[trace(name = "pool")]
impl Pool {
    fn acquire(&self) {}
}

fn main() {}
