#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.record_count))]
async fn ingest(rows: usize) {
    match rows {
        0 => {}
        _ => record!(crypto.record_count = rows),
    }
}

fn main() {}
