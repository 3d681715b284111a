#![allow(unused)]
use otelier::prelude::*;

struct Pool;

#[trace(late(app.rows))]
impl Pool {
    fn acquire(&self) {}
}

fn main() {}
