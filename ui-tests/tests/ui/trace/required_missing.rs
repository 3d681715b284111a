#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.symbol = "BTCUSDT")]
fn ingest() {}

fn main() {}
