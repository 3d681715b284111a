#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Kline)]
fn ingest() {}

fn main() {}
