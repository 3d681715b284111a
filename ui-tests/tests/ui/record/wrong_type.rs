#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines)]
fn ingest() {
    record!(crypto.record_count = "many");
}

fn main() {}
