#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.record_count))]
fn ingest(rows: usize) {
    if rows > 3 {
        record!(crypto.record_count = rows);
    }
}

fn main() {}
