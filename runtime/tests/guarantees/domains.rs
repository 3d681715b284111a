//! What the domain macros fill in, and what is exported of it.

use crate::support::{Recorder, many_threads, named, one_thread, tree};
use otelier::prelude::*;
use std::panic::catch_unwind;
use std::pin::pin;

/// A future that waits once, so that it can be dropped in the middle.
async fn once() {
    tokio::task::yield_now().await;
}

fn poll_once<T>(future: impl Future<Output = T>) {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(pin!(future).poll(&mut context).is_pending());
}

#[trace_etl(etl.stage = EtlStage::Bronze, etl.source = "sales", late(etl.records_in))]
fn ingest_sales(rows: &[f64]) -> usize {
    record!(etl.records_in = rows.len());
    rows.len()
}

#[trace_etl(etl.operation.name = "daily_sums", etl.stage = EtlStage::Gold)]
async fn sum_sales() {
    once().await;
}

#[test]
fn an_etl_operation_has_its_functions_name_unless_another_is_given() {
    let recorder = Recorder::start();
    assert_eq!(ingest_sales(&[1.0, 2.0]), 2);
    one_thread().block_on(sum_sales());
    recorder.expect(&[
        "bronze ingest_sales etl.operation.name=ingest_sales etl.stage=bronze etl.source=sales etl.records_in=2",
        "gold daily_sums etl.operation.name=daily_sums etl.stage=gold",
    ]);
}

#[trace_database(db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "sales")]
fn select() -> Result<u8, String> {
    Err("connection reset".to_owned())
}

#[trace_database(command, db.system.name = "redis", db.operation.name = "HMSET",
                 database.command_category = CommandCategory::Write)]
fn store() {}

#[trace_database(transaction, db.system.name = "sqlite", db.namespace = "shop", late(db.operation.name))]
fn close_day() {
    record!(db.operation.name = "COMMIT");
}

#[test]
fn the_first_word_chooses_what_is_called_of_a_database() {
    let recorder = Recorder::start();
    assert!(select().is_err());
    store();
    close_day();
    recorder.expect(&[
        "SELECT sales [client] db.system.name=postgresql db.operation.name=SELECT db.collection.name=sales \
         error.type=alloc::string::String !connection reset",
        "  * exception exception.type=alloc::string::String exception.message=connection reset",
        "HMSET [client] db.system.name=redis db.operation.name=HMSET database.command_category=write",
        "transaction shop [client] db.system.name=sqlite db.namespace=shop db.operation.name=COMMIT",
    ]);
}

#[trace_job]
fn r#loop() {}

#[trace_job(job.name = name, job.attempt = 2, job.trigger = JobTrigger::Retry)]
fn run(name: &str) {}

#[test]
fn a_job_has_its_functions_name_unless_another_is_given() {
    let recorder = Recorder::start();
    // Or each would get an id of its own.
    otelier::CorrelationContext::with_id("c").expect("it is valid").in_scope(|| {
        r#loop();
        run("send_receipt");
    });
    recorder.expect(&[
        "job loop correlation.id=c job.name=loop",
        "job send_receipt correlation.id=c job.name=send_receipt job.attempt=2 job.trigger=retry",
    ]);
}

#[trace_performance(operation.type = "batch", performance.record_count = rows.len())]
fn aggregate(rows: &[f64]) -> f64 {
    rows.iter().sum()
}

#[test]
fn a_watched_operation_is_named_after_its_function() {
    let recorder = Recorder::start();
    assert!(aggregate(&[1.0, 2.0]) > 2.0);
    recorder.expect(&["aggregate operation.name=aggregate operation.type=batch performance.record_count=2"]);
}

#[trace_startup(startup.application = "ingest")]
async fn start() {
    read_settings();
    connect().await;
}

#[trace_startup(config_load, startup.config.source = "file")]
fn read_settings() {}

#[trace_startup(resources_initialize)]
async fn connect() {
    once().await;
}

