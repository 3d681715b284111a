#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, crypto.record_count = "three")]
fn ingest() {}

fn main() {}
