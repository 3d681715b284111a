//! A pipeline into memory, and spans as text.

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceId};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::export::MemoryExporter;
use otelier::{Guard, Pipeline, Stats, Telemetry};
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Long enough for any machine; only something that hangs takes as long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The right to run a pipeline: tests take turns.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    lock(&TURN)
}

pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pipeline that keeps what it exports.
pub struct Recorder {
    memory: MemoryExporter,
    telemetry: Guard,
    // Last, so that the pipeline ends before the next test begins.
    _turn: MutexGuard<'static, ()>,
}

impl Recorder {
    pub fn start() -> Self {
        Self::with(Telemetry::default())
    }

    pub fn with(settings: Telemetry) -> Self {
        let turn = turn();
        let memory = MemoryExporter::new(1_000_000);
        let telemetry = start(settings, memory.clone());
        Self { memory, telemetry, _turn: turn }
    }

    /// The same, after a pipeline with other settings.
    pub fn after(before: Telemetry, settings: Telemetry) -> Self {
        let turn = turn();
        let memory = MemoryExporter::new(1_000_000);
        drop(start(before, memory.clone()));
        let telemetry = start(settings, memory.clone());
        Self { memory, telemetry, _turn: turn }
    }

    pub fn telemetry(&self) -> &Guard {
        &self.telemetry
    }

    /// What was exported so far.
    pub fn so_far(&self) -> Vec<SpanData> {
        self.memory.spans()
    }

    pub fn finish(self) -> (Vec<SpanData>, Stats) {
        let stats = self.telemetry.shutdown().expect("the pipeline ends in time");
        (self.memory.spans(), stats)
    }

    /// Everything must have ended: a span that ends later would appear in the next test's pipeline.
    #[track_caller]
    pub fn spans(self) -> Vec<SpanData> {
        let (spans, stats) = self.finish();
        assert_eq!((stats.dropped(), stats.open), (0, 0), "{stats}");
        spans
    }

    /// Ends the pipeline and compares what it exported with these lines.
    #[track_caller]
    pub fn expect(self, lines: &[&str]) {
        expect(self.spans(), lines);
    }
}

pub fn start(mut settings: Telemetry, exporter: impl SpanExporter + 'static) -> Guard {
    // Who says nothing of it expects the end, and not its deadline.
    if settings.shutdown_timeout == Telemetry::default().shutdown_timeout {
        settings.shutdown_timeout = PATIENCE;
    }
    Pipeline::new(settings).with_span_exporter(exporter).start().expect("the pipeline starts")
}

/// Compares spans, as text, with these lines.
#[track_caller]
pub fn expect(spans: Vec<SpanData>, lines: &[&str]) {
    let (found, wanted) = (tree(spans), lines.join("\n"));
    assert!(found == wanted, "found:\n{found}\n\nwanted:\n{wanted}");
}

/// Every trace as a tree without ids and times, the trace that began first in front, children in the order they began:
///
/// ```text
/// workflow daily crypto.record_count=3
///   * collection_started app.symbols=4
///   load [client] !disk full
/// ```
pub fn tree(mut spans: Vec<SpanData>) -> String {
    spans.sort_by_key(|span| span.start_time);
    let ids: HashSet<_> = spans.iter().map(id).collect();
    assert_eq!(ids.len(), spans.len(), "a span was exported twice");
    let mut text = String::new();
    for root in spans.iter().filter(|span| !ids.contains(&parent(span))) {
        print(&mut text, &spans, root, 0);
    }
    assert_eq!(text.lines().filter(|line| !line.trim_start().starts_with('*')).count(), spans.len(), "{text}");
    text.trim_end().to_owned()
}

fn id(span: &SpanData) -> (TraceId, SpanId) {
    (span.span_context.trace_id(), span.span_context.span_id())
}

fn parent(span: &SpanData) -> (TraceId, SpanId) {
    (span.span_context.trace_id(), span.parent_span_id)
}

