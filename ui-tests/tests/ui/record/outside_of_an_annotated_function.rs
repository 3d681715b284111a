#![allow(unused)]
use otelier::prelude::*;

fn ingest() {
    record!(crypto.record_count = 1);
}

fn main() {}
