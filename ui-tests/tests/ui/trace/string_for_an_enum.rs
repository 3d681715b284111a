#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = "klines")]
fn ingest() {}

fn main() {}