#[trace_startup(health_checks, name = "ready?")]
fn check() {}

#[trace_startup(dependencies_load)]
fn load() {}

#[trace_startup(initialize)]
fn start_at_once() {}

#[test]
fn the_first_word_is_the_phase_of_the_start() {
    let recorder = Recorder::start();
    many_threads().block_on(start());
    check();
    load();
    start_at_once();
    recorder.expect(&[
        "startup.initialize startup.phase=initialize startup.application=ingest",
        "  startup.config.load startup.phase=config_load startup.config.source=file",
        "  startup.resources.initialize startup.phase=resources_initialize",
        "ready? startup.phase=health_checks",
        "startup.dependencies.load startup.phase=dependencies_load",
        "startup.initialize startup.phase=initialize",
    ]);
}

#[derive(Clone, Copy)]
enum Step {
    Works,
    Fails,
    Panics,
    IsSkipped,
    IsSkippedAndPanics,
}

#[trace_build_step(build.step.type = StepType::Function)]
fn write_bindings(step: Step) -> Result<(), std::fmt::Error> {
    match step {
        Step::Works => Ok(()),
        Step::Fails => Err(std::fmt::Error),
        Step::Panics => panic!("on purpose"),
        Step::IsSkipped => {
            record!(cicd.pipeline.task.run.result = "skip");
            Ok(())
        }
        Step::IsSkippedAndPanics => {
            record!(cicd.pipeline.task.run.result = "skip");
            panic!("on purpose")
        }
    }
}

#[trace_build_step(cicd.pipeline.task.name = "link", late(cicd.pipeline.task.run.result))]
async fn link() {
    record!(cicd.pipeline.task.run.result = "timeout");
}

#[trace_build_step]
async fn download() {
    once().await;
}

#[test]
fn a_build_steps_result_is_how_its_function_ended() {
    let recorder = Recorder::start();
    for step in [Step::Works, Step::Fails, Step::Panics, Step::IsSkipped, Step::IsSkippedAndPanics] {
        let _ = catch_unwind(|| write_bindings(step));
    }
    one_thread().block_on(link());
    one_thread().block_on(download());
    poll_once(download());
    let step = "step write_bindings cicd.pipeline.task.name=write_bindings build.step.type=function";
    let result = "cicd.pipeline.task.run.result";
    let message = "an error occurred when formatting an argument";
    recorder.expect(&[
        &format!("{step} {result}=success"),
        &format!("{step} {result}=failure error.type=core::fmt::Error !{message}"),
        &format!("  * exception exception.type=core::fmt::Error exception.message={message}"),
        &format!("{step} {result}=error error.type=panic !panicked"),
        "  * exception exception.type=panic exception.message=on purpose",
        &format!("{step} {result}=skip"),
        &format!("{step} {result}=error error.type=panic !panicked"),
        "  * exception exception.type=panic exception.message=on purpose",
        &format!("step link cicd.pipeline.task.name=link {result}=timeout"),
        &format!("step download cicd.pipeline.task.name=download {result}=success"),
        &format!("step download cicd.pipeline.task.name=download otelier.cancelled=true {result}=cancellation"),
    ]);
}

#[trace_test]
fn passes() {}

#[trace_test(test.suite.name = "ingest")]
async fn fails_later() -> Result<(), String> {
    once().await;
    Err("late".to_owned())
}

#[trace_test]
fn asserts() {
    assert!(std::env::args().len() == 0, "it does not add up");
}

#[trace_test]
#[should_panic(expected = "purpose")]
fn should_panic() {
    panic!("on purpose");
}

#[trace_test(test.case.result.status = "pass")]
fn says_so_itself() {}

