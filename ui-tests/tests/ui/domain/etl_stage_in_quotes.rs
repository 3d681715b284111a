use otelier::prelude::*;

#[trace_etl(etl.stage = "bronz")]
fn ingest_sales() {}

fn main() {}
