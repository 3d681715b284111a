//! What users of annotations and of the pipeline can rely on.

use opentelemetry::trace::{
    FutureExt, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
    TracerProvider,
};
use opentelemetry::{Context, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use otelier::config::Sampler;
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::{Guard, Pipeline, Stats};
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A pipeline into memory. One runs in a process at a time, so tests take turns.
struct Recorder {
    memory: MemoryExporter,
    telemetry: Guard,
    _turn: MutexGuard<'static, ()>,
}

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    fn start() -> Self {
        Self::with(Telemetry::default())
    }

    fn with(settings: Telemetry) -> Self {
        let turn = turn();
        let memory = MemoryExporter::new(1_000_000);
        let telemetry = Pipeline::new(settings).with_span_exporter(memory.clone()).start().expect("it starts");
        Self { memory, telemetry, _turn: turn }
    }

    fn finish(self) -> (Vec<SpanData>, Stats) {
        let stats = self.telemetry.shutdown().expect("in time");
        (self.memory.spans(), stats)
    }

    fn spans(self) -> Vec<SpanData> {
        self.finish().0
    }
}

fn named<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    let names: Vec<_> = spans.iter().map(|span| span.name.clone()).collect();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span `{name}` in {names:?}"))
}

fn attribute<'a>(span: &'a SpanData, key: &str) -> Option<&'a Value> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| &attribute.value)
}

fn text(span: &SpanData, key: &str) -> Option<String> {
    attribute(span, key).map(Value::to_string)
}

fn is_child(child: &SpanData, parent: &SpanData) -> bool {
    child.parent_span_id == parent.span_context.span_id()
        && child.span_context.trace_id() == parent.span_context.trace_id()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().expect("a runtime")
}

// ---------------------------------------------------------------- values

#[trace(
    "app.text" = "x",
    app.int = u64::MAX,
    app.float = 1.5f32,
    app.yes = true,
    app.none = None::<&str>,
    app.some = Some(7),
    app.debug = ?Some(1),
    app.display = %format_args!("{}-{}", 1, 2),
    "app.list" = vec!["a", "b"]
)]
fn values() {
    record!(app.int = 1);
    record!(app.long = "ä".repeat(2000));
}

#[test]
fn values_keep_their_types_and_the_last_one_of_a_key_wins() {
    let recorder = Recorder::start();
    values();
    let spans = recorder.spans();
    let span = &spans[0];
    assert_eq!(attribute(span, "app.text"), Some(&Value::from("x")));
    assert_eq!(attribute(span, "app.int"), Some(&Value::I64(1)));
    assert_eq!(attribute(span, "app.float"), Some(&Value::F64(1.5)));
    assert_eq!(attribute(span, "app.yes"), Some(&Value::Bool(true)));
    assert_eq!(attribute(span, "app.none"), None);
    assert_eq!(attribute(span, "app.some"), Some(&Value::I64(7)));
    assert_eq!(text(span, "app.debug").as_deref(), Some("Some(1)"));
    assert_eq!(text(span, "app.display").as_deref(), Some("1-2"));
    assert_eq!(text(span, "app.list").as_deref(), Some("[\"a\",\"b\"]"));
    assert_eq!(text(span, "app.long").map(|text| text.chars().count()), Some(1024));
    assert_eq!(span.attributes.iter().filter(|attribute| attribute.key.as_str() == "app.int").count(), 1);
}

struct Traced(u8);

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("before ")?;
        inner_work(self.0);
        f.write_str("after")
    }
}

#[trace(app.value = value)]
fn inner_work(value: u8) {
    event!("worked", app.value = value);
}

#[trace(app.first = 1, app.traced = %Traced(3), app.last = 2)]
fn displays_a_traced_value() {}

#[test]
fn a_value_may_itself_be_traced_while_it_is_recorded() {
    let recorder = Recorder::start();
    displays_a_traced_value();
    let spans = recorder.spans();
    let outer = named(&spans, "displays_a_traced_value");
    assert_eq!(text(outer, "app.traced").as_deref(), Some("before after"));
    assert_eq!((text(outer, "app.first").as_deref(), text(outer, "app.last").as_deref()), (Some("1"), Some("2")));
    assert!(is_child(named(&spans, "inner_work"), outer));
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("partial")?;
        panic!("on purpose")
    }
}

