#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn load() {
    record!("rows" = 1);
}

fn main() {}
