#![allow(unused)]
use otelier::prelude::*;

fn load() {
    trace_block!(name = "load", move {});
}

fn main() {}
