//! Budgets, objectives and metrics of operations: what is known only when a span ends.
//!
//! Nothing here measures time: budgets are so small that nothing keeps them, or so large that everything does.

use crate::support::{Recorder, attribute, named, one_thread, tree};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, InstrumentationScope, Value, global};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, HistogramDataPoint, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::SpanData;
use otelier::__private::outcome::*;
use otelier::__private::{Callsite, Guard, Outcome, Probe, Watch, instrument};
use otelier::config::{Limits, Sampler};
use otelier::prelude::*;
use otelier::schema::{EventSchema, Kind, Schema, performance};
use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

const NOTHING: Duration = Duration::from_nanos(1);
const HOURS: Duration = Duration::from_secs(10 * 3600);

static SHORT: Callsite =
    Callsite::new("short", Kind::Internal).watched(&Watch { budget: Some(NOTHING), ..Watch::NONE });
static LONG: Callsite = Callsite::new("long", Kind::Client).watched(&Watch { budget: Some(HOURS), ..Watch::NONE });
static NONE: Callsite =
    Callsite::new("none", Kind::Internal).watched(&Watch { budget: Some(Duration::ZERO), ..Watch::NONE });
static KEPT: Callsite = Callsite::new("kept", Kind::Internal).watched(&Watch {
    slo: Some(HOURS),
    sli: Some("api_latency"),
    operation_type: Some("api"),
    ..Watch::NONE
});
static MISSED: Callsite = Callsite::new("missed", Kind::Server).watched(&Watch { slo: Some(NOTHING), ..Watch::NONE });
static MEASURED: Callsite = Callsite::new("measured", Kind::Internal).watched(&Watch { metrics: true, ..Watch::NONE });
static ALL: Callsite = Callsite::new("all", Kind::Internal).watched(&Watch {
    budget: Some(NOTHING),
    slo: Some(HOURS),
    operation_type: Some("api"),
    metrics: true,
    ..Watch::NONE
});

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Works,
    Fails,
    FailsAsExpected,
    Panics,
    /// Only a future can be dropped before it is ready.
    NeverEnds,
}

#[derive(Debug)]
struct Refused {
    expected: bool,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl ErrorClass for Refused {
    fn error_type(&self) -> Cow<'static, str> {
        if self.expected { "not_listed".into() } else { 503.to_string().into() }
    }

    fn is_expected(&self) -> bool {
        self.expected
    }
}

/// Lets the clock go on, whatever its steps are.
fn spend() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(2) {}
}

fn body(does: Does) -> Result<(), Refused> {
    spend();
    match does {
        Does::Works | Does::NeverEnds => Ok(()),
        Does::Fails => Err(Refused { expected: false }),
        Does::FailsAsExpected => Err(Refused { expected: true }),
        Does::Panics => panic!("on purpose"),
    }
}

#[allow(clippy::needless_borrow)]
fn outcome<'a>(result: &'a Result<(), Refused>) -> Outcome<'a> {
    (&&&&&&&Probe(result)).otelier_outcome()
}

/// What an annotation makes of a synchronous function.
fn sync(site: &'static Callsite, does: Does) {
    let _ = catch_unwind(|| {
        let mut span = Guard::new();
        span.enter(site);
        let result = body(does);
        span.outcome(outcome(&result));
    });
}

/// What it makes of an asynchronous one.
async fn later(site: &'static Callsite, does: Does) {
    let future = async move {
        tokio::task::yield_now().await;
        if does == Does::NeverEnds {
            spend();
            std::future::pending::<()>().await;
        }
        body(does)
    };
    let _ = instrument(site, future, outcome).await;
}

/// Runs it to its end, or drops it in the middle.
fn run_later(site: &'static Callsite, does: Does) {
    if does != Does::NeverEnds {
        let _ = catch_unwind(|| one_thread().block_on(later(site, does)));
        return;
    }
    let mut future = Box::pin(later(site, does));
    let mut context = std::task::Context::from_waker(Waker::noop());
    (0..3).for_each(|_| assert!(future.as_mut().poll(&mut context).is_pending()));
}

fn run(site: &'static Callsite, does: Does, is_async: bool) {
    if is_async { run_later(site, does) } else { sync(site, does) }
}

fn double(span: &SpanData, key: &str) -> f64 {
    match attribute(span, key) {
        Some(Value::F64(value)) => *value,
        other => panic!("`{key}` is {other:?} in {span:?}"),
    }
}

fn boolean(span: &SpanData, key: &str) -> bool {
    attribute(span, key) == Some(&Value::Bool(true))
}

fn seconds(span: &SpanData) -> f64 {
    span.end_time.duration_since(span.start_time).expect("spans end after they begin").as_secs_f64()
}

