#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines)]
fn load() {
    record!(crypto.);
}

fn main() {}