#[trace(app.first = 1, app.bad = %Panics)]
fn displays_a_panicking_value() {}

#[test]
fn a_panicking_value_ends_the_span_and_leaves_nothing_broken() {
    let recorder = Recorder::start();
    assert!(catch_unwind(displays_a_panicking_value).is_err());
    values();
    let spans = recorder.spans();
    let broken = named(&spans, "displays_a_panicking_value");
    assert_eq!(text(broken, "app.first").as_deref(), Some("1"));
    assert_eq!(text(broken, "app.bad"), None);
    assert_eq!(text(broken, "error.type").as_deref(), Some("panic"));
    assert_eq!(text(named(&spans, "values"), "app.int").as_deref(), Some("1"));
}

#[trace(app.early = 1)]
fn records_outside_in() -> u8 {
    let late = |value: u8| record!(app.late = value);
    trace_block!(name = "inner", app.own = 5, {
        late(7);
        event_of_the_block();
    });
    record!(app.end = 9);
    1
}

#[trace]
fn event_of_the_block() {}

#[test]
fn what_is_recorded_on_an_outer_span_does_not_land_on_an_inner_one() {
    let recorder = Recorder::start();
    records_outside_in();
    let spans = recorder.spans();
    let (outer, inner) = (named(&spans, "records_outside_in"), named(&spans, "inner"));
    let keys = |span: &SpanData| {
        span.attributes.iter().map(|attribute| format!("{}={}", attribute.key, attribute.value)).collect::<HashSet<_>>()
    };
    assert_eq!(keys(outer), HashSet::from(["app.early=1".into(), "app.late=7".into(), "app.end=9".into()]));
    assert_eq!(keys(inner), HashSet::from(["app.own=5".into()]));
}

#[trace_ingestion(crypto.data_type = DataType::Klines, crypto.timeframe = Some(Timeframe::Hour))]
fn ingest() {}

#[test]
fn schemas_give_name_kind_and_constants() {
    let recorder = Recorder::start();
    ingest();
    let spans = recorder.spans();
    assert_eq!(spans[0].name, "ingest klines");
    assert_eq!(spans[0].span_kind, SpanKind::Internal);
    assert_eq!(text(&spans[0], "crypto.operation_type").as_deref(), Some("data_ingestion"));
    assert_eq!(text(&spans[0], "crypto.timeframe").as_deref(), Some("1h"));
}

otelier::span_schema! {
    /// An order.
    pub Order = "app.order" {
        kind = producer;
        name = "order {app.currency}";
        app.currency: string required;
    }
}

#[trace(Order, app.currency = currency)]
fn order(currency: Option<&str>) {}

#[trace(Order, name = "by hand", app.currency = "EUR")]
fn named_by_hand() {}

#[test]
fn a_name_without_its_value_falls_back_to_the_spans_type() {
    let recorder = Recorder::start();
    order(Some("EUR"));
    order(None);
    named_by_hand();
    let names: Vec<_> = recorder.spans().into_iter().map(|span| span.name.into_owned()).collect();
    assert_eq!(names, ["order EUR", "app.order", "by hand"]);
}

// ---------------------------------------------------------------- outcomes

struct Expected;

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not listed")
    }
}

impl ErrorClass for Expected {
    fn error_type(&self) -> std::borrow::Cow<'static, str> {
        "not_listed".into()
    }

    fn is_expected(&self) -> bool {
        true
    }
}

struct Opaque;

#[trace]
fn by_display() -> std::io::Result<()> {
    Err(std::io::Error::other("disk full"))
}

#[trace]
async fn expected() -> Result<(), Expected> {
    Err(Expected)
}

#[trace]
fn opaque() -> Result<(), Opaque> {
    Err(Opaque)
}

#[trace]
fn with_question_mark() -> Result<u8, std::num::ParseIntError> {
    let parsed: u8 = "x".parse()?;
    Ok(parsed)
}

