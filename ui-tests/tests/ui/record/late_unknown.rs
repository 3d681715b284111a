#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.recrd_count))]
fn ingest() {
    record!(crypto.recrd_count = 1);
}

fn main() {}
