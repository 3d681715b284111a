//! Metrics over both protocols: what arrives, with which settings, and what becomes of it when the receiver misbehaves.

use crate::support::{LONG, PROTOCOLS, at_the_deadline, receiver, start, turn};
use opentelemetry::metrics::Meter;
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value, global};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, number_data_point};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality as SdkTemporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use otelier::Pipeline;
use otelier::config::{
    Aggregation, AttributeKeys, CardinalityLimits, HistogramAggregation, Hooks, InstrumentType, MetricReader, Metrics,
    Otlp, OtlpFile, Protocol, Retry, Temporality, View, ViewSelector,
};
use otelier::export::Signal;
use otelier::prelude::*;
use otelier_tests::{Behaviour, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn otlp(protocol: Protocol, receiver: &Receiver) -> Otlp {
    Otlp::to(receiver.endpoint()).with_protocol(protocol)
}

fn reader(protocol: Protocol, receiver: &Receiver) -> MetricReader {
    MetricReader::otlp(otlp(protocol, receiver))
}

fn settings(metrics: impl Into<Metrics>) -> Telemetry {
    Telemetry::default().with_service_name("it").with_metrics(metrics).with_shutdown_timeout(LONG)
}

/// What `opentelemetry-proto` makes of metrics: the judge of our encoder.
#[derive(Clone, Default)]
struct Judge {
    requests: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
    temporality: SdkTemporality,
}

impl PushMetricExporter for Judge {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.requests.lock().expect("no panic").push(metrics.into());
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> SdkTemporality {
        self.temporality
    }
}

/// One instrument of every kind and type, in two scopes.
fn instruments(meter: &Meter) {
    let attributes = [
        KeyValue::new("text", "grün"),
        KeyValue::new("flag", true),
        KeyValue::new("ratio", -0.5),
        KeyValue::new("list", Value::Array(Array::I64(vec![1, -2]))),
    ];
    meter.u64_counter("counter.u64").with_unit("{order}").with_description("orders").build().add(3, &attributes);
    meter.f64_counter("counter.f64").build().add(0.5, &attributes);
    meter.i64_up_down_counter("sum.i64").build().add(-7, &attributes);
    meter.f64_up_down_counter("sum.f64").build().add(-0.25, &[]);
    meter.u64_gauge("gauge.u64").build().record(9, &[]);
    meter.i64_gauge("gauge.i64").build().record(-9, &attributes[..1]);
    meter.f64_gauge("gauge.f64").build().record(f64::MIN_POSITIVE, &[]);
    let histogram = meter.f64_histogram("histogram.f64").with_unit("s").with_boundaries(vec![0.1, 1.0]).build();
    [0.05, 0.5, 7.0].into_iter().for_each(|value| histogram.record(value, &attributes));
    meter.u64_histogram("histogram.u64").build().record(80, &[]);
    let exponential = meter.f64_histogram("exponential").build();
    [1e-9, -3.0, 0.0, 4e7, 4.1e7].into_iter().for_each(|value| exponential.record(value, &attributes));
    meter.u64_observable_counter("observed.u64").with_callback(|one| one.observe(11, &[])).build();
    meter.f64_observable_counter("observed.f64").with_callback(|one| one.observe(1.5, &[])).build();
    meter.i64_observable_up_down_counter("observed.sum.i64").with_callback(|one| one.observe(-1, &[])).build();
    meter.f64_observable_up_down_counter("observed.sum.f64").with_callback(|one| one.observe(-1.5, &[])).build();
    meter.u64_observable_gauge("observed.gauge.u64").with_callback(|one| one.observe(2, &[])).build();
    meter.i64_observable_gauge("observed.gauge.i64").with_callback(|one| one.observe(-2, &[])).build();
    meter.f64_observable_gauge("observed.gauge.f64").with_callback(|one| one.observe(2.5, &[])).build();
}

/// Without what differs between two readers of the same instruments: times, and the order of scopes and points.
fn comparable(requests: Vec<ExportMetricsServiceRequest>) -> Vec<ExportMetricsServiceRequest> {
    macro_rules! settle {
        ($data:expr) => {{
            for point in &mut $data.data_points {
                assert!(point.time_unix_nano >= point.start_time_unix_nano);
                (point.time_unix_nano, point.start_time_unix_nano) = (1, 1);
                point.attributes.sort_by(|a, b| a.key.cmp(&b.key));
            }
        }};
    }
    let mut requests = requests;
    let resources = requests.iter_mut().flat_map(|request| &mut request.resource_metrics);
    for resource in resources {
        resource.scope_metrics.sort_by_key(|scope| scope.scope.as_ref().map(|scope| scope.name.clone()));
        let attributes = &mut resource.resource.as_mut().expect("a resource").attributes;
        attributes.sort_by(|a, b| a.key.cmp(&b.key));
        for metric in resource.scope_metrics.iter_mut().flat_map(|scope| &mut scope.metrics) {
            match metric.data.as_mut().expect("data") {
                Data::Gauge(data) => settle!(data),
                Data::Sum(data) => settle!(data),
                Data::Histogram(data) => settle!(data),
                Data::ExponentialHistogram(data) => settle!(data),
                Data::Summary(_) => unreachable!("nobody makes summaries"),
            }
        }
    }
    requests
}

#[test]
fn every_instrument_arrives_as_opentelemetry_proto_would_write_it() {
    let _turn = turn();
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc, Protocol::HttpJson] {
        for (temporality, sdk) in [
            (Temporality::Cumulative, SdkTemporality::Cumulative),
            (Temporality::Delta, SdkTemporality::Delta),
            (Temporality::LowMemory, SdkTemporality::LowMemory),
        ] {
            let receiver = receiver(protocol, Behaviour::Accept);
            let judge = Judge { temporality: sdk, ..Judge::default() };
            let exponential = View::of(ViewSelector::name("exponential"))
                .with_aggregation(Aggregation::base2_exponential())
                .with_cardinality_limit(10);
            let metrics =
                Metrics::from(reader(protocol, &receiver).with_temporality(temporality)).with_view(exponential);
            let settings = settings(metrics).with_resource_attribute("app.team", "data");
            let telemetry = Pipeline::new(settings).with_metric_exporter(judge.clone()).start().expect("it starts");
            let scope = InstrumentationScope::builder("versioned")
                .with_version("1.2")
                .with_schema_url("https://opentelemetry.io/schemas/1.40.0")
                .with_attributes([KeyValue::new("scope.kind", "test")]);
            instruments(&global::meter("plain"));
            global::meter_with_scope(scope.build()).u64_counter("other").build().add(1, &[]);
            telemetry.force_flush(LONG).expect("in time");
            global::meter("plain").u64_counter("counter.u64").with_unit("{order}").build().add(4, &[]);
            let stats = telemetry.shutdown().expect("in time");
            assert_eq!(stats.exporters.len(), 2);
            for exporter in &stats.exporters {
                assert_eq!((exporter.signal, exporter.failed, exporter.rejected), (Signal::Metrics, 0, 0), "{stats}");
            }
            let found = comparable(receiver.metric_requests());
            let expected = comparable(judge.requests.lock().expect("no panic").clone());
            assert_eq!(found.len(), 2);
            assert_eq!(found, expected, "{protocol:?} {temporality:?}");
        }
    }
}