#[test]
fn errors_are_recorded_by_what_is_known_of_them() {
    let recorder = Recorder::start();
    let _ = (by_display(), opaque(), with_question_mark());
    let _ = runtime().block_on(expected());
    let spans = recorder.spans();
    let displayed = named(&spans, "by_display");
    assert_eq!(displayed.status, Status::error("disk full"));
    assert_eq!(text(displayed, "error.type").as_deref(), Some("std::io::error::Error"));
    let event = &displayed.events.events[0];
    assert_eq!(event.name, "exception");
    let keys: Vec<_> = event.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(keys, ["exception.type", "exception.message"]);
    let expected = named(&spans, "expected");
    assert_eq!(expected.status, Status::Unset);
    assert_eq!(text(expected, "error.type").as_deref(), Some("not_listed"));
    assert!(text(named(&spans, "opaque"), "error.type").is_some_and(|name| name.ends_with("Opaque")));
    assert_eq!(named(&spans, "with_question_mark").status, Status::error("invalid digit found in string"));
}

#[trace]
fn cleans_up() {}

struct CleansUp;

impl Drop for CleansUp {
    fn drop(&mut self) {
        cleans_up();
    }
}

#[trace]
fn panics() {
    let _clean = CleansUp;
    panic!("on purpose")
}

#[trace]
async fn panics_later() {
    tokio::task::yield_now().await;
    panic!("on purpose")
}

#[test]
fn panics_are_seen_once_and_not_on_what_runs_while_unwinding() {
    let recorder = Recorder::start();
    assert!(catch_unwind(panics).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| runtime().block_on(panics_later()))).is_err());
    let spans = recorder.spans();
    assert_eq!(spans.len(), 3);
    for name in ["panics", "panics_later"] {
        let span = named(&spans, name);
        assert_eq!(text(span, "error.type").as_deref(), Some("panic"), "{name}");
        assert_eq!(span.status, Status::error("panicked"), "{name}");
    }
    let cleanup = named(&spans, "cleans_up");
    assert_eq!(cleanup.status, Status::Unset);
    assert!(is_child(cleanup, named(&spans, "panics")));
}

#[trace]
async fn waits() {
    let _clean = CleansUp;
    std::future::pending::<()>().await;
}

#[test]
fn a_dropped_future_is_cancelled_once_and_what_it_drops_belongs_to_it() {
    let recorder = Recorder::start();
    runtime().block_on(async {
        drop(waits());
        assert!(tokio::time::timeout(Duration::from_millis(1), waits()).await.is_err());
    });
    let spans = recorder.spans();
    assert_eq!(spans.len(), 2, "a future that was never polled has no span");
    let waits = named(&spans, "waits");
    assert_eq!(attribute(waits, "otelier.cancelled"), Some(&Value::Bool(true)));
    assert_eq!(waits.status, Status::Unset);
    assert!(is_child(named(&spans, "cleans_up"), waits));
}

// ---------------------------------------------------------------- threads and tasks

#[trace(app.first = 1)]
async fn records_what_it_awaits() {
    record!(app.awaited = awaited(7).await);
    record!(app.last = 3);
}

#[trace(app.inner = value)]
async fn awaited(value: u8) -> u8 {
    tokio::task::yield_now().await;
    value
}

#[test]
fn a_recorded_value_may_be_awaited_on_another_thread() {
    let recorder = Recorder::start();
    runtime().block_on(async { tokio::spawn(records_what_it_awaits()).await.expect("no panic") });
    let spans = recorder.spans();
    let outer = named(&spans, "records_what_it_awaits");
    assert_eq!(text(outer, "app.awaited").as_deref(), Some("7"));
    assert_eq!(outer.attributes.len(), 3);
    let inner = named(&spans, "awaited");
    assert!(is_child(inner, outer) && inner.attributes.len() == 1);
}

#[trace(app.step = step)]
async fn step(step: usize) {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    leaf(step);
}

#[trace(app.step = step)]
fn leaf(step: usize) {}

#[trace]
async fn fan_out(steps: usize) {
    let tasks: Vec<_> = (0..steps).map(|number| tokio::spawn(step(number).with_current_context())).collect();
    for task in tasks {
        task.await.expect("no step panics");
    }
}

#[test]
fn spans_of_tasks_that_move_between_threads_keep_their_parents() {
    const STEPS: usize = 300;
    let recorder = Recorder::start();
    runtime().block_on(fan_out(STEPS));
    let spans = recorder.spans();
    assert_eq!(spans.len(), 1 + 2 * STEPS);
    let root = named(&spans, "fan_out");
    for number in 0..STEPS {
        let wanted = Some(number.to_string());
        let find = |name: &str| {
            spans.iter().find(|span| span.name == name && text(span, "app.step") == wanted).expect("one of each")
        };
        assert!(is_child(find("step"), root));
        assert!(is_child(find("leaf"), find("step")));
    }
}

