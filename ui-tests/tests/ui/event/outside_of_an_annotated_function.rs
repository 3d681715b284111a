#![allow(unused)]
use otelier::prelude::*;

fn ingest() {
    event!("started");
}

fn main() {}