fn find(metrics: Vec<Metric>, name: &str) -> Vec<Metric> {
    metrics.into_iter().filter(|metric| metric.name == name).collect()
}

/// The values of a sum, with their attributes.
fn sums(metric: &Metric) -> Vec<(String, i64)> {
    let Some(Data::Sum(sum)) = &metric.data else { panic!("no sum: {metric:?}") };
    let points = sum.data_points.iter().map(|point| {
        let mut attributes: Vec<_> = point.attributes.iter().map(|attribute| attribute.key.clone()).collect();
        attributes.sort();
        let Some(number_data_point::Value::AsInt(value)) = point.value else { panic!("{point:?}") };
        (attributes.join(" "), value)
    });
    let mut points: Vec<_> = points.collect();
    points.sort();
    points
}

#[trace(name = "measured", metrics)]
fn measured(fails: bool) -> Result<(), std::num::ParseIntError> {
    if fails { "x".parse::<u8>().map(drop) } else { Ok(()) }
}

#[test]
fn what_annotations_measure_arrives_with_one_init_and_nothing_else() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver(protocol, Behaviour::Accept);
        let otlp = otlp(protocol, &receiver);
        let settings = settings(MetricReader::otlp(otlp.clone())).with_otlp(otlp);
        let telemetry = otelier::init(settings).expect("it starts");
        for fails in [false, true, false] {
            let _ = measured(fails);
        }
        let stats = telemetry.shutdown().expect("in time");
        let metric = find(receiver.metrics(), "otelier.operation.duration").remove(0);
        let Some(Data::Histogram(histogram)) = &metric.data else { panic!("{metric:?}") };
        let mut counts: Vec<_> = histogram.data_points.iter().map(|point| point.count).collect();
        counts.sort_unstable();
        assert_eq!((metric.unit.as_str(), counts), ("s", vec![1, 2]));
        assert_eq!(histogram.data_points[0].explicit_bounds[0], 0.005, "the boundaries of the instrument");
        assert_eq!(receiver.spans().len(), 3, "exporting makes no spans");
        let [spans, metrics] = &*stats.exporters else { panic!("{stats}") };
        assert_eq!((spans.signal, spans.exported), (Signal::Spans, 3));
        assert_eq!((metrics.signal, metrics.exported), (Signal::Metrics, 2));
        let path = if protocol == Protocol::Grpc { "/" } else { "/v1/metrics" };
        assert!(metrics.name.ends_with(path) && stats.to_string().contains(": 2 data points exported"), "{stats}");
    }
}

