use otelier::prelude::*;

#[trace_benchmark(late(benchmark.time.mean))]
fn parse_price() {
    let _ = "67000.5".parse::<f64>();
}

fn main() {}