#[test]
fn threads_that_come_and_go_lose_nothing() {
    const THREADS: usize = 64;
    const SPANS: usize = 50;
    let recorder = Recorder::start();
    for _ in 0..4 {
        std::thread::scope(|scope| {
            for thread in 0..THREADS / 4 {
                scope.spawn(move || (0..SPANS).for_each(|number| leaf(thread * SPANS + number)));
            }
        });
    }
    let (spans, stats) = recorder.finish();
    assert_eq!(spans.len() as u64 + stats.dropped(), (THREADS * SPANS) as u64);
    assert_eq!(stats.dropped(), 0);
    let ids: HashSet<_> = spans.iter().map(|span| span.span_context.span_id()).collect();
    assert_eq!(ids.len(), THREADS * SPANS);
}

#[test]
fn a_flush_sees_what_a_busy_thread_has_finished() {
    let recorder = Recorder::start();
    let (ready, done) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let busy = std::thread::spawn({
        let (ready, done) = (Arc::clone(&ready), Arc::clone(&done));
        move || {
            trace_block!(name = "long", {
                leaf(1);
                ready.wait();
                done.wait();
            });
        }
    });
    ready.wait();
    recorder.telemetry.force_flush(Duration::from_secs(10)).expect("in time");
    assert_eq!(recorder.memory.spans().len(), 1);
    done.wait();
    busy.join().expect("no panic");
    assert_eq!(recorder.spans().len(), 2);
}

// ---------------------------------------------------------------- OpenTelemetry's context

#[trace]
fn ours() -> SpanContext {
    Context::current().span().span_context().clone()
}

#[derive(Clone, Debug, Default)]
struct Collected(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Collected {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
        Ok(())
    }
}

#[test]
fn spans_of_the_api_and_ours_nest_both_ways() {
    let recorder = Recorder::start();
    let theirs = Collected::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(theirs.clone()).build();
    let tracer = provider.tracer("theirs");
    tracer.in_span("outer of theirs", |_| {
        trace_block!(name = "ours between", {
            tracer.in_span("inner of theirs", |_| {
                ours();
            });
        });
    });
    let spans = recorder.spans();
    let theirs = theirs.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (outer, inner) = (named(&theirs, "outer of theirs"), named(&theirs, "inner of theirs"));
    assert!(is_child(named(&spans, "ours between"), outer));
    assert!(is_child(inner, named(&spans, "ours between")));
    assert!(is_child(named(&spans, "ours"), inner));
}

fn remote(flags: TraceFlags) -> Context {
    let state = TraceState::from_key_value([("vendor", "value")]).expect("a valid state");
    Context::new().with_remote_span_context(SpanContext::new(TraceId::from(7), SpanId::from(8), flags, true, state))
}

#[test]
fn remote_parents_are_joined_with_their_decision_and_state() {
    let recorder = Recorder::start();
    {
        let _attached = remote(TraceFlags::SAMPLED).attach();
        let seen = ours();
        assert_eq!(seen.trace_state().get("vendor"), Some("value"));
        assert!(seen.is_sampled() && seen.trace_id() == TraceId::from(7));
    }
    {
        let _attached = remote(TraceFlags::NOT_SAMPLED).attach();
        let seen = ours();
        assert!(!seen.is_sampled() && seen.trace_id() == TraceId::from(7), "children must join the decision");
    }
    let spans = recorder.spans();
    assert_eq!(spans.len(), 1);
    assert!(spans[0].parent_span_is_remote);
    assert_eq!(spans[0].parent_span_id, SpanId::from(8));
    assert_eq!(spans[0].span_context.trace_state().get("vendor"), Some("value"));
}

#[test]
fn a_suppressed_scope_records_nothing_and_values_stay() {
    #[derive(Debug, PartialEq)]
    struct Tenant(u8);
    let recorder = Recorder::start();
    {
        let _attached = Context::current_with_value(Tenant(4)).attach();
        trace_block!(name = "seen", { assert_eq!(Context::current().get::<Tenant>(), Some(&Tenant(4))) });
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        ours();
    }
    let spans = recorder.spans();
    assert_eq!(spans.len(), 1);
}

