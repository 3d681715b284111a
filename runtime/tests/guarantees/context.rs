//! Spans of ours and of the OpenTelemetry API in one trace.

use crate::support::{Recorder, expect, is_child, lock, many_threads, named, one_thread, tree};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{
    FutureExt, Span, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter};
use otelier::prelude::*;
use std::sync::{Arc, Mutex};

/// What the SDK's own pipeline exported.
#[derive(Clone, Debug, Default)]
struct Theirs(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Theirs {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        lock(&self.0).extend(batch);
        Ok(())
    }
}

impl Theirs {
    fn start() -> (Self, SdkTracerProvider, SdkTracer) {
        let theirs = Self::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(theirs.clone()).build();
        let tracer = provider.tracer("theirs");
        (theirs, provider, tracer)
    }

    fn spans(&self) -> Vec<SpanData> {
        lock(&self.0).clone()
    }

    fn and(&self, ours: Vec<SpanData>) -> Vec<SpanData> {
        [self.spans(), ours].concat()
    }
}

fn seen() -> SpanContext {
    Context::current().span().span_context().clone()
}

#[trace]
fn ours() -> SpanContext {
    seen()
}

#[trace]
async fn ours_later() -> SpanContext {
    tokio::task::yield_now().await;
    ours();
    seen()
}

fn remote(flags: TraceFlags) -> Context {
    let state = TraceState::from_key_value([("vendor", "value"), ("other", "1")]).expect("a valid state");
    Context::new().with_remote_span_context(SpanContext::new(TraceId::from(7), SpanId::from(8), flags, true, state))
}

#[test]
fn spans_of_the_api_and_ours_nest_both_ways() {
    let recorder = Recorder::start();
    let (theirs, _provider, tracer) = Theirs::start();
    tracer.in_span("outer of theirs", |_| {
        trace_block!(name = "ours between", {
            tracer.in_span("inner of theirs", |_| {
                ours();
            });
            ours();
            drop(tracer.start("sibling of theirs"));
        });
        ours();
    });
    expect(
        theirs.and(recorder.spans()),
        &[
            "outer of theirs",
            "  ours between",
            "    inner of theirs",
            "      ours",
            "    ours",
            "    sibling of theirs",
            "  ours",
        ],
    );
}

#[test]
fn asynchronous_spans_of_the_api_and_ours_nest_both_ways() {
    let recorder = Recorder::start();
    let (theirs, _provider, tracer) = Theirs::start();
    let inner = tracer.clone();
    let work = trace_block!(name = "ours between", async move {
        tokio::task::yield_now().await;
        let context = Context::current_with_span(inner.start("inner of theirs"));
        ours_later().with_context(context).await;
        tokio::task::yield_now().await;
        drop(inner.start("sibling of theirs"));
    });
    let outer = Context::new().with_span(tracer.start("outer of theirs"));
    many_threads().block_on(work.with_context(outer));
    expect(
        theirs.and(recorder.spans()),
        &[
            "outer of theirs",
            "  ours between",
            "    inner of theirs",
            "      ours_later",
            "        ours",
            "    sibling of theirs",
        ],
    );
}

#[test]
fn the_current_span_of_the_api_is_ours_and_local() {
    let recorder = Recorder::start();
    let inside = ours();
    let later = one_thread().block_on(ours_later());
    assert!(!Context::current().has_active_span());
    let spans = recorder.spans();
    let direct = spans.iter().find(|span| span.span_context.trace_id() == inside.trace_id()).expect("it was recorded");
    assert_eq!(direct.span_context.span_id(), inside.span_id());
    assert_eq!(named(&spans, "ours_later").span_context.span_id(), later.span_id());
    for context in [inside, later] {
        assert!(context.is_valid() && context.is_sampled() && !context.is_remote());
    }
}

#[test]
fn a_remote_parent_that_is_sampled_is_joined_with_its_state() {
    let recorder = Recorder::start();
    let (theirs, _provider, tracer) = Theirs::start();
    {
        let _attached = remote(TraceFlags::SAMPLED).attach();
        trace_block!(name = "entry", {
            let inside = ours();
            assert_eq!(inside.trace_state().header(), "vendor=value,other=1");
            tracer.in_span("theirs", |_| {
                assert_eq!(ours().trace_state().header(), "vendor=value,other=1");
            });
            assert_eq!(one_thread().block_on(ours_later()).trace_state().header(), "vendor=value,other=1");
        });
    }
    let spans = recorder.spans();
    let entry = named(&spans, "entry");
    assert!(entry.parent_span_is_remote);
    assert_eq!(entry.parent_span_id, SpanId::from(8));
    for span in &spans {
        assert_eq!(span.span_context.trace_id(), TraceId::from(7));
        assert_eq!(span.span_context.trace_state().header(), "vendor=value,other=1", "{}", span.name);
        assert_eq!(span.parent_span_is_remote, span.name == "entry");
    }
    expect(theirs.and(spans), &["entry [remote parent]", "  ours", "  theirs", "    ours", "  ours_later", "    ours"]);
}

