#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = Market::Binance)]
fn ingest() {}

fn main() {}
