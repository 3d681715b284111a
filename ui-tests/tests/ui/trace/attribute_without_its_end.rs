#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, crypto., late(crypto.))]
fn ingest() {
    record!(crypto.);
    record!(crypto.symbol = );
}

fn main() {}
