//! Which traces are recorded.

use crate::support::{Recorder, expect, int, lock, many_threads, tree};
use opentelemetry::Context;
use opentelemetry::trace::{
    FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use otelier::config::Sampler;
use otelier::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

static EVALUATED: AtomicU32 = AtomicU32::new(0);

fn counted() -> u32 {
    EVALUATED.fetch_add(1, Ordering::Relaxed)
}

#[trace(app.counted = counted(), app.display = %format_args!("{}", counted()))]
fn counts() -> SpanContext {
    record!(app.counted = counted());
    event!("counted", app.counted = counted());
    Context::current().span().span_context().clone()
}

#[trace(app.counted = counted())]
async fn counts_later() -> SpanContext {
    record!(app.counted = counted());
    tokio::task::yield_now().await;
    event!("counted", app.counted = counted());
    Context::current().span().span_context().clone()
}

fn sampler(sampler: Sampler) -> Recorder {
    Recorder::with(Telemetry::default().with_sampler(sampler))
}

fn remote(trace: u128, flags: TraceFlags) -> Context {
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from(trace),
        SpanId::from(8),
        flags,
        true,
        TraceState::NONE,
    ))
}

#[test]
fn nothing_is_evaluated_for_a_span_that_is_not_recorded() {
    let recorder = sampler(Sampler::AlwaysOff);
    EVALUATED.store(0, Ordering::Relaxed);
    let root = counts();
    assert!(root.is_valid() && !root.is_sampled());
    trace_block!(name = "root", {
        let (first, second) = (counts(), counts());
        assert_eq!(first.trace_id(), second.trace_id(), "a trace that is not recorded is one trace all the same");
    });
    many_threads().block_on(async {
        let first = counts_later().await;
        let second = tokio::spawn(counts_later().with_context(Context::new().with_remote_span_context(first.clone())));
        let second = second.await.expect("no panic");
        assert_eq!(first.trace_id(), second.trace_id());
        assert!(!first.is_sampled() && !second.is_sampled());
    });
    assert_eq!(EVALUATED.load(Ordering::Relaxed), 0);
    recorder.expect(&[]);
}

#[test]
fn always_off_and_always_on_do_not_ask_the_parent() {
    let recorder = sampler(Sampler::AlwaysOff);
    {
        let _attached = remote(7, TraceFlags::SAMPLED).attach();
        assert!(!counts().is_sampled());
    }
    recorder.expect(&[]);
    let recorder = sampler(Sampler::AlwaysOn);
    {
        let _attached = remote(7, TraceFlags::NOT_SAMPLED).attach();
        assert!(trace_block!(name = "on", { Context::current().span().span_context().is_sampled() }));
    }
    recorder.expect(&["on [remote parent]"]);
}

#[derive(Clone, Debug, Default)]
struct Theirs(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Theirs {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        lock(&self.0).extend(batch);
        Ok(())
    }
}

#[test]
fn children_made_with_the_api_follow_the_decision() {
    let theirs = Theirs::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(theirs.clone()).build();
    let tracer = provider.tracer("theirs");
    let run = || {
        trace_block!(name = "root", {
            tracer.in_span("theirs", |_| trace_block!(name = "inside", {}));
        });
    };
    let recorder = sampler(Sampler::AlwaysOff);
    run();
    recorder.expect(&[]);
    assert!(lock(&theirs.0).is_empty());
    let recorder = sampler(Sampler::AlwaysOn);
    run();
    let spans = [recorder.spans(), lock(&theirs.0).clone()].concat();
    expect(spans, &["root", "  theirs", "    inside"]);
}

#[trace(app.step = step)]
async fn step(step: i64) {
    tokio::task::yield_now().await;
    leaf();
}

#[trace]
fn leaf() {}

#[trace(app.number = number)]
async fn root(number: i64) {
    let tasks: Vec<_> = (0..2).map(|number| tokio::spawn(step(number).with_current_context())).collect();
    leaf();
    for task in tasks {
        task.await.expect("no panic");
    }
}

fn keeps_whole_traces(recorder: Recorder) {
    const TRACES: i64 = 1000;
    many_threads().block_on(async {
        for number in 0..TRACES {
            root(number).await;
        }
    });
    let mut traces: HashMap<TraceId, Vec<SpanData>> = HashMap::new();
    for span in recorder.spans() {
        traces.entry(span.span_context.trace_id()).or_default().push(span);
    }
    // Six standard deviations around a half: it fails once in a thousand million runs.
    assert!((405..=595).contains(&traces.len()), "{} of {TRACES}", traces.len());
    for (_, spans) in traces {
        let number = spans.iter().find(|span| span.name == "root").map(|root| int(root, "app.number"));
        let number = number.expect("a trace has its root");
        let text = tree(spans);
        let mut lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.remove(0), format!("root app.number={number}"));
        lines.sort_unstable();
        let wanted = ["    leaf", "    leaf", "  leaf", "  step app.step=0", "  step app.step=1"];
        assert_eq!(lines, wanted);
    }
}

#[test]
fn a_ratio_keeps_its_share_and_whole_traces_only() {
    keeps_whole_traces(sampler(Sampler::TraceIdRatio(0.5)));
}

#[test]
fn a_parent_based_ratio_keeps_its_share_and_whole_traces_only() {
    keeps_whole_traces(sampler(Sampler::parent_based(0.5)));
}

#[test]
fn a_parent_based_sampler_asks_the_parent_if_there_is_one() {
    for ratio in [0.0, 0.5, 1.0] {
        let recorder = sampler(Sampler::parent_based(ratio));
        for trace in 1..=20 {
            let _attached = remote(trace, TraceFlags::SAMPLED).attach();
            leaf();
        }
        for trace in 1..=20 {
            let _attached = remote(trace, TraceFlags::NOT_SAMPLED).attach();
            leaf();
        }
        let spans = recorder.spans();
        assert_eq!(spans.len(), 20, "with ratio {ratio}");
        assert!(spans.iter().all(|span| span.parent_span_is_remote));
    }
}

#[test]
fn a_ratio_decides_by_the_last_seven_bytes_of_the_trace_id() {
    let recorder = sampler(Sampler::TraceIdRatio(0.25));
    let first_kept: u128 = 0xc0_0000_0000_0000;
    for (trace, kept) in
        [(first_kept - 1, false), (first_kept, true), (first_kept | 0xff << 56, true), (1 << 56, false)]
    {
        let _attached = remote(trace | 1 << 100, TraceFlags::NOT_SAMPLED).attach();
        let sampled = trace_block!(name = "asks", { Context::current().span().span_context().is_sampled() });
        assert_eq!(sampled, kept, "{trace:x}");
    }
    assert_eq!(recorder.spans().len(), 2);
}

#[test]
fn ratios_outside_of_their_range_are_refused_with_a_sentence() {
    for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let settings = Telemetry::default().with_sampler(Sampler::TraceIdRatio(wrong));
        let error = otelier::init(settings).expect_err("it is out of range");
        assert_eq!(error.to_string(), format!("the sampling ratio is {wrong}; expected 0.0 to 1.0"));
    }
}
