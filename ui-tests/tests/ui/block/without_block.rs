#![allow(unused)]
use otelier::prelude::*;

fn load() {
    trace_block!(name = "load");
}

fn main() {}
