//! Spans of OpenTelemetry's API that are made by our provider.

use super::setup::{LIB, Run, named, tracer, tree};
use opentelemetry::trace::{
    Event, Link, Span, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
    TracerProvider, mark_span_as_active,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, Value, global};
use opentelemetry_sdk::trace::SpanData;
use otelier::config::Hooks;
use otelier::prelude::*;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn at(seconds: u64, nanos: u32) -> SystemTime {
    UNIX_EPOCH + Duration::new(1_700_000_000 + seconds, nanos)
}

fn values() -> Vec<KeyValue> {
    let strings: Vec<opentelemetry::StringValue> = vec!["".into(), "ä".into(), String::from("owned").into()];
    let value: [Value; 15] = [
        Value::Bool(true),
        Value::Bool(false),
        Value::I64(i64::MIN),
        Value::I64(i64::MAX),
        Value::F64(f64::MIN_POSITIVE),
        Value::F64(-0.0),
        Value::F64(f64::INFINITY),
        Value::String("".into()),
        Value::String("a longer text, with an ß and a \0 in it, that does not fit into two words".into()),
        Value::Array(Array::Bool(vec![true, false, true])),
        Value::Array(Array::I64(vec![i64::MIN, 0, i64::MAX])),
        Value::Array(Array::F64(vec![0.1, f64::MAX])),
        Value::Array(Array::String(strings)),
        Value::Array(Array::String(Vec::new())),
        Value::Array(Array::Bool((0..100).map(|number| number % 3 == 0).collect())),
    ];
    value.into_iter().enumerate().map(|(number, value)| KeyValue::new(format!("key.{number}"), value)).collect()
}

fn linked(number: u64) -> SpanContext {
    let state = TraceState::from_key_value([("a", "b"), ("c", "d")]).expect("a valid state");
    let flags = if number.is_multiple_of(2) { TraceFlags::SAMPLED } else { TraceFlags::default() };
    SpanContext::new(TraceId::from(u128::MAX - 5), SpanId::from(number), flags, number == 4, state)
}

fn events(span: &SpanData) -> Vec<(&str, SystemTime, &[KeyValue])> {
    span.events.iter().map(|event| (&*event.name, event.timestamp, &event.attributes[..])).collect()
}

#[test]
fn everything_that_a_builder_says_arrives() {
    let run = Run::start(Hooks::Global);
    let mut span = tracer()
        .span_builder("name")
        .with_kind(SpanKind::Consumer)
        .with_start_time(at(1, 1))
        .with_attributes(values())
        .with_events(vec![Event::new("event", at(2, 987_654_321), values(), 0)])
        .with_links(vec![Link::new(linked(3), values(), 0), Link::with_context(linked(4))])
        .start(&tracer());
    let own = span.span_context().clone();
    assert!(own.is_valid() && own.is_sampled() && !own.is_remote() && span.is_recording());
    span.end_with_timestamp(at(5, 999_999_999));
    assert!(!span.is_recording());
    let spans = run.spans();
    let span = named(&spans, "name");
    let ids = |of: &SpanContext| (of.trace_id(), of.span_id(), of.is_sampled(), of.is_remote());
    assert_eq!((ids(&span.span_context), span.parent_span_id), (ids(&own), SpanId::INVALID));
    assert_eq!((span.span_kind.clone(), span.status.clone()), (SpanKind::Consumer, Status::Unset));
    assert_eq!((span.start_time, span.end_time), (at(1, 1), at(5, 999_999_999)));
    assert_eq!(span.attributes, values());
    assert_eq!(events(span), [("event", at(2, 987_654_321), &values()[..])]);
    let links: Vec<_> = span.links.iter().map(|link| (link.span_context.clone(), link.attributes.clone())).collect();
    assert_eq!(links, [(linked(3), values()), (linked(4), Vec::new())]);
    let dropped = (span.dropped_attributes_count, span.events.dropped_count, span.links.dropped_count);
    assert_eq!(dropped, (0, 0, 0));
    assert_eq!(span.instrumentation_scope.name(), LIB);
}

