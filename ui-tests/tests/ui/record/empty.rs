#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn load() {
    record!();
}

fn main() {}