#[test]
fn a_span_says_how_much_of_its_budget_it_used() {
    for is_async in [false, true] {
        let recorder = Recorder::start();
        run(&LONG, Does::Works, is_async);
        run(&SHORT, Does::Works, is_async);
        run(&NONE, Does::Works, is_async);
        let spans = recorder.spans();
        let long = named(&spans, "long");
        assert!((double(long, "performance.budget.limit") - 36_000.0).abs() < 1e-9);
        assert!((double(long, "performance.budget.used") - seconds(long) / 36_000.0).abs() < 1e-9);
        assert_eq!(attribute(long, "performance.budget.exceeded"), Some(&Value::Bool(false)));
        assert!(long.events.events.is_empty());
        let short = named(&spans, "short");
        assert!(double(short, "performance.budget.used") > 100.0 && boolean(short, "performance.budget.exceeded"));
        let none = named(&spans, "none");
        assert!(double(none, "performance.budget.used").is_finite() && boolean(none, "performance.budget.exceeded"));
        assert!(double(none, "performance.budget.limit").abs() < 1e-12);
    }
}

#[test]
fn a_budget_that_is_exceeded_is_an_event_as_its_schema_declares_it() {
    let recorder = Recorder::start();
    sync(&SHORT, Does::Works);
    run_later(&SHORT, Does::Works);
    let spans = recorder.spans();
    assert_eq!(spans.len(), 2);
    for span in &spans {
        let [event] = &span.events.events[..] else { panic!("{}", tree(spans.clone())) };
        assert_eq!(event.name, performance::BudgetExceeded::DEF.id);
        let keys: Vec<_> = event.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        let declared: Vec<_> = performance::BudgetExceeded::DEF.attributes.iter().map(|known| known.name).collect();
        assert_eq!(keys, declared);
        assert_eq!(event.attributes[0].value, Value::from("short"));
    }
}

#[test]
fn an_objective_is_missed_by_those_that_take_too_long_or_fail() {
    use Does::*;
    for is_async in [false, true] {
        for (site, does, compliant) in [
            (&KEPT, Works, true),
            (&KEPT, FailsAsExpected, true),
            (&KEPT, Fails, false),
            (&KEPT, Panics, false),
            (&MISSED, Works, false),
            (&MISSED, Fails, false),
        ] {
            let recorder = Recorder::start();
            run(site, does, is_async);
            let spans = recorder.spans();
            let found = attribute(&spans[0], "performance.slo.compliant");
            assert_eq!(found, Some(&Value::Bool(compliant)), "{does:?}, async: {is_async}, {}", tree(spans.clone()));
        }
    }
}

#[test]
fn a_future_that_is_dropped_has_not_failed() {
    let recorder = Recorder::start();
    run_later(&KEPT, Does::NeverEnds);
    let spans = recorder.spans();
    assert!(boolean(&spans[0], "otelier.cancelled") && boolean(&spans[0], "performance.slo.compliant"));
}

#[test]
fn the_indicator_is_the_duration_in_seconds() {
    let recorder = Recorder::start();
    sync(&KEPT, Does::Works);
    let spans = recorder.spans();
    let kept = &spans[0];
    let keys: Vec<_> = kept.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    let expected = [
        "operation.type",
        "performance.sli.name",
        "performance.sli.value",
        "performance.slo.threshold",
        "performance.slo.compliant",
    ];
    assert_eq!(keys, expected);
    let schema = performance::Operation::DEF;
    assert!(keys.iter().all(|key| schema.attributes.iter().any(|known| known.name == *key)));
    assert_eq!(attribute(kept, "performance.sli.name"), Some(&Value::from("api_latency")));
    assert_eq!(attribute(kept, "operation.type"), Some(&Value::from("api")));
    assert!((double(kept, "performance.sli.value") - seconds(kept)).abs() < 1e-6);
}

#[test]
fn what_a_span_says_of_itself_is_within_its_limits() {
    for is_async in [false, true] {
        let mut limits = Limits::default();
        (limits.attributes, limits.events) = (2, 0);
        let recorder = Recorder::with(Telemetry::default().with_limits(limits));
        run(&SHORT, Does::Works, is_async);
        let spans = recorder.spans();
        let short = &spans[0];
        assert_eq!((short.attributes.len(), short.dropped_attributes_count), (2, 1));
        assert_eq!((short.events.events.len(), short.events.dropped_count), (0, 1));
    }
}

