#![allow(unused)]
use otelier::prelude::*;

fn load() {
    #[trace]
    let n = 2;
}

fn main() {}
