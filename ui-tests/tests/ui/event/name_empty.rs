#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn load() {
    event!("");
}

fn main() {}