// ---------------------------------------------------------------- sampling

thread_local! {
    static EVALUATED: Cell<u32> = const { Cell::new(0) };
}

fn counted() -> u32 {
    EVALUATED.set(EVALUATED.get() + 1);
    1
}

#[trace(app.counted = counted())]
fn counts() {
    record!(app.counted = counted());
    event!("counted", app.counted = counted());
}

#[test]
fn nothing_is_evaluated_for_a_span_that_is_not_recorded() {
    let recorder = Recorder::with(Telemetry::default().with_sampler(Sampler::AlwaysOff));
    EVALUATED.set(0);
    counts();
    trace_block!(name = "root", { counts() });
    assert_eq!(EVALUATED.get(), 0);
    assert!(recorder.spans().is_empty());
}

#[test]
fn a_ratio_keeps_whole_traces_and_its_share() {
    let recorder = Recorder::with(Telemetry::default().with_sampler(Sampler::TraceIdRatio(0.5)));
    for number in 0..1000 {
        trace_block!(name = "root", { leaf(number) });
    }
    let spans = recorder.spans();
    let roots = spans.iter().filter(|span| span.name == "root").count();
    assert!((400..600).contains(&roots), "{roots} of 1000");
    assert_eq!(spans.len(), 2 * roots);
}

// ---------------------------------------------------------------- life cycle

/// An exporter whose exports wait until they are let go.
#[derive(Clone, Debug, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }
}

impl SpanExporter for Gate {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !*open {
            open = self.0.1.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}

#[test]
fn a_full_queue_drops_and_counts_every_span() {
    const SPANS: u64 = 50_000;
    let _turn = turn();
    let gate = Gate::default();
    let settings = Telemetry::default().with_max_queue_size(600);
    let telemetry = Pipeline::new(settings).with_span_exporter(gate.clone()).start().expect("it starts");
    (0..SPANS).for_each(|number| leaf(number as usize));
    gate.open();
    let stats = telemetry.shutdown().expect("in time");
    assert!(stats.dropped_queue_full + stats.dropped_refused > 0);
    assert_eq!(stats.exporters[0].exported + stats.dropped(), SPANS, "{stats}");
}

#[test]
fn an_exporter_that_blocks_for_ever_is_left_behind_at_the_deadline() {
    let _turn = turn();
    let gate = Gate::default();
    let settings = Telemetry::default().with_shutdown_timeout(Duration::from_millis(300));
    let telemetry = Pipeline::new(settings).with_span_exporter(gate.clone()).start().expect("it starts");
    leaf(1);
    let start = Instant::now();
    let error = telemetry.shutdown().expect_err("it cannot end");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(error.after, Duration::from_millis(300));
    assert!(matches!(otelier::init(Telemetry::default()), Err(otelier::Error::AlreadyRunning)));
    // While its collector hangs, the old pipeline holds the place; when it ends after all, a new one can start.
    gate.open();
    let deadline = Instant::now() + Duration::from_secs(10);
    let again = loop {
        match otelier::init(Telemetry::default()) {
            Ok(again) => break again,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    };
    again.shutdown().expect("in time");
}

#[derive(Debug)]
struct PanickingExporter;

impl SpanExporter for PanickingExporter {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        panic!("on purpose")
    }
}

#[derive(Debug)]
struct PendingExporter;

impl SpanExporter for PendingExporter {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        std::future::pending().await
    }
}

#[test]
fn exporters_that_panic_or_hang_fail_alone() {
    let _turn = turn();
    let memory = MemoryExporter::new(10);
    let settings = Telemetry::default().with_export_timeout(Duration::from_millis(50));
    let telemetry = Pipeline::new(settings)
        .with_span_exporter(PanickingExporter)
        .with_span_exporter(PendingExporter)
        .with_span_exporter(memory.clone())
        .start()
        .expect("it starts");
    leaf(1);
    let stats = telemetry.shutdown().expect("in time");
    let counts: Vec<_> = stats.exporters.iter().map(|exporter| (exporter.exported, exporter.failed)).collect();
    assert_eq!(counts, [(0, 1), (0, 1), (1, 0)], "{stats}");
    assert!(stats.to_string().contains("took longer than 50ms"), "{stats}");
}

