#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn load() {
    record!(app.rows = 1, app.bytes = 2);
}

fn main() {}
