//! The pipeline measures itself: by the names of the semantic conventions, and with the numbers of `Stats`.

mod facts;
mod found;
mod recursion;
mod sampled;
mod scraped;

use crate::support::{PROTOCOLS, receiver, receiver_with_logs, turn};
use facts::{FACTS, Kind};
use found::Found;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::config::{ExceptionSignal, Hooks, MetricReader, Metrics, Otlp, Protocol, Retry};
use otelier::export::{MemoryExporter, Signal};
use otelier::prelude::*;
use otelier::{Guard, Pipeline, Stats, diagnostics};
use otelier_tests::{Behaviour, Receiver};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

fn settings(metrics: impl Into<Metrics>) -> Telemetry {
    let settings = Telemetry::default().with_service_name("it").with_metrics(metrics).with_sdk_metrics(true);
    settings.with_shutdown_timeout(LONG)
}

fn reader(receiver: &Receiver) -> MetricReader {
    MetricReader::otlp(Otlp::to(receiver.endpoint()))
}

fn spans(count: usize) {
    (0..count).for_each(|_| otelier::Span::start("work").end());
}

#[trace]
fn fails() -> Result<(), std::num::ParseIntError> {
    "x".parse::<u8>().map(drop)
}

/// What a flush exports, after everything that ended before it was exported.
fn flushed(telemetry: &Guard, metrics: &Receiver) -> (Stats, Found) {
    telemetry.force_flush(LONG).expect("in time");
    let stats = telemetry.stats();
    telemetry.force_flush(LONG).expect("in time");
    (stats, last(metrics))
}

fn last(metrics: &Receiver) -> Found {
    Found::of(metrics.metric_requests().last().expect("an export"))
}

#[test]
fn names_kinds_units_descriptions_and_attributes_are_those_of_the_conventions() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver_with_logs(protocol, Behaviour::Accept);
        let otlp = Otlp::to(receiver.endpoint()).with_protocol(protocol);
        let settings = settings(MetricReader::otlp(otlp.clone())).with_otlp(otlp);
        let telemetry = otelier::init(settings.with_exception_signal(ExceptionSignal::Logs)).expect("it starts");
        let _ = fails();
        telemetry.force_flush(LONG).expect("in time");
        let (_, found) = flushed(&telemetry, &receiver);
        for fact in &FACTS {
            let metric = found.metrics.iter().find(|metric| metric.name == fact.name);
            let metric = metric.unwrap_or_else(|| panic!("no {}", fact.name));
            let kind = match metric.data.as_ref().expect("data") {
                Data::Sum(sum) if sum.is_monotonic => Kind::Counter,
                Data::Sum(_) => Kind::UpDownCounter,
                Data::Histogram(_) => Kind::Histogram,
                other => panic!("{other:?}"),
            };
            let told = (kind, &*metric.unit, &*metric.description);
            assert_eq!(told, (fact.kind, fact.unit, fact.description), "{}", fact.name);
            let all = found.all(fact.name);
            assert!(!all.is_empty(), "{}", fact.name);
            for key in all.iter().flat_map(|(labels, _)| labels.keys()) {
                assert!(fact.attributes.contains(&key.as_str()), "{} has {key}", fact.name);
            }
        }
        // Nothing else under names that are not ours.
        let others = found.metrics.iter().filter(|metric| !metric.name.starts_with("otelier."));
        let unknown = others.filter(|metric| !FACTS.iter().any(|fact| fact.name == metric.name));
        assert_eq!(unknown.count(), 0);
        let transport = if protocol == Protocol::Grpc { "otlp_grpc" } else { "otlp_http" };
        let duration = found.all("otel.sdk.exporter.operation.duration");
        let of_spans = duration.iter().find(|(labels, _)| {
            labels["otel.component.type"] == format!("{transport}_span_exporter")
                && labels["otel.component.name"] == format!("{transport}_span_exporter/0")
        });
        let (labels, _) = of_spans.expect("an exporter of spans");
        let port = receiver.endpoint().rsplit(':').next().expect("a port").to_owned();
        assert_eq!((&*labels["server.address"], &labels["server.port"]), ("127.0.0.1", &port));
        let status = labels.get("rpc.response.status_code").map(String::as_str);
        assert_eq!(status, (protocol == Protocol::Grpc).then_some("OK"));
    }
}

/// Keeps its thread until it is let go.
#[derive(Clone, Debug, Default)]
struct Blocks(Arc<(Mutex<bool>, Condvar)>);

impl Blocks {
    fn set(&self, open: bool) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = open;
        self.0.1.notify_all();
    }
}

impl SpanExporter for Blocks {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        let open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.1.wait_timeout_while(open, 3 * LONG, |open| !*open).unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}

