#![allow(unused)]
use otelier::prelude::*;

struct Order;
#[trace]
impl Order {
    fn load(&self) {}
}

fn main() {}