fn print(text: &mut String, spans: &[SpanData], span: &SpanData, depth: usize) {
    assert!(span.start_time <= span.end_time && id(span).0 != TraceId::INVALID && id(span).1 != SpanId::INVALID);
    let indent = "  ".repeat(depth);
    let _ = write!(text, "{indent}{}", span.name);
    if span.span_kind != SpanKind::Internal {
        let _ = write!(text, " [{}]", format!("{:?}", span.span_kind).to_lowercase());
    }
    if depth == 0 && span.parent_span_id != SpanId::INVALID {
        let _ = write!(text, "{}", if span.parent_span_is_remote { " [remote parent]" } else { " [parent elsewhere]" });
    }
    attributes(text, &span.attributes);
    match &span.status {
        Status::Unset => {}
        Status::Ok => text.push_str(" ok"),
        Status::Error { description } => {
            let _ = write!(text, " !{description}");
        }
    }
    text.push('\n');
    for event in &span.events.events {
        assert!(span.start_time <= event.timestamp && event.timestamp <= span.end_time, "{event:?} of {span:?}");
        let _ = write!(text, "{indent}  * {}", event.name);
        attributes(text, &event.attributes);
        text.push('\n');
    }
    for child in spans.iter().filter(|child| parent(child) == id(span)) {
        print(text, spans, child, depth + 1);
    }
}

/// What depends on the environment, or on the line a test stands on, is left out; and why a trace was kept, which other tests ask.
fn attributes(text: &mut String, attributes: &[KeyValue]) {
    const LEFT_OUT: [&str; 3] = ["code.file.path", "code.line.number", "exception.stacktrace"];
    let is_shown = |key: &str| !LEFT_OUT.contains(&key) && !key.starts_with("otelier.sampler.");
    for attribute in attributes.iter().filter(|attribute| is_shown(attribute.key.as_str())) {
        let _ = write!(text, " {}={}", attribute.key, attribute.value);
    }
}

#[track_caller]
pub fn named<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    let mut found = spans.iter().filter(|span| span.name == name);
    match (found.next(), found.next()) {
        (Some(span), None) => span,
        (None, _) => panic!("no span `{name}` in\n{}", tree(spans.to_vec())),
        _ => panic!("more than one span `{name}` in\n{}", tree(spans.to_vec())),
    }
}

pub fn attribute<'a>(span: &'a SpanData, key: &str) -> Option<&'a Value> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| &attribute.value)
}

pub fn int(span: &SpanData, key: &str) -> i64 {
    match attribute(span, key) {
        Some(Value::I64(value)) => *value,
        other => panic!("`{key}` is {other:?} in {span:?}"),
    }
}

pub fn is_child(child: &SpanData, parent: &SpanContext) -> bool {
    child.parent_span_id == parent.span_id() && child.span_context.trace_id() == parent.trace_id()
}

/// Waits until `done`, and panics with `what` if that takes longer than anything should.
#[track_caller]
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub fn many_threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().expect("a runtime")
}

pub fn one_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// An exporter that keeps its thread until it is let go, and counts.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Debug, Default)]
struct GateState {
    open: bool,
    waiting: bool,
    passed: usize,
}

impl Gate {
    pub fn open(&self) {
        lock(&self.0.0).open = true;
        self.0.1.notify_all();
    }

    /// Waits until a batch stands in front of the gate.
    pub fn wait_for_a_batch(&self) {
        wait_until("a batch at the gate", || lock(&self.0.0).waiting);
    }

    pub fn passed(&self) -> usize {
        lock(&self.0.0).passed
    }
}

impl SpanExporter for Gate {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut state = lock(&self.0.0);
        state.waiting = true;
        while !state.open {
            state = self.0.1.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting = false;
        state.passed += batch.len();
        Ok(())
    }
}

/// An exporter whose exports never end, without keeping their thread.
#[derive(Clone, Debug, Default)]
pub struct Pending(pub Arc<Mutex<usize>>);

impl SpanExporter for Pending {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        *lock(&self.0) += batch.len();
        std::future::pending().await
    }
}
