#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn ingest() {
    event!("started", app.rows);
}

fn main() {}