#[test]
fn an_asynchronous_span_joins_a_remote_parent_too() {
    let recorder = Recorder::start();
    let inside = one_thread().block_on(ours_later().with_context(remote(TraceFlags::SAMPLED)));
    assert_eq!((inside.trace_id(), inside.is_sampled()), (TraceId::from(7), true));
    recorder.expect(&["ours_later [remote parent]", "  ours"]);
}

#[test]
fn a_remote_parent_that_is_not_sampled_is_followed_by_everything_inside() {
    let recorder = Recorder::start();
    let (theirs, _provider, tracer) = Theirs::start();
    let check = |inside: SpanContext| {
        assert!(!inside.is_sampled() && inside.is_valid() && inside.trace_id() == TraceId::from(7));
        assert_eq!(inside.trace_state().header(), "vendor=value,other=1");
    };
    {
        let _attached = remote(TraceFlags::NOT_SAMPLED).attach();
        check(ours());
        trace_block!(name = "entry", {
            check(ours());
            tracer.in_span("theirs", |context| {
                check(context.span().span_context().clone());
                check(ours());
            });
        });
        check(one_thread().block_on(ours_later()));
    }
    assert_eq!(tree(theirs.and(recorder.spans())), "");
}

#[test]
fn a_context_without_a_span_begins_a_new_trace() {
    let recorder = Recorder::start();
    trace_block!(name = "outer", {
        let _attached = Context::new().attach();
        ours();
    });
    recorder.expect(&["outer", "ours"]);
}

#[test]
fn a_context_that_was_captured_may_be_entered_when_its_span_is_over() {
    let recorder = Recorder::start();
    let context = trace_block!(name = "parent", { Context::current() });
    {
        let _attached = context.attach();
        ours();
    }
    ours();
    recorder.expect(&["parent", "  ours", "ours"]);
}

#[test]
fn a_suppressed_scope_records_nothing() {
    let recorder = Recorder::start();
    trace_block!(name = "outer", {
        {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            let before = seen();
            assert_eq!(ours(), before, "the span outside stays current");
            trace_block!(name = "block", {
                event!("told");
                record!(app.value = 1);
                ours();
            });
            one_thread().block_on(ours_later());
        }
        ours();
    });
    recorder.expect(&["outer", "  ours"]);
}

#[test]
fn what_an_exporter_does_is_not_traced() {
    #[derive(Debug)]
    struct Traced;
    impl SpanExporter for Traced {
        async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
            ours();
            ours_later().await;
            Ok(())
        }
    }
    let turn = crate::support::turn();
    let telemetry = crate::support::start(Telemetry::default(), Traced);
    ours();
    telemetry.force_flush(crate::support::PATIENCE).expect("in time");
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!((stats.exporters[0].exported, stats.dropped()), (1, 0));
    drop(turn);
}

#[derive(Debug, PartialEq)]
struct Tenant(u8);

#[trace]
async fn carries() {
    for _ in 0..3 {
        check_values();
        tokio::task::yield_now().await;
    }
}

#[trace]
fn check_values() {
    let context = Context::current();
    assert_eq!(context.get::<Tenant>(), Some(&Tenant(4)));
    assert_eq!(context.baggage().get("user").map(|value| value.as_str().to_owned()).as_deref(), Some("7"));
}

#[test]
fn baggage_and_other_values_of_the_context_stay() {
    let recorder = Recorder::start();
    let context = Context::new().with_value(Tenant(4)).with_baggage([KeyValue::new("user", "7")]);
    {
        let _attached = context.clone().attach();
        check_values();
        one_thread().block_on(carries());
    }
    many_threads().block_on(async { tokio::spawn(carries().with_context(context)).await.expect("no panic") });
    let spans = recorder.spans();
    assert!(spans.iter().all(|span| span.attributes.is_empty()));
    let checks = ["  check_values"; 3];
    let wanted = [&["check_values", "carries"][..], &checks, &["carries"], &checks].concat();
    expect(spans, &wanted);
}

#[test]
fn an_sdk_span_that_is_not_recorded_is_followed() {
    let recorder = Recorder::start();
    let provider = SdkTracerProvider::builder().with_sampler(opentelemetry_sdk::trace::Sampler::AlwaysOff).build();
    let tracer = provider.tracer("theirs");
    tracer.in_span("not sampled", |context| {
        let outer = context.span().span_context().clone();
        let inside = ours();
        assert_eq!((inside.trace_id(), inside.is_sampled()), (outer.trace_id(), false));
    });
    recorder.expect(&[]);
}

#[test]
fn a_span_may_be_linked_to_and_parented_by_hand() {
    let recorder = Recorder::start();
    let (theirs, _provider, tracer) = Theirs::start();
    let parent = ours();
    let context = Context::new().with_remote_span_context(parent.clone());
    let mut span = tracer.start_with_context("by hand", &context);
    span.add_link(parent.clone(), Vec::new());
    span.end();
    recorder.expect(&["ours"]);
    let spans = theirs.spans();
    assert!(is_child(named(&spans, "by hand"), &parent));
}