#[test]
fn everything_that_an_open_span_is_told_arrives() {
    let run = Run::start(Hooks::Global);
    let before = SystemTime::now();
    let mut span = tracer().start("before");
    for value in values() {
        span.set_attribute(value);
    }
    span.set_attributes([KeyValue::new("app.last", 1)]);
    span.add_event("now", values());
    span.add_event_with_timestamp("then", at(0, 5), vec![KeyValue::new("a", 1)]);
    span.add_link(linked(3), values());
    span.record_error(&std::io::Error::other("broken"));
    span.set_status(Status::error("first"));
    span.set_status(Status::Unset);
    span.update_name("after");
    span.end();
    let after = SystemTime::now();
    span.set_attribute(KeyValue::new("app.late", 1));
    span.update_name("late");
    span.end();
    drop(span);
    let spans = run.spans();
    let span = named(&spans, "after");
    assert_eq!(span.attributes[..15], values()[..]);
    assert_eq!(tree(&spans), "after app.last=1 !first\n  * now\n  * then\n  * exception");
    let [now, then, exception] = &events(span)[..] else { panic!("{:?}", span.events) };
    let slack = Duration::from_millis(50);
    assert!(before <= span.start_time + slack && span.end_time <= after + slack);
    assert!(span.start_time <= now.1 && now.1 <= span.end_time);
    assert_eq!((now.2, *then), (&values()[..], ("then", at(0, 5), &[KeyValue::new("a", 1)][..])));
    assert_eq!(exception.2, [KeyValue::new("exception.message", "broken")]);
    assert_eq!((&span.links.links[0].span_context, &span.links.links[0].attributes), (&linked(3), &values()));
}

#[test]
fn an_explicit_start_is_exact_and_the_end_is_now() {
    let run = Run::start(Hooks::Global);
    let times: Vec<_> = (0..100).map(|nanos| SystemTime::now() - Duration::new(1, nanos)).collect();
    for (number, time) in times.iter().enumerate() {
        drop(tracer().span_builder(format!("{number}")).with_start_time(*time).start(&tracer()));
    }
    let spans = run.spans();
    for (number, time) in times.iter().enumerate() {
        let span = named(&spans, &number.to_string());
        assert_eq!(span.start_time, *time);
        assert!(span.end_time > *time + Duration::from_millis(900) && span.end_time <= SystemTime::now());
    }
}

#[test]
fn an_explicit_end_is_exact_and_the_start_is_now() {
    let run = Run::start(Hooks::Global);
    let before = SystemTime::now();
    let times: Vec<_> = (0..100).map(|nanos| SystemTime::now() + Duration::new(1, nanos)).collect();
    for (number, time) in times.iter().enumerate() {
        let mut span = tracer().start(format!("{number}"));
        span.add_event("now", Vec::new());
        span.end_with_timestamp(*time);
    }
    let (after, slack) = (SystemTime::now(), Duration::from_millis(50));
    let spans = run.spans();
    for (number, time) in times.iter().enumerate() {
        let span = named(&spans, &number.to_string());
        assert_eq!(span.end_time, *time);
        for time in [span.start_time, span.events[0].timestamp] {
            assert!(before <= time + slack && time <= after + slack);
        }
    }
}

#[test]
fn names_and_kinds_of_any_sort_arrive() {
    let run = Run::start(Hooks::Global);
    let kinds = [SpanKind::Client, SpanKind::Server, SpanKind::Producer, SpanKind::Consumer, SpanKind::Internal];
    for kind in kinds.clone() {
        drop(tracer().span_builder(format!("{kind:?}")).with_kind(kind).start(&tracer()));
    }
    drop(tracer().start(""));
    drop(tracer().start("n".repeat(900)));
    let spans = run.spans();
    assert_eq!(spans.len(), 7);
    for kind in kinds {
        assert_eq!(named(&spans, &format!("{kind:?}")).span_kind, kind);
    }
    named(&spans, "");
    named(&spans, &"n".repeat(900));
}

#[test]
fn the_status_of_a_span_arrives() {
    let run = Run::start(Hooks::Global);
    for (name, statuses) in [
        ("none", &[][..]),
        ("ok", &[Status::Ok]),
        ("error", &[Status::error("no")]),
        ("error without words", &[Status::error("")]),
        ("ok after error", &[Status::error("no"), Status::Ok]),
        ("error after error", &[Status::error("no"), Status::error("nor")]),
        ("error after ok", &[Status::Ok, Status::error("no")]),
    ] {
        let mut span = tracer().start(name);
        statuses.iter().for_each(|status| span.set_status(status.clone()));
    }
    run.expect(&[
        "error !no",
        "error after error !nor",
        "error after ok ok",
        "error without words !",
        "none",
        "ok after error ok",
        "ok ok",
    ]);
}

#[test]
fn the_instrumentation_scope_arrives() {
    let run = Run::start(Hooks::Global);
    let scope = |version: &'static str| {
        InstrumentationScope::builder("scoped")
            .with_version(version)
            .with_schema_url("https://opentelemetry.io/schemas/1.30.0")
            .with_attributes([KeyValue::new("part", "left")])
            .build()
    };
    drop(global::tracer_with_scope(scope("1.2")).start("a"));
    drop(global::tracer_with_scope(scope("1.3")).start("b"));
    drop(global::tracer_with_scope(scope("1.2")).start("c"));
    drop(otelier::bridge::TracerProvider::new().tracer("other").start("d"));
    drop(tracer().start("e"));
    trace_block!(name = "f", {});
    let spans = run.spans();
    let found = |name: &str| named(&spans, name).instrumentation_scope.clone();
    for (name, version) in [("a", "1.2"), ("b", "1.3"), ("c", "1.2")] {
        let (found, wanted) = (found(name), scope(version));
        assert_eq!(found, wanted);
        assert_eq!(found.attributes().collect::<Vec<_>>(), wanted.attributes().collect::<Vec<_>>());
        assert_eq!((found.version(), found.schema_url()), (Some(version), wanted.schema_url()));
    }
    assert_eq!((found("d").name(), found("e").name()), ("other", LIB));
    assert!(!["scoped", "other", LIB].contains(&found("f").name()));
}

