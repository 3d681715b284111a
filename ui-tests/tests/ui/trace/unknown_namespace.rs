#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, cryto.symbol = symbol)]
fn ingest(symbol: &str) {}

fn main() {}
