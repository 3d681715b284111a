use otelier::prelude::*;

#[trace_performance(performance.record_count = "many")]
fn aggregate() {}

fn main() {}
