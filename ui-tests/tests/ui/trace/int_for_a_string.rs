#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, crypto.symbol = 3)]
fn ingest() {}

fn main() {}
