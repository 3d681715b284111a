//! A program whose start, jobs and queries have the spans that such things have, and its build and tests, too.

use otelier::prelude::*;

#[trace_startup(startup.application = "shop")]
async fn start() -> Result<usize, std::num::ParseIntError> {
    let limit = read_limit("2")?;
    connect().await;
    Ok(limit)
}

#[trace_startup(config_load, startup.config.source = "constant", startup.config.key_count = 1)]
fn read_limit(text: &str) -> Result<usize, std::num::ParseIntError> {
    text.parse()
}

#[trace_startup(resources_initialize, startup.resource_count = 1)]
async fn connect() {}

#[trace_job(job.queue = "nightly", job.trigger = JobTrigger::Schedule)]
fn close_day(limit: usize) -> f64 {
    let rows = load(limit);
    sum_sales(&rows)
}

#[trace_database(db.system.name = "sqlite", db.operation.name = "SELECT", db.collection.name = "sales",
                 late(db.response.returned_rows))]
fn load(limit: usize) -> Vec<f64> {
    let rows: Vec<f64> = [12.0, 30.0, 7.0].into_iter().take(limit).collect();
    record!(db.response.returned_rows = rows.len());
    rows
}

#[trace_etl(etl.stage = EtlStage::Gold, etl.source = "sales", etl.records_in = rows.len())]
fn sum_sales(rows: &[f64]) -> f64 {
    rows.iter().sum()
}

/// What `build.rs` or an `xtask` would do.
#[trace_build_step(build.step.type = StepType::Function)]
fn write_constants(path: &std::path::Path) -> std::io::Result<()> {
    std::fs::write(path.join("constants.rs"), "pub const LIMIT: usize = 2;")
}

/// What would stand below `#[test]`.
#[trace_test(test.suite.name = "shop")]
fn sums_are_exact() {
    assert!((sum_sales(&[1.0, 2.0]) - 3.0).abs() < 1e-9);
}

/// What a harness would call with its timer.
#[trace_benchmark(benchmark.iterations = iterations)]
fn sums(iterations: u32) {
    let rows = [1.0; 64];
    for _ in 0..iterations {
        std::hint::black_box(rows.iter().sum::<f64>());
    }
}

/// Runs a future that never waits.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = otelier::init(Telemetry::default().with_service_name("shop").with_console(true))?;
    let limit = block_on(start())?;
    println!("{:.2}", close_day(limit));
    println!("{}", write_constants(std::path::Path::new("/nowhere")).is_err());
    sums_are_exact();
    sums(100);
    telemetry.shutdown()?;
    Ok(())
}
