#![allow(unused)]
use otelier::prelude::*;

fn load() {
    let double = #[trace]
    |n: u64| n * 2;
}

fn main() {}