#[test]
fn children_and_what_is_recorded_through_the_api_stay_where_they_are() {
    let recorder = Recorder::start();
    let mut span = Guard::new();
    span.enter(&KEPT);
    Context::map_current(|context| context.span().set_status(opentelemetry::trace::Status::error("by hand")));
    {
        let mut inner = Guard::new();
        inner.enter(&LONG);
    }
    drop(span);
    let spans = recorder.spans();
    let (outer, inner) = (named(&spans, "kept"), named(&spans, "long"));
    assert_eq!(inner.parent_span_id, outer.span_context.span_id());
    assert_eq!(attribute(outer, "performance.slo.compliant"), Some(&Value::Bool(false)));
    assert!(Context::map_current(|context| !context.span().span_context().is_valid()));
}

/// Metrics into memory, as OpenTelemetry's global ones.
struct Metrics {
    provider: SdkMeterProvider,
    memory: InMemoryMetricExporter,
}

impl Metrics {
    /// To be called while a pipeline runs, because tests take turns with these.
    fn start() -> Self {
        let memory = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(memory.clone()).build();
        global::set_meter_provider(provider.clone());
        Self { provider, memory }
    }

    /// One line for each set of attributes, with its number of calls.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.each_point(|point| {
            let mut attributes: Vec<_> =
                point.attributes().map(|attribute| format!("{}={}", attribute.key, attribute.value)).collect();
            attributes.sort();
            lines.push(format!("{} {}", point.count(), attributes.join(" ")));
        });
        lines.sort();
        lines
    }

    fn each_point(&self, mut f: impl FnMut(&HistogramDataPoint<f64>)) {
        self.memory.reset();
        self.provider.force_flush().expect("metrics are exported");
        for resource in self.memory.get_finished_metrics().expect("metrics") {
            for scope in resource.scope_metrics() {
                assert_eq!(scope.scope(), &InstrumentationScope::builder("otelier").build());
                for metric in scope.metrics() {
                    assert_eq!((metric.name(), metric.unit()), ("otelier.operation.duration", "s"));
                    let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
                        panic!("{metric:?}")
                    };
                    histogram.data_points().for_each(&mut f);
                }
            }
        }
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        global::set_meter_provider(SdkMeterProvider::default());
    }
}

#[test]
fn every_call_is_counted_with_its_outcome() {
    use Does::*;
    let recorder = Recorder::start();
    let metrics = Metrics::start();
    for is_async in [false, true] {
        for does in [Works, Works, Fails, FailsAsExpected, Panics] {
            run(&MEASURED, does, is_async);
        }
    }
    run_later(&MEASURED, NeverEnds);
    sync(&ALL, Works);
    sync(&KEPT, Works);
    let lines = metrics.lines();
    drop(recorder);
    assert_eq!(
        lines,
        [
            "1 operation.name=all operation.type=api",
            "1 operation.name=measured otelier.cancelled=true",
            "2 error.type=503 operation.name=measured",
            "2 error.type=panic operation.name=measured",
            "6 operation.name=measured",
        ]
    );
}

#[test]
fn the_histogram_has_the_boundaries_of_the_semantic_conventions() {
    let recorder = Recorder::start();
    let metrics = Metrics::start();
    sync(&MEASURED, Does::Works);
    let mut seen = 0;
    metrics.each_point(|point| {
        seen += 1;
        let bounds: Vec<f64> = point.bounds().collect();
        assert_eq!(bounds, [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]);
        assert!(point.sum() > 0.0);
    });
    assert_eq!(seen, 1);
    let spans = recorder.spans();
    assert!(spans[0].attributes.is_empty(), "the span itself is as it was");
}

/// Makes spans below a parent that is not recorded, and at the root of a trace that is not.
fn unsampled(does: Does, is_async: bool) {
    run(&MEASURED, does, is_async);
    let mut parent = Guard::new();
    static PARENT: Callsite = Callsite::new("parent", Kind::Internal);
    parent.enter(&PARENT);
    let of = || Context::map_current(|context| context.span().span_context().clone());
    let before: SpanContext = of();
    assert!(before.is_valid() && !before.is_sampled());
    run(&MEASURED, does, is_async);
    let mut inside = Guard::new();
    inside.enter(&MEASURED);
    assert_eq!(of(), before, "what is not recorded changes nothing");
    drop(inside);
    assert_eq!(of(), before);
}

#[test]
fn calls_of_traces_that_are_not_sampled_are_counted_too() {
    use Does::*;
    for is_async in [false, true] {
        let recorder = Recorder::with(Telemetry::default().with_sampler(Sampler::AlwaysOff));
        let metrics = Metrics::start();
        for does in [Works, Fails, FailsAsExpected, Panics] {
            unsampled(does, is_async);
        }
        let mut expected = vec![
            "2 error.type=503 operation.name=measured".to_owned(),
            "2 error.type=panic operation.name=measured".to_owned(),
            "8 operation.name=measured".to_owned(),
        ];
        if is_async {
            unsampled(NeverEnds, true);
            expected.insert(2, "2 operation.name=measured otelier.cancelled=true".to_owned());
            // The one that `unsampled` opens by hand.
            expected[3] = "9 operation.name=measured".to_owned();
        }
        assert_eq!(metrics.lines(), expected, "async: {is_async}");
        let (spans, stats) = recorder.finish();
        assert!(spans.is_empty(), "{stats}");
    }
}

