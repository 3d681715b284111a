#![allow(unused)]
use otelier::prelude::*;

#[trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.record_count))]
fn ingest(rows: usize) -> Result<usize, String> {
    if rows == 0 {
        return Ok(0);
    }
    record!(crypto.record_count = rows);
    Ok(rows)
}

fn main() {}
