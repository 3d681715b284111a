use otelier::prelude::*;

#[trace_etl(etl.source = "sales")]
fn ingest_sales() {}

fn main() {}
