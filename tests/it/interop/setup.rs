//! Three ways to live beside OpenTelemetry's API, and spans of both sides as one text.

use crate::support::turn;
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceId};
use opentelemetry::{Context, Value};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};
use otelier::bridge::hooked;
use otelier::config::Hooks;
use otelier::export::MemoryExporter;
use otelier::{Guard, Pipeline, Telemetry};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::MutexGuard;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

/// The instrumentation scope of spans made with OpenTelemetry's API.
pub(super) const LIB: &str = "lib";

/// A pipeline of ours, and what a program that uses OpenTelemetry's API has beside it:
///
/// * `Hooks::Global`: nothing, so that spans of the API land in our pipeline;
/// * `Hooks::Manual`: the SDK's own pipeline behind hooks;
/// * `Hooks::None`: the SDK's own pipeline as it is.
pub(super) struct Run {
    pub(super) hooks: Hooks,
    ours: MemoryExporter,
    theirs: Option<(SdkTracerProvider, MemoryExporter)>,
    telemetry: Guard,
    turn: MutexGuard<'static, ()>,
}

/// Runs `test` in every set-up, and names those that failed.
#[track_caller]
pub(super) fn everywhere(test: impl Fn(Run)) {
    let failed: Vec<_> = [Hooks::Global, Hooks::Manual, Hooks::None]
        .into_iter()
        .filter(|&hooks| catch_unwind(AssertUnwindSafe(|| test(Run::start(hooks)))).is_err())
        .collect();
    assert!(failed.is_empty(), "failed with {failed:?}");
}

/// What the API uses now: the global tracer of a library.
pub(super) fn tracer() -> BoxedTracer {
    global::tracer(LIB)
}

pub(super) fn propagator() -> TextMapCompositePropagator {
    TextMapCompositePropagator::new(vec![Box::new(TraceContextPropagator::new()), Box::new(BaggagePropagator::new())])
}

/// The headers that a request made now would carry.
pub(super) fn headers() -> HashMap<String, String> {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|propagator| propagator.inject(&mut headers));
    headers
}

/// Whom code sees that asks OpenTelemetry for the current span.
pub(super) fn seen() -> SpanContext {
    Context::current().span().span_context().clone()
}

/// Whom code sees that asks us for it.
pub(super) fn active() -> SpanContext {
    otelier::current_context().span().span_context().clone()
}

impl Run {
    pub(super) fn start(hooks: Hooks) -> Self {
        Self::with(hooks, Telemetry::default())
    }

    pub(super) fn with(hooks: Hooks, settings: Telemetry) -> Self {
        Self::next(turn(), hooks, settings)
    }

    /// The next pipeline of the same turn.
    pub(super) fn next(turn: MutexGuard<'static, ()>, hooks: Hooks, settings: Telemetry) -> Self {
        let ours = MemoryExporter::new(1_000_000);
        let settings = settings.with_hooks(hooks).with_max_queue_size(100_000);
        let telemetry = Pipeline::new(settings).with_span_exporter(ours.clone()).start().expect("the pipeline starts");
        let theirs = (hooks != Hooks::Global).then(|| {
            let theirs = MemoryExporter::new(1_000_000);
            let provider = SdkTracerProvider::builder().with_simple_exporter(theirs.clone()).build();
            if hooks == Hooks::Manual {
                global::set_tracer_provider(hooked(provider.clone()));
                global::set_text_map_propagator(hooked(propagator()));
            } else {
                global::set_tracer_provider(provider.clone());
                global::set_text_map_propagator(propagator());
            }
            (provider, theirs)
        });
        Self { hooks, ours, theirs, telemetry, turn }
    }

    /// Ends the pipelines; what both have exported.
    pub(super) fn spans(self) -> Vec<SpanData> {
        self.end().0
    }

    /// The same, while no other pipeline starts.
    pub(super) fn end(self) -> (Vec<SpanData>, MutexGuard<'static, ()>) {
        let stats = self.telemetry.shutdown().expect("the pipeline ends in time");
        assert_eq!(stats.dropped(), 0, "{stats}");
        let mut spans = self.ours.spans();
        if let Some((provider, theirs)) = self.theirs {
            provider.shutdown().expect("the SDK ends");
            let theirs = theirs.spans();
            assert!(spans.iter().all(|span| span.instrumentation_scope.name() != LIB));
            assert!(theirs.iter().all(|span| span.instrumentation_scope.name() == LIB));
            spans.extend(theirs);
        }
        (spans, self.turn)
    }

