#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn load() {
    record!(app.rows: 1);
}

fn main() {}