#[test]
fn nothing_is_evaluated_for_the_attributes_of_a_call_that_is_only_counted() {
    let recorder = Recorder::with(Telemetry::default().with_sampler(Sampler::AlwaysOff));
    let _metrics = Metrics::start();
    let mut span = Guard::new();
    span.enter(&MEASURED);
    assert!(!span.is_recording() && span.first_slots().is_none() && span.event(0).is_none());
    let result: Result<(), NeverShown> = Err(NeverShown);
    #[allow(clippy::needless_borrow)]
    span.outcome((&&&&&&&Probe(&result)).otelier_outcome());
    drop(span);
    recorder.expect(&[]);
}

struct NeverShown;

impl fmt::Display for NeverShown {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("nobody asked for the text")
    }
}

#[test]
fn a_meter_provider_that_is_set_later_is_the_one_that_counts() {
    let recorder = Recorder::start();
    sync(&MEASURED, Does::Works);
    let first = Metrics::start();
    sync(&MEASURED, Does::Works);
    assert_eq!(first.lines(), ["1 operation.name=measured"]);
    let second = Metrics::start();
    sync(&MEASURED, Does::Works);
    sync(&MEASURED, Does::Works);
    assert_eq!(second.lines(), ["2 operation.name=measured"]);
    assert_eq!(first.lines(), ["1 operation.name=measured"]);
    drop(recorder);
}

#[test]
fn metrics_can_be_switched_off_and_are_off_without_telemetry() {
    let recorder = Recorder::with(Telemetry::default().with_span_metrics(false));
    let metrics = Metrics::start();
    sync(&ALL, Does::Works);
    run_later(&MEASURED, Does::Works);
    let spans = recorder.spans();
    assert!(boolean(named(&spans, "all"), "performance.budget.exceeded"), "the span says what it said before");
    let _turn = crate::support::turn();
    sync(&MEASURED, Does::Works);
    run_later(&MEASURED, Does::Works);
    assert!(metrics.lines().is_empty());
}

#[test]
fn the_environment_switches_metrics() {
    use otelier::config::Variables;
    let of = |value| Telemetry::from_variables(&Variables::of([("OTELIER_SPAN_METRICS", value)]));
    assert!(of("").expect("nothing is set").span_metrics && of("TRUE").expect("it is on").span_metrics);
    assert!(!of("false").expect("it is off").span_metrics);
    let error = of("no").expect_err("a problem");
    assert_eq!(error.problems(), ["`OTELIER_SPAN_METRICS` is `no`; expected `true` or `false`"]);
}

#[test]
fn nothing_is_counted_while_telemetry_is_suppressed() {
    let recorder = Recorder::start();
    let metrics = Metrics::start();
    {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        sync(&MEASURED, Does::Works);
        let mut future = pin!(later(&MEASURED, Does::Works));
        let mut context = std::task::Context::from_waker(Waker::noop());
        while future.as_mut().poll(&mut context).is_pending() {}
    }
    assert!(metrics.lines().is_empty());
    recorder.expect(&[]);
}

/// A meter provider whose making of meters is itself measured, and panics.
struct Unruly(Arc<AtomicUsize>);

impl MeterProvider for Unruly {
    fn meter_with_scope(&self, _: InstrumentationScope) -> opentelemetry::metrics::Meter {
        self.0.fetch_add(1, Ordering::Relaxed);
        sync(&MEASURED, Does::Works);
        panic!("on purpose")
    }
}

#[test]
fn a_meter_provider_that_is_measured_itself_or_panics_harms_nobody() {
    let recorder = Recorder::start();
    let calls = Arc::new(AtomicUsize::new(0));
    global::set_meter_provider(Unruly(Arc::clone(&calls)));
    sync(&MEASURED, Does::Works);
    sync(&MEASURED, Does::Panics);
    let unharmed = catch_unwind(AssertUnwindSafe(|| run_later(&MEASURED, Does::Works)));
    global::set_meter_provider(SdkMeterProvider::default());
    assert!(unharmed.is_ok());
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    let text = tree(recorder.spans());
    let spans = text.lines().filter(|line| line.trim_start().starts_with("measured")).count();
    assert_eq!(spans, 6, "{text}");
}