    /// Ends the pipelines and compares what both have exported with these lines.
    #[track_caller]
    pub(super) fn expect(self, lines: &[&str]) {
        let hooks = self.hooks;
        let (found, wanted) = (tree(&self.spans()), lines.join("\n"));
        assert!(found == wanted, "with {hooks:?} found:\n{found}\n\nwanted:\n{wanted}");
    }
}

fn id(span: &SpanData) -> (TraceId, SpanId) {
    (span.span_context.trace_id(), span.span_context.span_id())
}

fn parent(span: &SpanData) -> (TraceId, SpanId) {
    (span.span_context.trace_id(), span.parent_span_id)
}

/// Every trace as a tree without ids and times, in the order of the text, with the attributes whose names begin with
/// `app.`:
///
/// ```text
/// remote
///   entry [remote parent] app.part=3
///     * told
///     call [client] !refused
/// ```
pub(super) fn tree(spans: &[SpanData]) -> String {
    let ids: HashSet<_> = spans.iter().map(id).collect();
    assert_eq!(ids.len(), spans.len(), "a span was exported twice");
    let mut children: HashMap<_, Vec<_>> = HashMap::new();
    for span in spans {
        children.entry(parent(span)).or_default().push(span);
    }
    let roots = spans.iter().filter(|span| !ids.contains(&parent(span)));
    let text = sorted(roots.map(|root| subtree(&children, root, 0)));
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('*')).count();
    assert_eq!(lines, spans.len(), "spans that are their own ancestors, beside\n{text}");
    text.trim_end().to_owned()
}

fn sorted(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    texts.concat()
}

fn subtree(children: &HashMap<(TraceId, SpanId), Vec<&SpanData>>, span: &SpanData, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let mut text = format!("{indent}{}", span.name);
    if span.span_kind != SpanKind::Internal {
        let _ = write!(text, " [{}]", format!("{:?}", span.span_kind).to_lowercase());
    }
    if span.parent_span_is_remote {
        text.push_str(" [remote parent]");
    } else if depth == 0 && span.parent_span_id != SpanId::INVALID {
        text.push_str(" [parent elsewhere]");
    }
    for attribute in span.attributes.iter().filter(|attribute| attribute.key.as_str().starts_with("app.")) {
        let _ = write!(text, " {}={}", attribute.key, attribute.value);
    }
    match &span.status {
        Status::Unset => {}
        Status::Ok => text.push_str(" ok"),
        Status::Error { description } => {
            let _ = write!(text, " !{description}");
        }
    }
    text.push('\n');
    for event in &span.events.events {
        let _ = writeln!(text, "{indent}  * {}", event.name);
    }
    let inside = children.get(&id(span)).into_iter().flatten();
    text + &sorted(inside.map(|child| subtree(children, child, depth + 1)))
}

#[track_caller]
pub(super) fn named<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    let mut found = spans.iter().filter(|span| span.name == name);
    match (found.next(), found.next()) {
        (Some(span), None) => span,
        (None, _) => panic!("no span `{name}` in\n{}", tree(spans)),
        _ => panic!("more than one span `{name}` in\n{}", tree(spans)),
    }
}

pub(super) fn int(span: &SpanData, key: &str) -> Option<i64> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| match attribute.value {
        Value::I64(value) => value,
        ref other => panic!("`{key}` is {other:?}"),
    })
}

pub(super) fn one_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

pub(super) fn many_threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().expect("a runtime")
}

/// Runs `f` where spans of `tracing` become spans of the API, as the layer of `tracing-opentelemetry` makes them.
pub(super) fn with_tracing<T>(f: impl FnOnce() -> T) -> T {
    let subscriber = registry().with(tracing_opentelemetry::layer().with_tracer(tracer()));
    tracing::subscriber::with_default(subscriber, f)
}