#[test]
fn a_span_that_is_dropped_without_an_end_ends() {
    let run = Run::start(Hooks::Global);
    drop(tracer().start("dropped"));
    let context = Context::new().with_span(tracer().start("dropped with its context"));
    let clone = context.clone();
    drop(context);
    assert!(clone.span().is_recording());
    drop(clone);
    {
        let _active = mark_span_as_active(tracer().start("scope"));
    }
    tracer().in_span("closure", |context| context.span().end());
    let boxed: Box<dyn std::any::Any + Send> = Box::new(tracer().start("dropped on another thread"));
    std::thread::spawn(move || drop(boxed)).join().expect("no panic");
    run.expect(&["closure", "dropped", "dropped on another thread", "dropped with its context", "scope"]);
}

#[test]
fn a_span_is_used_on_other_threads() {
    let run = Run::start(Hooks::Global);
    trace_block!(name = "a", {
        trace_block!(name = "b", {
            let mut span = tracer().start("c of the API");
            let there = std::thread::spawn(move || {
                span.set_attribute(KeyValue::new("app.n", 1));
                trace_block!(name = "d", {
                    span.add_event("told", Vec::new());
                });
                let context = Context::current_with_span(span);
                let _attached = context.clone().attach();
                trace_block!(name = "e", {});
                context.span().set_status(Status::Ok);
                context
            });
            let context = there.join().expect("no panic");
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..10 {
                            context.span().add_event("together", Vec::new());
                        }
                    });
                }
            });
            trace_block!(name = "f", { context.span().end() });
        });
    });
    let spans = run.spans();
    let without_events: Vec<_> = tree(&spans).lines().filter(|line| !line.contains('*')).map(str::to_owned).collect();
    assert_eq!(without_events, ["a", "  b", "    c of the API app.n=1 ok", "      e", "    f", "d"]);
    assert_eq!(named(&spans, "c of the API").events.len(), 41);
}

#[test]
fn a_span_is_the_child_of_whom_its_maker_says() {
    let run = Run::start(Hooks::Global);
    let parent = trace_block!(name = "a", { otelier::current_context() });
    trace_block!(name = "other", {
        trace_block!(name = "inner", {
            tracer().start_with_context("child of a", &parent).end();
            tracer().start_with_context("root", &Context::new()).end();
            let remote = SpanContext::new(
                TraceId::from(5),
                SpanId::from(6),
                TraceFlags::SAMPLED,
                true,
                TraceState::from_key_value([("k", "v")]).expect("a valid state"),
            );
            let remote = Context::new().with_remote_span_context(remote);
            let mut span = tracer().start_with_context("below a remote parent", &remote);
            assert_eq!(span.span_context().trace_state().header(), "k=v");
            span.end();
        });
    });
    let spans = run.spans();
    assert_eq!(tree(&spans), "a\n  child of a\nbelow a remote parent [remote parent]\nother\n  inner\nroot",);
    let below = named(&spans, "below a remote parent");
    assert_eq!(below.span_context.trace_state().header(), "k=v");
    assert_eq!((below.span_context.trace_id(), below.parent_span_id), (TraceId::from(5), SpanId::from(6)));
}

#[test]
fn a_span_outlives_its_pipeline_in_peace() {
    let run = Run::start(Hooks::Global);
    let mut span = tracer().start("too late");
    let (spans, turn) = run.end();
    assert_eq!(spans.len(), 0);
    span.set_attribute(KeyValue::new("app.n", 1));
    span.end();
    let mut unheard = tracer().start("nobody listens");
    assert!(!unheard.is_recording() && !unheard.span_context().is_valid());
    unheard.end();
    Run::next(turn, Hooks::Global, Telemetry::default()).expect(&[]);
}

#[test]
fn a_span_that_ends_in_the_next_pipeline_does_not_disturb_it() {
    let run = Run::start(Hooks::Global);
    let mut span = tracer().start("too late");
    let (_, turn) = run.end();
    let run = Run::next(turn, Hooks::Global, Telemetry::default());
    trace_block!(name = "a", {
        span.end();
        trace_block!(name = "b", {});
    });
    let spans = run.spans();
    assert_eq!(tree(&spans.into_iter().filter(|span| span.name != "too late").collect::<Vec<_>>()), "a\n  b");
}
