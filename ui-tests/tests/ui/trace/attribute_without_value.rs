#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, crypto.symbol)]
fn ingest() {}

fn main() {}