/// Holds every value against the stats.
fn compare(found: &Found, stats: &Stats, components: &[&str]) {
    let value = |name: &str, component: &str, more: &[(&str, &str)]| found.value(name, component, more);
    let none_if_0 = |count: u64| (count > 0).then_some(count as f64);
    let (started, refused) = (stats.started - stats.dropped_refused, stats.dropped_refused);
    let result = "otel.span.sampling_result";
    assert_eq!(value("otel.sdk.span.started", "", &[(result, "RECORD_AND_SAMPLE")]), Some(started as f64));
    assert_eq!(value("otel.sdk.span.started", "", &[(result, "DROP")]), none_if_0(refused));
    assert_eq!(value("otel.sdk.span.live", "", &[(result, "RECORD_AND_SAMPLE")]), Some(stats.open as f64));
    let processor = "batching_span_processor/0";
    let processed = stats.started - stats.open - stats.dropped();
    assert_eq!(value("otel.sdk.processor.span.queue.size", processor, &[]), Some(0.0));
    assert_eq!(value("otel.sdk.processor.span.processed", processor, &[]), Some(processed as f64));
    for (error, reason, count) in [
        ("queue_full", "queue_full", stats.dropped_queue_full),
        ("refused", "refused", stats.dropped_refused),
        ("too_large", "too_large", stats.dropped_too_large),
        ("already_shutdown", "after_shutdown", stats.dropped_after_shutdown),
        ("thread_gone", "thread_gone", stats.dropped_thread_gone),
        ("in_allocator", "in_allocator", stats.dropped_in_allocator),
    ] {
        let failed = value("otel.sdk.processor.span.processed", processor, &[("error.type", error)]);
        assert_eq!(failed, none_if_0(count), "{error}");
        assert_eq!(value("otelier.span.dropped", "", &[("otelier.drop.reason", reason)]), Some(count as f64));
    }
    let by_tail = value("otelier.span.dropped", "", &[("otelier.drop.reason", "by_tail_sampling")]);
    assert_eq!(by_tail, Some(stats.dropped_by_tail_sampling as f64));
    assert_eq!(stats.exporters.len(), components.len(), "{stats}");
    for (exporter, component) in stats.exporters.iter().zip(components) {
        let of = match exporter.signal {
            Signal::Spans => "span",
            Signal::Logs => "log",
            _ => "metric_data_point",
        };
        let name = format!("otel.sdk.exporter.{of}.exported");
        assert_eq!(value(&name, component, &[]), Some(exporter.exported as f64), "{component} {stats}");
        let rejected = value(&name, component, &[("error.type", "rejected")]);
        assert_eq!(rejected, none_if_0(exporter.rejected), "{component}");
        let of_component =
            found.all(&name).into_iter().filter(|(labels, _)| labels["otel.component.name"] == *component);
        let all: f64 = of_component.map(|(_, value)| value).sum();
        assert_eq!(all, (exporter.exported + exporter.failed + exporter.rejected) as f64, "{component} {stats}");
        assert_eq!(value(&format!("otel.sdk.exporter.{of}.inflight"), component, &[]), Some(0.0), "{component}");
    }
}

