#![allow(unused)]
use otelier::prelude::*;

#[trace(app.symbol)]
fn ingest() {}

fn main() {}
