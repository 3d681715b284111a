//! The metrics of a pipeline: how they end, whatever exporters and callbacks do, and whose the global provider is.

use crate::support::{PATIENCE, lock, many_threads, one_thread, turn, wait_until};
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider, Temporality};
use otelier::config::{MetricReader, View, ViewSelector};
use otelier::diagnostics;
use otelier::export::{MemoryExporter, Signal};
use otelier::health::Status;
use otelier::prelude::*;
use otelier::{Guard, Pipeline};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(300);

/// What an exporter does with its first export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// Keeps its thread until it is let go.
    Block,
    /// Never ends, without keeping its thread.
    Hang,
    Panic,
}

#[derive(Clone)]
struct Exporter(Does, Gate);

type Gate = Arc<(Mutex<bool>, Condvar)>;

fn wait(gate: &Gate) {
    let open = gate.1.wait_timeout_while(lock(&gate.0), 10 * PATIENCE, |open| !*open);
    drop(open.unwrap_or_else(PoisonError::into_inner));
}

fn open(gate: &Gate) {
    *lock(&gate.0) = true;
    gate.1.notify_all();
}

impl PushMetricExporter for Exporter {
    async fn export(&self, _: &ResourceMetrics) -> OTelSdkResult {
        match self.0 {
            Does::Block => wait(&self.1),
            Does::Hang => std::future::pending().await,
            Does::Panic => panic!("on purpose"),
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

fn start(settings: Telemetry, exporter: impl PushMetricExporter) -> Guard {
    Pipeline::new(settings.with_shutdown_timeout(PATIENCE)).with_metric_exporter(exporter).start().expect("it starts")
}

/// The names of the metrics of the last export, and the sums of their values.
fn last(memory: &InMemoryMetricExporter) -> Vec<(String, u64)> {
    let exports = memory.get_finished_metrics().expect("exports");
    let scopes = exports.last().into_iter().flat_map(ResourceMetrics::scope_metrics);
    let mut found: Vec<_> = scopes
        .flat_map(|scope| scope.metrics())
        .map(|metric| {
            let value = match metric.data() {
                AggregatedMetrics::U64(MetricData::Sum(sum)) => sum.data_points().map(|point| point.value()).sum(),
                AggregatedMetrics::F64(MetricData::Histogram(one)) => {
                    one.data_points().map(|point| point.count()).sum()
                }
                other => panic!("{other:?}"),
            };
            (metric.name().to_owned(), value)
        })
        .collect();
    found.sort();
    found
}

fn count(name: &'static str) {
    global::meter("test").u64_counter(name).build().add(1, &[]);
}

#[trace(name = "measured", metrics)]
fn measured() {}

#[test]
fn a_metric_exporter_that_misbehaves_does_not_hold_up_the_shutdown() {
    let _turn = turn();
    for does in [Does::Block, Does::Hang, Does::Panic] {
        let gate = Gate::default();
        let timeout = if does == Does::Panic { PATIENCE } else { SHORT };
        let settings = Telemetry::default().with_shutdown_timeout(timeout);
        let memory = MemoryExporter::new(10);
        let pipeline = Pipeline::new(settings).with_span_exporter(memory.clone());
        let telemetry = pipeline.with_metric_exporter(Exporter(does, Arc::clone(&gate))).start().expect("it starts");
        measured();
        let begin = Instant::now();
        let ended = telemetry.shutdown();
        assert!(begin.elapsed() < SHORT + PATIENCE);
        wait_until("the span, which does not wait for metrics", || memory.spans().len() == 1);
        match (does, ended) {
            // The export is given up a little before the deadline, which a machine under load may miss all the same.
            (Does::Block | Does::Hang, Err(late)) => assert_eq!(late.after, SHORT),
            (Does::Hang | Does::Panic, Ok(stats)) => {
                let metrics = &stats.exporters[1];
                assert_eq!((metrics.signal, metrics.exported, metrics.failed), (Signal::Metrics, 0, 1), "{stats}");
            }
            (does, ended) => panic!("{does:?}: {ended:?}"),
        }
        // It keeps nothing that the next pipeline needs. The spans may have ended after the deadline, too.
        wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
        let memory = InMemoryMetricExporter::default();
        let telemetry = start(Telemetry::default(), memory.clone());
        measured();
        telemetry.shutdown().expect("in time");
        assert_eq!(last(&memory), [("otelier.operation.duration".to_owned(), 1)]);
        open(&gate);
    }
}

/// Fails under a name of its own, because messages of one event about one exporter come once a minute.
struct Refusing;

impl PushMetricExporter for Refusing {
    async fn export(&self, _: &ResourceMetrics) -> OTelSdkResult {
        Err(OTelSdkError::InternalFailure("no, says http://me:secret@host".to_owned()))
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

#[test]
fn health_and_diagnostics_speak_of_exporters_of_metrics() {
    let _turn = turn();
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&said);
    diagnostics::set_sink(move |message| lock(&sink).push(message.to_string()));
    let telemetry = start(Telemetry::default(), Refusing);
    let handle = telemetry.health_handle();
    assert_eq!(handle.health().status, Status::Ok);
    count("orders");
    telemetry.force_flush(PATIENCE).expect("in time");
    let health = handle.health();
    let exporter = &health.exporters[0];
    assert_eq!((exporter.signal, exporter.status), (Signal::Metrics, Status::Degraded));
    assert_eq!((exporter.exports, exporter.failed_exports, exporter.failed), (1, 1, 1));
    assert!(health.to_json().contains(r#""signal":"data points""#));
    let line = lock(&said).iter().find(|line| line.contains("Exporter.Export.Failed")).cloned().expect("it is said");
    assert!(line.starts_with("otelier: warn: Exporter.Export.Failed: Refusing: "), "{line}");
    assert!(line.ends_with("; 1 data points are lost") && !line.contains("secret"), "{line}");
    telemetry.shutdown().expect("in time");
    assert_eq!(handle.health().status, Status::Stopped);
    diagnostics::reset_sink();
    let telemetry = otelier::init(Telemetry::default()).expect("it starts");
    let other = Telemetry::default().with_metrics(MetricReader::console());
    let error = telemetry.reload(&other).expect_err("readers are made at the start").to_string();
    assert!(error.starts_with("`metrics` cannot change while telemetry runs"), "{error}");
}

#[test]
fn health_shows_that_a_reader_waits_for_a_callback() {
    let _turn = turn();
    let gate = Gate::default();
    let memory = InMemoryMetricExporter::default();
    let telemetry = start(Telemetry::default(), memory);
    let hangs = Arc::clone(&gate);
    global::meter("test").u64_observable_counter("hangs").with_callback(move |_| wait(&hangs)).build();
    assert!(telemetry.force_flush(SHORT).is_err());
    assert!(telemetry.health().exporters[0].busy_for.is_some());
    open(&gate);
    telemetry.force_flush(PATIENCE).expect("in time");
    assert!(telemetry.health().exporters[0].busy_for.is_none());
    telemetry.shutdown().expect("in time");
}

#[test]
fn a_callback_that_hangs_holds_up_neither_spans_nor_the_shutdown() {
    let _turn = turn();
    let gate = Gate::default();
    let memory = MemoryExporter::new(10);
    let settings = Telemetry::default().with_shutdown_timeout(SHORT);
    let pipeline = Pipeline::new(settings).with_span_exporter(memory.clone());
    let telemetry = pipeline.with_metric_exporter(InMemoryMetricExporter::default()).start().expect("it starts");
    let hangs = Arc::clone(&gate);
    global::meter("test").u64_observable_counter("hangs").with_callback(move |_| wait(&hangs)).build();
    trace_block!(name = "one", {});
    assert!(telemetry.force_flush(SHORT).is_err());
    wait_until("the span, which does not wait for metrics", || memory.spans().len() == 1);
    let late = telemetry.shutdown().expect_err("the callback hangs");
    assert_eq!(late.to_string(), "the exporters did not take all metrics within 300ms");
    wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
    // The global provider answers although the callback still hangs.
    count("afterwards");
    let telemetry = start(Telemetry::default(), InMemoryMetricExporter::default());
    telemetry.shutdown().expect("in time");
    open(&gate);
}

#[test]
fn a_callback_that_panics_leaves_the_others_alone() {
    let _turn = turn();
    let memory = InMemoryMetricExporter::default();
    let telemetry = start(Telemetry::default(), memory.clone());
    let meter = global::meter("test");
    meter.u64_observable_counter("a.panics").with_callback(|_| panic!("on purpose")).build();
    meter.u64_observable_counter("b.works").with_callback(|one| one.observe(5, &[])).build();
    for _ in 0..2 {
        telemetry.force_flush(PATIENCE).expect("in time");
        assert_eq!(last(&memory), [("b.works".to_owned(), 5)]);
    }
    telemetry.shutdown().expect("in time");
}

#[test]
fn what_callbacks_do_is_not_traced_and_not_measured() {
    let _turn = turn();
    let (memory, spans) = (InMemoryMetricExporter::default(), MemoryExporter::new(10));
    let pipeline = Pipeline::new(Telemetry::default()).with_span_exporter(spans.clone());
    let telemetry = pipeline.with_metric_exporter(memory.clone()).start().expect("it starts");
    let observe = |one: &dyn opentelemetry::metrics::AsyncInstrument<u64>| {
        measured();
        one.observe(1, &[]);
    };
    global::meter("test").u64_observable_counter("observed").with_callback(observe).build();
    (0..3).for_each(|_| telemetry.force_flush(PATIENCE).expect("in time"));
    telemetry.shutdown().expect("in time");
    assert_eq!(last(&memory), [("observed".to_owned(), 1)]);
    assert!(spans.spans().is_empty());
}

#[test]
fn a_provider_that_somebody_sets_later_is_left_in_its_place() {
    let _turn = turn();
    let memory = InMemoryMetricExporter::default();
    let telemetry = start(Telemetry::default(), InMemoryMetricExporter::default());
    let own = SdkMeterProvider::builder().with_periodic_exporter(memory.clone()).build();
    global::set_meter_provider(own.clone());
    telemetry.shutdown().expect("in time");
    count("own");
    own.force_flush().expect("it works");
    assert_eq!(last(&memory), [("own".to_owned(), 1)]);
    // A pipeline without metrics does not touch it either.
    otelier::init(Telemetry::default()).expect("it starts").shutdown().expect("in time");
    count("own");
    own.force_flush().expect("it works");
    assert_eq!(last(&memory), [("own".to_owned(), 2)]);
    global::set_meter_provider(opentelemetry::metrics::NoopMeterProvider::new());
}

#[test]
fn a_pipeline_that_is_disabled_or_refused_measures_nothing() {
    let _turn = turn();
    let memory = InMemoryMetricExporter::default();
    let mut disabled = Telemetry::default();
    disabled.disabled = true;
    let telemetry = start(disabled, memory.clone());
    count("nobody");
    telemetry.meter_provider().meter("test").u64_counter("nobody").build().add(1, &[]);
    assert!(telemetry.shutdown().expect("in time").exporters.is_empty());
    let view = View::of(ViewSelector::name("*")).with_name("one");
    let metrics = otelier::config::Metrics::from(MetricReader::console().with_interval(Duration::ZERO)).with_view(view);
    let error = otelier::init(Telemetry::default().with_metrics(metrics)).expect_err("two mistakes").to_string();
    assert!(error.contains("the export interval of metrics is 0") && error.contains("the view of `*`"), "{error}");
    assert!(memory.get_finished_metrics().expect("exports").is_empty());
}

#[test]
fn guards_end_metrics_in_every_runtime_and_in_a_panic() {
    let _turn = turn();
    for runtime in [one_thread(), many_threads()] {
        let memory = InMemoryMetricExporter::default();
        let exporter = memory.clone();
        let ended = runtime.block_on(async move {
            tokio::spawn(async {
                let _telemetry = start(Telemetry::default(), exporter);
                global::meter("test").u64_counter("orders").build().add(2, &[KeyValue::new("kind", "web")]);
                tokio::task::yield_now().await;
                panic!("on purpose");
            })
            .await
        });
        assert!(ended.is_err());
        assert_eq!(last(&memory), [("orders".to_owned(), 2)]);
    }
}
