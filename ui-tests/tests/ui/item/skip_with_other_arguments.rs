#![allow(unused)]
use otelier::prelude::*;

struct Pool;

#[trace]
impl Pool {
    #[trace(skip, name = "acquire")]
    fn acquire(&self) {}
}

fn main() {}