#[test]
fn a_second_init_measures_again_and_old_instruments_are_harmless() {
    let _turn = turn();
    let protocol = Protocol::HttpProtobuf;
    let mut old: Option<opentelemetry::metrics::Counter<u64>> = None;
    for round in 1..=3 {
        let receiver = receiver(protocol, Behaviour::Accept);
        let telemetry = otelier::init(settings(reader(protocol, &receiver))).expect("it starts");
        let _ = measured(false);
        let counter = global::meter("shop").u64_counter("orders").build();
        counter.add(round, &[]);
        old.iter().for_each(|old| old.add(100, &[]));
        telemetry.shutdown().expect("in time");
        let found = receiver.metrics();
        assert_eq!(find(found.clone(), "otelier.operation.duration").len(), 1);
        assert_eq!(sums(&find(found, "orders")[0]), [(String::new(), round as i64)]);
        // Nobody is there any more.
        counter.add(1000, &[]);
        let _ = measured(false);
        global::meter("shop").u64_counter("orders").build().add(1000, &[]);
        assert_eq!(receiver.metric_requests().len(), 1);
        old = Some(counter);
    }
}

#[test]
fn views_rename_drop_choose_attributes_and_limit() {
    let _turn = turn();
    let protocol = Protocol::HttpProtobuf;
    let receiver = receiver(protocol, Behaviour::Accept);
    let mut of_meter = ViewSelector::name("*");
    of_meter.meter_name = Some("noise".to_owned());
    let mut of_unit = ViewSelector::instrument_type(InstrumentType::Counter);
    of_unit.unit = Some("By".to_owned());
    let metrics = Metrics::from(reader(protocol, &receiver))
        .with_view(View::of(ViewSelector::name("Orders")).with_name("shop.orders").with_description("all of them"))
        .with_view(View::of(of_meter).with_aggregation(Aggregation::Drop))
        .with_view(
            View::of(ViewSelector::name("http.*"))
                .with_attribute_keys(AttributeKeys::included(["http.*"]).but_not(["http.route"])),
        )
        .with_view(View::of(ViewSelector::name("http.total")).with_attribute_keys(AttributeKeys::excluded(["*"])))
        .with_view(View::of(of_unit).with_cardinality_limit(2))
        // Does not fit, so it is as if it were not there.
        .with_view(View::of(ViewSelector::name("plain")).with_aggregation(Aggregation::LastValue));
    let telemetry = otelier::init(settings(metrics)).expect("it starts");
    let meter = global::meter("shop");
    meter.u64_counter("orders").build().add(1, &[KeyValue::new("kind", "web")]);
    global::meter("noise").u64_counter("orders.noise").build().add(1, &[]);
    meter.u64_counter("plain").build().add(5, &[]);
    let requests = meter.u64_counter("http.total").build();
    for (method, route) in [("GET", "/a"), ("GET", "/b"), ("PUT", "/a")] {
        requests.add(
            1,
            &[
                KeyValue::new("http.request.method", method),
                KeyValue::new("http.route", route),
                KeyValue::new("user", route),
            ],
        );
    }
    let observed = |name: &'static str| {
        meter.u64_observable_counter(name).with_callback(|one| {
            one.observe(7, &[KeyValue::new("http.request.method", "GET"), KeyValue::new("user", "me")]);
        })
    };
    observed("http.observed").build();
    let bytes = meter.u64_counter("bytes").with_unit("By").build();
    (0..5).for_each(|number| bytes.add(1, &[KeyValue::new("number", number)]));
    let stats = telemetry.shutdown().expect("in time");
    let found = receiver.metrics();
    let renamed = find(found.clone(), "shop.orders").remove(0);
    assert_eq!((sums(&renamed), renamed.description.as_str()), (vec![("kind".to_owned(), 1)], "all of them"));
    assert!(find(found.clone(), "orders").is_empty() && find(found.clone(), "orders.noise").is_empty());
    let mut totals: Vec<_> = find(found.clone(), "http.total").iter().map(sums).collect();
    totals.sort();
    let method = "http.request.method".to_owned();
    assert_eq!(totals, [vec![(String::new(), 3)], vec![(method.clone(), 1), (method.clone(), 2)]]);
    assert_eq!(sums(&find(found.clone(), "http.observed")[0]), [(method, 7)]);
    assert_eq!(sums(&find(found.clone(), "plain")[0]), [(String::new(), 5)]);
    let limited = sums(&find(found, "bytes")[0]);
    assert!(limited.iter().any(|(key, _)| key == "otel.metric.overflow") && limited.len() <= 3, "{limited:?}");
    assert_eq!(receiver.metric_requests().len(), 1, "all lanes go in one request");
    assert_eq!(stats.exporters[0].failed, 0, "{stats}");
}

