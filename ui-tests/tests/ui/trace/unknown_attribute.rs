#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, crypto.symbl = symbol)]
fn ingest(symbol: &str) {}

fn main() {}
