#![allow(unused)]
use otelier::prelude::*;

fn load() {
    trace_block!(app.id = 1, {});
}

fn main() {}
