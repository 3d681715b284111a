#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn ingest() {
    event!(app.rows = 1);
}

fn main() {}