#[test]
fn readers_have_limits_aggregations_and_temporalities_of_their_own() {
    let _turn = turn();
    let protocol = Protocol::HttpProtobuf;
    let (one, other) = (receiver(protocol, Behaviour::Accept), receiver(protocol, Behaviour::Accept));
    let mut limits = CardinalityLimits::default();
    limits.counter = Some(1);
    let metrics = Metrics::from(reader(protocol, &one)).with_reader(
        reader(protocol, &other)
            .with_cardinality_limits(limits)
            .with_temporality(Temporality::Delta)
            .with_histogram_aggregation(HistogramAggregation::Base2Exponential),
    );
    let telemetry = otelier::init(settings(metrics)).expect("it starts");
    let meter = global::meter("shop");
    let counter = meter.u64_counter("orders").build();
    for round in 0..2 {
        (0..4).for_each(|number| counter.add(1, &[KeyValue::new("number", number)]));
        // Boundaries of an instrument are a hint for explicit buckets only.
        meter.f64_histogram("latency").with_boundaries(vec![1.0]).build().record(f64::from(round), &[]);
        telemetry.force_flush(LONG).expect("in time");
    }
    telemetry.shutdown().expect("in time");
    let orders = |receiver: &Receiver| find(receiver.metrics(), "orders");
    let count = |metric: &Metric| (sums(metric).len(), sums(metric).iter().map(|(_, value)| value).sum::<i64>());
    // The shutdown exports what is cumulative once more.
    assert_eq!(orders(&one).iter().map(count).collect::<Vec<_>>(), [(4, 4), (4, 8), (4, 8)]);
    let deltas: Vec<_> = orders(&other).iter().map(count).collect();
    assert!(deltas.len() == 2 && deltas.iter().all(|(points, sum)| *points <= 2 && *sum == 4), "{deltas:?}");
    let is_exponential = |receiver: &Receiver| {
        let latency = find(receiver.metrics(), "latency").remove(0);
        matches!(latency.data, Some(Data::ExponentialHistogram(_)))
    };
    assert_eq!([is_exponential(&one), is_exponential(&other)], [false, true]);
}

#[test]
fn metrics_are_exported_at_the_interval_without_being_asked() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver(protocol, Behaviour::Accept);
        let reader = reader(protocol, &receiver).with_interval(Duration::from_millis(20));
        let telemetry = otelier::init(settings(reader)).expect("it starts");
        global::meter("shop").u64_counter("orders").build().add(1, &[]);
        assert!(receiver.wait_for_metrics(3, LONG).len() >= 3);
        telemetry.shutdown().expect("in time");
    }
}