#[test]
fn batches_hold_at_most_what_is_asked() {
    #[derive(Clone, Debug, Default)]
    struct Sizes(Arc<Mutex<Vec<usize>>>);
    impl SpanExporter for Sizes {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(batch.len());
            Ok(())
        }
    }
    let _turn = turn();
    let sizes = Sizes::default();
    let settings = Telemetry::default().with_max_export_batch_size(100);
    let telemetry = Pipeline::new(settings).with_span_exporter(sizes.clone()).start().expect("it starts");
    (0..250).for_each(leaf);
    telemetry.shutdown().expect("in time");
    let sizes = sizes.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(sizes.iter().sum::<usize>(), 250);
    assert!(sizes.iter().all(|size| *size <= 100), "{sizes:?}");
}

#[test]
fn spans_are_exported_on_schedule_without_being_asked() {
    let recorder = Recorder::with(Telemetry::default().with_schedule_delay(Duration::from_millis(20)));
    leaf(1);
    let deadline = Instant::now() + Duration::from_secs(10);
    while recorder.memory.spans().is_empty() {
        assert!(Instant::now() < deadline, "nothing was exported");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[trace]
fn records_too_much() {
    for _ in 0..300 {
        event!("large", app.text = "x".repeat(1024));
    }
}

#[test]
fn a_span_that_is_too_large_is_counted() {
    let mut limits = otelier::config::Limits::default();
    limits.events = 1000;
    let recorder = Recorder::with(Telemetry::default().with_limits(limits));
    records_too_much();
    leaf(1);
    let (spans, stats) = recorder.finish();
    assert_eq!((spans.len(), stats.dropped_too_large), (1, 1));
}

#[test]
fn telemetry_starts_once_at_a_time_and_again_after_its_end() {
    let recorder = Recorder::start();
    assert!(matches!(otelier::init(Telemetry::default()), Err(otelier::Error::AlreadyRunning)));
    leaf(1);
    assert_eq!(recorder.spans().len(), 1);
    leaf(2);
    let recorder = Recorder::start();
    leaf(3);
    let (spans, _) = recorder.finish();
    assert_eq!(spans.len(), 1, "what happened in between belongs to nobody");
    assert_eq!(text(&spans[0], "app.step").as_deref(), Some("3"));
}

#[test]
fn a_span_that_outlives_its_pipeline_reaches_nobody_and_breaks_nothing() {
    let _turn = turn();
    let memory = MemoryExporter::new(10);
    let telemetry = Pipeline::new(Telemetry::default()).with_span_exporter(memory.clone()).start().expect("it starts");
    let (inside, ended) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let open = std::thread::spawn({
        let (inside, ended) = (Arc::clone(&inside), Arc::clone(&ended));
        move || {
            trace_block!(name = "still open", {
                inside.wait();
                ended.wait();
            });
        }
    });
    inside.wait();
    telemetry.shutdown().expect("in time");
    ended.wait();
    open.join().expect("no panic");
    let again = otelier::init(Telemetry::default().with_sampler(Sampler::AlwaysOff)).expect("it starts again");
    drop(again);
    assert!(memory.spans().is_empty());
}

#[test]
fn disabled_telemetry_does_nothing_and_still_ends() {
    let mut settings = Telemetry::default();
    settings.disabled = true;
    let recorder = Recorder::with(settings);
    leaf(1);
    recorder.telemetry.force_flush(Duration::from_secs(1)).expect("nothing to wait for");
    let (spans, stats) = recorder.finish();
    assert!(spans.is_empty() && stats == Stats::default());
}

#[test]
fn the_guard_may_be_dropped_in_a_one_thread_runtime_and_in_a_panic() {
    let turn = turn();
    let memory = MemoryExporter::new(10);
    let start = |memory: &MemoryExporter| {
        Pipeline::new(Telemetry::default()).with_span_exporter(memory.clone()).start().expect("it starts")
    };
    let one_thread = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    one_thread.block_on(async {
        let _telemetry = start(&memory);
        step(1).await;
    });
    assert_eq!(memory.spans().len(), 2);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _telemetry = start(&memory);
        leaf(2);
        panic!("on purpose")
    }));
    assert!(panicked.is_err());
    assert_eq!(memory.spans().len(), 3);
    drop(turn);
}
