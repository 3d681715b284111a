#![allow(unused)]
use otelier::prelude::*;

#[trace]
struct Order {
    id: u64,
}

fn main() {}