#[test]
fn a_receiver_that_hangs_does_not_hold_up_a_flush_or_a_shutdown() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver(protocol, Behaviour::Accept);
        receiver.answer_metrics(Behaviour::Hang);
        let otlp = otlp(protocol, &receiver).with_timeout(Duration::from_secs(3600));
        let reader = MetricReader::otlp(otlp.clone()).with_timeout(Duration::MAX);
        let settings = settings(reader).with_otlp(otlp).with_shutdown_timeout(Duration::from_secs(1));
        let stats = at_the_deadline(|| {
            let telemetry = start(settings.clone());
            let _ = measured(false);
            telemetry.force_flush(Duration::from_millis(200)).expect_err("nobody answers");
            let begin = Instant::now();
            while telemetry.stats().exporters[0].exported == 0 {
                assert!(begin.elapsed() < LONG, "spans do not wait for metrics");
                std::thread::sleep(Duration::from_millis(2));
            }
            // An export hangs when the shutdown begins, and is given up for it.
            let begin = Instant::now();
            let ended = telemetry.shutdown();
            assert!(begin.elapsed() < LONG);
            ended
        });
        let metrics = &stats.exporters[1];
        assert!(metrics.failed >= 1 && metrics.exported == 0, "{stats}");
        let error = metrics.last_error.as_deref().expect("a reason");
        assert!(error.contains("longer than") || error.contains("shutdown"), "{error}");
    }
}

#[test]
fn failures_and_refusals_are_booked_as_data_points() {
    let _turn = turn();
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc, Protocol::HttpJson] {
        let receiver = receiver(protocol, Behaviour::Accept);
        let once = settings(reader(protocol, &receiver)).with_retry(Retry::never());
        let telemetry = otelier::init(once).expect("it starts");
        let counter = global::meter("shop").u64_counter("orders").build();
        (0..3).for_each(|number| counter.add(1, &[KeyValue::new("number", number)]));
        for behaviour in [Behaviour::Reject(2, "too \u{1b}old".to_owned()), Behaviour::Fail(503), Behaviour::Accept] {
            receiver.answer_metrics(behaviour);
            telemetry.force_flush(LONG).expect("in time");
        }
        let stats = telemetry.stats().exporters.remove(0);
        assert_eq!((stats.exported, stats.failed, stats.rejected), (1 + 3, 3, 2), "{stats:?}");
        let error = stats.last_error.expect("a reason");
        assert!(!error.contains('\u{1b}'), "{error:?}");
        drop(telemetry);
    }
}

#[test]
fn a_file_holds_what_a_receiver_gets_one_line_an_export() {
    let _turn = turn();
    let path = std::env::temp_dir().join(format!("otelier-it-metrics-{}.jsonl", std::process::id()));
    let receiver = receiver(Protocol::HttpProtobuf, Behaviour::Accept);
    let to_file = MetricReader::otlp_file(OtlpFile::to(&path));
    let metrics = Metrics::from(to_file).with_reader(reader(Protocol::HttpProtobuf, &receiver));
    let telemetry = otelier::init(settings(metrics)).expect("it starts");
    instruments(&global::meter("plain"));
    telemetry.force_flush(LONG).expect("in time");
    let stats = telemetry.shutdown().expect("in time");
    let text = std::fs::read_to_string(&path).expect("it is there");
    std::fs::remove_file(&path).expect("it is there");
    assert!(stats.exporters[0].name.starts_with("otlp_file ") && text.ends_with('\n'), "{stats}");
    assert_eq!(stats.exporters[0].exported, stats.exporters[1].exported, "{stats}");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("OTLP JSON")).collect();
    assert_eq!(comparable(lines), comparable(receiver.metric_requests()));
}

#[test]
fn a_guard_ends_metrics_inside_a_runtime_of_one_thread() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver(protocol, Behaviour::Accept);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let telemetry = otelier::init(settings(reader(protocol, &receiver))).expect("it starts");
            let _ = measured(false);
            tokio::task::yield_now().await;
            telemetry.force_flush(LONG).expect("in time");
            drop(telemetry);
        });
        assert_eq!(receiver.metric_requests().len(), 2);
    }
}

#[test]
fn other_hooks_leave_the_global_provider_alone() {
    let _turn = turn();
    let protocol = Protocol::HttpProtobuf;
    for hooks in [Hooks::Manual, Hooks::None] {
        let receiver = receiver(protocol, Behaviour::Accept);
        let telemetry = otelier::init(settings(reader(protocol, &receiver)).with_hooks(hooks)).expect("it starts");
        global::meter("shop").u64_counter("global").build().add(1, &[]);
        telemetry.meter_provider().meter("shop").u64_counter("own").build().add(1, &[]);
        telemetry.shutdown().expect("in time");
        let names: Vec<_> = receiver.metrics().into_iter().map(|metric| metric.name).collect();
        assert_eq!(names, ["own"]);
    }
}