#[test]
fn every_value_equals_the_stats_whatever_was_dropped_refused_or_failed() {
    let _turn = turn();
    let metrics = receiver(Protocol::HttpProtobuf, Behaviour::Accept);
    let script =
        [Behaviour::Accept, Behaviour::Fail(400), Behaviour::Reject(2, "too old".to_owned()), Behaviour::Accept];
    let receiver = Receiver::http_script(script).expect("loopback has a free port");
    let (memory, blocks) = (MemoryExporter::new(usize::MAX), Blocks::default());
    blocks.set(true);
    let settings = settings(reader(&metrics)).with_otlp(Otlp::to(receiver.endpoint()));
    let settings = settings.with_max_queue_size(64).with_max_export_batch_size(64);
    let settings = settings.with_retry(Retry::never().with_max_pending_bytes(64 << 10));
    let pipeline = Pipeline::new(settings).with_span_exporter(memory.clone()).with_span_exporter(blocks.clone());
    let telemetry = pipeline.start().expect("it starts");
    for count in [5, 3, 4] {
        spans(count);
        telemetry.force_flush(LONG).expect("in time");
    }
    let components = ["otlp_http_span_exporter/0", "MemoryExporter/0", "Blocks/0", "otlp_http_metric_exporter/0"];
    let (stats, found) = flushed(&telemetry, &metrics);
    compare(&found, &stats, &components);
    let otlp = &stats.exporters[0];
    assert_eq!((otlp.exported, otlp.failed, otlp.rejected), (5 + 2, 3, 2), "{stats}");
    let duration = |error: &[(&str, &str)]| found.value("otel.sdk.exporter.operation.duration", components[0], error);
    assert_eq!((duration(&[]), duration(&[("error.type", "rejected")])), (Some(1.0), Some(1.0)));
    let rate =
        |window| found.value("otelier.exporter.success_rate", components[0], &[("otelier.exporter.window", window)]);
    assert_eq!((rate("all"), rate("latest")), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
    // The queue overflows, and one span is open while the numbers are read.
    let outer = otelier::Span::start("outer");
    blocks.set(false);
    let begin = Instant::now();
    while {
        let stats = telemetry.stats();
        stats.dropped_queue_full == 0 || stats.dropped_refused == 0
    } {
        assert!(begin.elapsed() < LONG, "nothing is dropped: {:?}", telemetry.stats());
        outer.in_scope(|| (0..100).for_each(|_| trace_block!(name = "inner", {})));
        spans(1);
    }
    blocks.set(true);
    let (stats, found) = flushed(&telemetry, &metrics);
    assert_eq!(stats.open, 1);
    compare(&found, &stats, &components);
    outer.end();
    // The last export comes after those of the spans.
    let stats = telemetry.shutdown().expect("in time");
    let found = last(&metrics);
    let exported = found.value("otel.sdk.exporter.span.exported", "MemoryExporter/0", &[]);
    assert_eq!(exported, Some(stats.exporters[1].exported as f64));
    assert_eq!(memory.spans().len() as u64, stats.exporters[1].exported);
    let live = found.all("otel.sdk.span.live");
    assert_eq!(live[0].1, 0.0);
}

#[test]
fn log_records_are_counted_where_exceptions_are_some() {
    let _turn = turn();
    let receiver = receiver_with_logs(Protocol::HttpProtobuf, Behaviour::Reject(1, "no".to_owned()));
    let settings = settings(reader(&receiver)).with_otlp(Otlp::to(receiver.endpoint()));
    let telemetry = otelier::init(settings.with_exception_signal(ExceptionSignal::Logs)).expect("it starts");
    (0..3).for_each(|_| drop(fails()));
    let (stats, found) = flushed(&telemetry, &receiver);
    assert_eq!(found.value("otel.sdk.log.created", "", &[]), Some(3.0));
    compare(&found, &stats, &["otlp_http_span_exporter/0", "otlp_http_log_exporter/0", "otlp_http_metric_exporter/0"]);
    assert_eq!(stats.exporters[1].rejected, 1, "{stats}");
}

#[test]
fn other_hooks_measure_the_pipeline_too_and_each_pipeline_only_itself() {
    let _turn = turn();
    for (round, hooks) in [Hooks::Manual, Hooks::None, Hooks::Global].into_iter().enumerate() {
        let receiver = receiver(Protocol::HttpProtobuf, Behaviour::Accept);
        let memory = MemoryExporter::new(100);
        let settings = settings(reader(&receiver)).with_hooks(hooks);
        let telemetry = Pipeline::new(settings).with_span_exporter(memory.clone()).start().expect("it starts");
        spans(round + 1);
        let stats = telemetry.shutdown().expect("in time");
        let found = last(&receiver);
        let processed = found.value("otel.sdk.processor.span.processed", "batching_span_processor/0", &[]);
        assert_eq!(processed, Some(memory.spans().len() as f64), "{hooks:?} {stats}");
        assert_eq!(receiver.metric_requests().len(), 1);
    }
}

#[test]
fn nothing_is_measured_unless_it_is_asked_for_and_without_a_reader_a_warning_says_so() {
    let _turn = turn();
    let receiver = receiver(Protocol::HttpProtobuf, Behaviour::Accept);
    let telemetry = otelier::init(settings(reader(&receiver)).with_sdk_metrics(false)).expect("it starts");
    spans(1);
    let refused = telemetry.reload(&settings(reader(&receiver))).expect_err("it is made at the start");
    assert!(refused.to_string().contains("`sdk_metrics` cannot change while telemetry runs"), "{refused}");
    telemetry.shutdown().expect("in time");
    assert_eq!(receiver.metric_requests().len(), 0);
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&said);
    diagnostics::set_sink(move |message| sink.lock().expect("no panic").push(message.event.to_owned()));
    let telemetry = otelier::init(Telemetry::default().with_sdk_metrics(true)).expect("it starts");
    diagnostics::reset_sink();
    telemetry.shutdown().expect("in time");
    assert_eq!(*said.lock().expect("no panic"), ["Pipeline.SdkMetrics.NoReader"]);
}
