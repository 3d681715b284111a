#![allow(unused)]
use otelier::prelude::*;

#[trace]
const fn area(width: u64, height: u64) -> u64 {
    width * height
}

fn main() {}
