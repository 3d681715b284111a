#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.record_count))]
fn ingest() {}

fn main() {}