#[test]
fn a_tests_status_is_how_its_function_ended() {
    let recorder = Recorder::start();
    passes();
    assert!(one_thread().block_on(fails_later()).is_err());
    assert!(catch_unwind(asserts).is_err() && catch_unwind(should_panic).is_err());
    poll_once(fails_later());
    says_so_itself();
    let name = |name: &str| format!("test guarantees::domains::{name} test.case.name=guarantees::domains::{name}");
    let status = "test.case.result.status";
    recorder.expect(&[
        &format!("{} {status}=pass", name("passes")),
        &format!("{} test.suite.name=ingest {status}=fail error.type=alloc::string::String !late", name("fails_later")),
        "  * exception exception.type=alloc::string::String exception.message=late",
        &format!("{} {status}=fail error.type=panic !panicked", name("asserts")),
        "  * exception exception.type=panic exception.message=it does not add up",
        &format!("{} {status}=pass error.type=panic !panicked", name("should_panic")),
        "  * exception exception.type=panic exception.message=on purpose",
        &format!("{} test.suite.name=ingest otelier.cancelled=true {status}=fail", name("fails_later")),
        &format!("{} {status}=pass", name("says_so_itself")),
    ]);
}

struct Bencher(u32);

impl Bencher {
    fn iter<T>(&mut self, mut routine: impl FnMut() -> T) {
        (0..self.0).for_each(|_| drop(std::hint::black_box(routine())));
    }
}

#[trace_benchmark(benchmark.iterations = bencher.0)]
fn parse_price(bencher: &mut Bencher) {
    bencher.iter(|| "67000.5".parse::<f64>());
}

#[test]
fn a_benchmark_has_one_span_for_all_iterations() {
    let recorder = Recorder::start();
    parse_price(&mut Bencher(3));
    // As a harness keeps it, behind a closure's type.
    let mut run: Box<dyn FnMut(&mut Bencher)> = Box::new(parse_price);
    run(&mut Bencher(5));
    recorder.expect(&[
        "benchmark parse_price benchmark.name=parse_price benchmark.iterations=3",
        "benchmark parse_price benchmark.name=parse_price benchmark.iterations=5",
    ]);
}

#[test]
fn a_verdict_is_within_the_limits_of_the_span() {
    let mut limits = otelier::config::Limits::default();
    limits.attributes = 2;
    let recorder = Recorder::with(Telemetry::default().with_limits(limits));
    write_bindings(Step::Works).expect("it works");
    let spans = recorder.spans();
    let step = named(&spans, "step write_bindings");
    assert_eq!((step.attributes.len(), step.dropped_attributes_count), (2, 1), "{}", tree(spans.clone()));
}

#[trace_performance(slo = "1h", sli = "query_latency")]
#[trace_etl(etl.stage = EtlStage::Bronze)]
fn performance_above(rows: usize) -> usize {
    rows
}

#[trace_etl(etl.stage = EtlStage::Silver)]
#[trace_performance(budget = "1h", operation_type = "batch")]
async fn performance_below() {}

struct Warehouse;

#[trace(app.warehouse = "main")]
impl Warehouse {
    #[trace_performance(slo = "1h")]
    fn count(&self) {}
}

#[test]
fn trace_performance_beside_another_annotation_measures_its_span() {
    let recorder = Recorder::start();
    performance_above(1);
    one_thread().block_on(performance_below());
    Warehouse.count();
    let spans = recorder.spans();
    let has = |name: &str, keys: &[&str]| {
        let found: Vec<_> = spans.iter().filter(|span| span.name.contains(name)).collect();
        let [span] = found[..] else { panic!("{} spans of {name}: {spans:?}", found.len()) };
        keys.iter().all(|key| span.attributes.iter().any(|attribute| attribute.key.as_str() == *key))
    };
    assert_eq!(spans.len(), 3, "{spans:?}");
    assert!(has("performance_above", &["etl.stage", "performance.slo.compliant", "performance.sli.name"]));
    assert!(has("performance_below", &["etl.stage", "performance.budget.used", "operation.type"]));
    assert!(has("Warehouse::count", &["app.warehouse", "performance.slo.threshold"]));
}
