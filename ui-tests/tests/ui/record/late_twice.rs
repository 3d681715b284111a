#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.record_count, crypto.record_count))]
fn ingest() {
    record!(crypto.record_count = 1);
}

fn main() {}
