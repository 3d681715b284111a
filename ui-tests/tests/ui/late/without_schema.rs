#![allow(unused)]
use otelier::prelude::*;

#[trace(late(app.rows))]
fn load(known: bool) {
    if known {
        record!(app.rows = 1);
    }
}

fn main() {}
