#![allow(unused)]
use otelier::prelude::*;

struct Pool;

#[trace(skip)]
impl Pool {
    fn acquire(&self) {}
}

fn main() {}
