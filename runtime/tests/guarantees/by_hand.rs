//! Spans made by hand.

use crate::support::*;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TraceId};
use otelier::Span;
use otelier::config::Limits;
use otelier::prelude::*;
use otelier::schema::Kind;
use std::future::Future;

#[trace]
fn inside() {}

#[test]
fn everything_that_is_said_of_a_span_arrives() {
    let recorder = Recorder::start();
    let other = SpanContext::new(TraceId::from(5), 6u64.into(), TraceFlags::SAMPLED, true, Default::default());
    let span = Span::builder("early").kind(Kind::Client).attribute("app.first", 1).link(&other, []).start();
    span.set_attribute("app.first", 2u8);
    span.set_attribute("app.text", "x");
    span.set_attribute("app.none", None::<i64>);
    span.add_event("step", [KeyValue::new("app.step", 1)]);
    span.add_link(&other, [KeyValue::new("app.why", "twice")]);
    span.record_error(&"no answer");
    span.update_name("late");
    assert!(span.is_recording());
    span.end();
    let spans = recorder.spans();
    let [span] = &*spans else { panic!("one span, not\n{}", crate::support::tree(spans)) };
    assert_eq!((&*span.name, &span.span_kind), ("late", &SpanKind::Client));
    let found: Vec<_> = span.attributes.iter().map(|item| (item.key.as_str(), item.value.to_string())).collect();
    let wanted = [("app.first", "2"), ("app.text", "x"), ("error.type", "&str")];
    assert_eq!(found, wanted.map(|(key, value)| (key, value.to_owned())));
    assert_eq!(span.events.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["step", "exception"]);
    assert_eq!(span.links.iter().map(|link| link.attributes.len()).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(span.links[0].span_context, other);
    assert_eq!(span.status, Status::error("no answer"));
}

#[test]
fn what_begins_while_it_is_active_is_its_child_and_the_rest_is_not() {
    let recorder = Recorder::start();
    let span = Span::start("by hand");
    inside();
    span.in_scope(|| {
        inside();
        Span::start("child").end();
    });
    inside();
    drop(span);
    recorder.expect(&["by hand", "  inside", "  child", "inside", "inside"]);
}

#[test]
fn scopes_that_end_in_any_order_leave_the_right_span_active() {
    let recorder = Recorder::start();
    let (first, second) = (Span::start("first"), Span::start("second"));
    let in_first = first.enter();
    let in_second = second.enter();
    drop(in_first);
    inside();
    drop(in_second);
    inside();
    drop((first, second));
    let spans = recorder.spans();
    let parent_of = |number: usize| {
        let child = spans.iter().filter(|span| span.name == "inside").nth(number).expect("it is there");
        spans.iter().find(|span| span.span_context.span_id() == child.parent_span_id).map(|span| &*span.name)
    };
    assert_eq!((parent_of(0), parent_of(1)), (Some("second"), None));
}

#[test]
fn a_span_may_be_finished_elsewhere_and_its_context_used_on_many_threads() {
    let recorder = Recorder::start();
    let span = Span::start("shared");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let _attached = span.context().clone().attach();
                inside();
                span.add_event("done", []);
            });
        }
    });
    std::thread::spawn(move || drop(span)).join().expect("no panic");
    let spans = recorder.spans();
    let shared = spans.iter().find(|span| span.name == "shared").expect("it ended");
    assert_eq!(shared.events.len(), 3);
    let children = spans.iter().filter(|span| span.parent_span_id == shared.span_context.span_id());
    assert_eq!(children.count(), 3);
}

#[test]
fn a_panic_inside_is_recorded_and_ends_the_span() {
    let recorder = Recorder::start();
    let span = Span::start("by hand");
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| span.in_scope(|| panic!("no"))));
    assert!(result.is_err() && !span.is_recording());
    drop(span);
    let spans = recorder.spans();
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].status, Status::error("panicked"));
}

#[test]
fn a_root_and_a_given_parent_win_over_the_active_span() {
    let recorder = Recorder::start();
    let outer = Span::start("outer");
    let entered = outer.enter();
    let root = Span::builder("root").root().start();
    let below = Span::builder("below").parent(root.context()).start();
    assert_ne!(root.span_context().trace_id(), outer.span_context().trace_id());
    assert_eq!(below.span_context().trace_id(), root.span_context().trace_id());
    drop((below, root, entered));
    drop(outer);
    let spans = recorder.spans();
    assert_eq!(spans[0].parent_span_id, spans[1].span_context.span_id());
}

#[test]
fn without_a_pipeline_and_where_nothing_is_sampled_it_passes_the_context_on() {
    let turn = turn();
    let span = Span::start("nobody");
    assert!(!span.is_recording() && !span.span_context().is_valid());
    span.in_scope(|| span.set_attribute("app.x", 1));
    drop(span);
    drop(turn);
    let recorder = Recorder::with(Telemetry::default().with_sampler(otelier::config::Sampler::AlwaysOff));
    let span = Span::start("unsampled");
    let child = span.in_scope(otelier::current_context);
    assert_eq!(child.span().span_context(), &span.span_context());
    assert!(!span.span_context().is_sampled());
    drop(span);
    recorder.expect(&[]);
}

#[test]
fn limits_hold_for_what_is_said_by_hand() {
    let mut limits = Limits::default();
    (limits.attributes, limits.events, limits.links, limits.event_attributes, limits.link_attributes) = (2, 1, 1, 1, 0);
    let recorder = Recorder::with(Telemetry::default().with_limits(limits));
    let span = Span::start("limited");
    for key in ["app.a", "app.b", "app.c", "app.a"] {
        span.set_attribute(key, 1);
    }
    for _ in 0..3 {
        span.add_event("step", [KeyValue::new("app.x", 1), KeyValue::new("app.y", 2)]);
        span.add_link(&SpanContext::NONE, [KeyValue::new("app.z", 3)]);
    }
    drop(span);
    let spans = recorder.spans();
    let span = &spans[0];
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (2, 1));
    assert_eq!((span.events.len(), span.events.dropped_count), (1, 2));
    assert_eq!((span.events[0].attributes.len(), span.events[0].dropped_attributes_count), (1, 1));
    assert_eq!((span.links.len(), span.links.dropped_count), (1, 2));
    assert_eq!((span.links[0].attributes.len(), span.links[0].dropped_attributes_count), (0, 1));
}

/// Attributes, events and status, sorted so that the way they were recorded does not show. The lines of a panic are left
/// out: the two are not in the same line.
fn contents(span: &opentelemetry_sdk::trace::SpanData) -> String {
    let pairs = |attributes: &[KeyValue]| {
        let has_lines = |item: &&KeyValue| ["code.line.number", "exception.stacktrace"].contains(&item.key.as_str());
        let comparable = attributes.iter().filter(|item| !has_lines(item));
        let mut pairs: Vec<_> = comparable.map(|item| format!("{}={}", item.key, item.value)).collect();
        pairs.sort();
        pairs.join(" ")
    };
    let events: Vec<_> =
        span.events.iter().map(|event| format!("{} {}", event.name, pairs(&event.attributes))).collect();
    let links: Vec<_> =
        span.links.iter().map(|link| format!("{:?} {}", link.span_context, pairs(&link.attributes))).collect();
    format!("{} {:?} [{}] {events:?} {links:?} {:?}", span.name, span.span_kind, pairs(&span.attributes), span.status)
}

#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl ErrorClass for Refused {
    fn error_type(&self) -> std::borrow::Cow<'static, str> {
        "refused".into()
    }
}

#[test]
fn the_same_work_by_annotation_and_by_hand_gives_the_same_spans() {
    #[trace(name = "fetch", kind = client, app.symbol = symbol, app.tries = [1, 2], late(app.rows))]
    fn fetch(symbol: &str) -> Result<u8, Refused> {
        event!("asked", app.weight = 7);
        record!(app.rows = 3u8);
        if symbol.is_empty() { Err(Refused) } else { Ok(1) }
    }
    #[trace(name = "wait", app.first = true)]
    async fn wait(fails: bool) -> Result<(), Refused> {
        fetch(if fails { "" } else { "b" }).map(drop)
    }
    #[trace(name = "all")]
    fn annotated() {
        assert!(fetch("a").is_ok() && fetch("").is_err());
        one_thread().block_on(wait(false)).unwrap_or_default();
        one_thread().block_on(wait(true)).unwrap_or_default();
        drop(std::panic::catch_unwind(|| trace_block!(name = "panics", { panic!("no") })));
    }

    fn fetch_by_hand(symbol: &str) -> Result<u8, Refused> {
        let span = Span::builder("fetch").kind(Kind::Client).attribute("app.symbol", symbol);
        otelier::in_span!(span.attribute("app.tries", [1, 2]), |span| {
            span.add_event_with("asked", |event| event.attribute("app.weight", &7));
            span.set_attribute("app.rows", 3u8);
            if symbol.is_empty() { Err(Refused) } else { Ok(1) }
        })
    }
    async fn wait_by_hand(fails: bool) -> Result<(), Refused> {
        let span = Span::builder("wait").attribute("app.first", true);
        let symbol = if fails { "" } else { "b" };
        otelier::in_span!(span, future = async { fetch_by_hand(symbol).map(drop) }).await
    }
    fn by_hand() {
        otelier::in_span("all", |_| {
            assert!(fetch_by_hand("a").is_ok() && fetch_by_hand("").is_err());
            one_thread().block_on(wait_by_hand(false)).unwrap_or_default();
            one_thread().block_on(wait_by_hand(true)).unwrap_or_default();
            drop(std::panic::catch_unwind(|| otelier::in_span("panics", |_| panic!("no"))));
        });
    }

    let spans_of = |work: fn()| {
        let recorder = Recorder::start();
        work();
        let spans = recorder.spans();
        (tree_of_names(&spans), spans.iter().map(contents).collect::<Vec<_>>())
    };
    let (annotated, by_hand) = (spans_of(annotated), spans_of(by_hand));
    assert_eq!(annotated, by_hand);
    assert_eq!(annotated.1.len(), 8);
}

fn tree_of_names(spans: &[opentelemetry_sdk::trace::SpanData]) -> Vec<(String, Option<String>)> {
    let name_of = |id| spans.iter().find(|span| span.span_context.span_id() == id).map(|span| span.name.to_string());
    spans.iter().map(|span| (span.name.to_string(), name_of(span.parent_span_id))).collect()
}

#[test]
fn the_current_span_is_that_of_the_annotated_function_lazy_or_not() {
    fn helper(value: i64) {
        let span = otelier::current_span();
        assert!(span.is_recording());
        span.set_attribute("app.value", value);
        span.add_event("step", [KeyValue::new("app.step", value)]);
    }
    #[trace(app.value = 0, late(app.late))]
    fn lazy() {
        helper(2);
        inside();
        let span = otelier::current_span();
        assert_eq!(span.span_context().span_id(), otelier::current_context().span().span_context().span_id());
        record!(app.late = 1);
    }
    #[trace]
    async fn waits() {
        helper(3);
        lazy();
    }
    #[trace]
    fn root() {
        helper(1);
        lazy();
        one_thread().block_on(waits());
        Span::start("by hand").in_scope(|| helper(4));
    }
    let recorder = Recorder::start();
    root();
    recorder.expect(&[
        "root app.value=1",
        "  * step app.step=1",
        "  lazy app.value=2 app.late=1",
        "    * step app.step=2",
        "    inside",
        "  waits app.value=3",
        "    * step app.step=3",
        "    lazy app.value=2 app.late=1",
        "      * step app.step=2",
        "      inside",
        "  by hand app.value=4",
        "    * step app.step=4",
    ]);
}

#[test]
fn of_two_values_the_later_one_counts_whichever_way_they_came() {
    #[trace(app.x = 1, app.y = 1, late(app.z))]
    fn lazy() {
        let span = otelier::current_span();
        span.set_attribute("app.x", 2);
        trace_block!(name = "inner", {
            span.set_attribute("app.y", 2);
            span.set_attribute("app.z", 2);
            otelier::current_span().set_attribute("app.x", "inner");
        });
        record!(app.z = 3);
        Span::start("entered").in_scope(|| span.set_attribute("app.x", 3));
        record!(app.x = 4);
    }
    let recorder = Recorder::start();
    trace_block!(name = "root", { lazy() });
    recorder.expect(&["root", "  lazy app.x=4 app.y=2 app.z=3", "    inner app.x=inner", "    entered"]);
}

#[test]
fn everything_can_be_said_of_the_current_span() {
    #[trace]
    fn lazy() {
        let span = otelier::current_span();
        let other = Span::start("other").span_context();
        span.add_links(&[other.clone(), SpanContext::NONE]);
        span.add_link(&other, [KeyValue::new("app.why", "twice")]);
        span.add_event_with("sized", |event| event.attribute("app.sizes", &[1_i64, 2]));
        span.update_name("renamed");
        span.record_error_class(&Refused);
    }
    let recorder = Recorder::start();
    trace_block!(name = "root", {
        lazy();
        trace_block!(name = "kind", kind = client, { lazy_on_attached() });
        trace_block!(name = "status", { otelier::current_span().set_status(Status::error("by status")) });
    });
    fn lazy_on_attached() {
        let span = otelier::current_span();
        span.record_error_class(&Refused);
        span.update_name("renamed client");
    }
    let spans = recorder.spans();
    let span = named(&spans, "renamed");
    assert_eq!((span.links.len(), span.links[1].attributes.len()), (2, 1));
    assert_eq!(span.events[0].attributes[0].value.to_string(), "[1,2]");
    let (status, attributes) = (&span.status, attribute(span, "error.type").map(ToString::to_string));
    assert_eq!((status, attributes.as_deref()), (&Status::error("refused"), Some("refused")));
    let attached = named(&spans, "renamed client");
    assert_eq!((&attached.status, &attached.attributes), (status, &span.attributes));
    assert_eq!(
        attached.events.last().map(|event| &event.attributes),
        span.events.last().map(|event| &event.attributes)
    );
    assert_eq!(named(&spans, "status").status, Status::error("by status"));
}

#[test]
fn a_handle_of_the_current_span_may_outlive_it_and_leave_the_thread() {
    #[trace]
    fn lazy() -> otelier::CurrentSpan {
        let span = otelier::current_span();
        std::thread::scope(|scope| scope.spawn(|| span.set_attribute("app.elsewhere", 1)).join()).expect("no panic");
        span
    }
    let recorder = Recorder::start();
    let kept = trace_block!(name = "root", { lazy() });
    assert!(!kept.is_recording());
    kept.set_attribute("app.late", 1);
    let elsewhere = std::thread::spawn(move || kept.set_attribute("app.late", 2));
    elsewhere.join().expect("no panic");
    recorder.expect(&["root", "  lazy app.elsewhere=1"]);
}

#[test]
fn without_a_span_the_current_one_takes_nothing() {
    let recorder = Recorder::start();
    let span = otelier::current_span();
    assert!(!span.is_recording() && !span.span_context().is_valid());
    span.set_attribute("app.x", 1);
    span.record_error(&"no");
    recorder.expect(&[]);
}

#[test]
fn limits_hold_for_the_current_span_and_a_loop_does_not_fill_the_memory() {
    #[trace(app.own = 1)]
    fn lazy() {
        for number in 0..10_000 {
            let span = otelier::current_span();
            span.set_attribute("app.number", number);
            span.add_event("step", []);
            span.add_link(&Span::start("other").child("x").span_context(), []);
        }
    }
    let mut limits = Limits::default();
    (limits.attributes, limits.events, limits.links) = (2, 3, 4);
    let recorder = Recorder::with(Telemetry::default().with_limits(limits).with_max_queue_size(1 << 18));
    trace_block!(name = "root", { lazy() });
    let (spans, _) = recorder.finish();
    let span = named(&spans, "lazy");
    assert_eq!((attribute(span, "app.number"), span.attributes.len()), (Some(&9_999_i64.into()), 2));
    assert_eq!((span.events.len(), span.events.dropped_count), (3, 9_997));
    assert_eq!((span.links.len(), span.links.dropped_count), (4, 9_996));
}

#[test]
fn what_a_displayed_value_says_of_the_current_span_arrives() {
    struct Talks;
    impl std::fmt::Display for Talks {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("before ")?;
            otelier::current_span().set_attribute("app.talked", true);
            inside();
            f.write_str("after")
        }
    }
    #[trace(app.value = %Talks)]
    fn lazy() {}
    let recorder = Recorder::start();
    trace_block!(name = "root", { lazy() });
    recorder.expect(&["root", "  lazy app.value=before after app.talked=true", "    inside"]);
}

#[test]
fn times_of_somebody_else_are_kept() {
    use std::time::{Duration, SystemTime};
    let (start, second) = (SystemTime::UNIX_EPOCH + Duration::from_secs(1_000), Duration::from_secs(1));
    let recorder = Recorder::start();
    let span = Span::builder("measured").start_time(start).event("early", []).start();
    span.add_event_at("middle", start + second, []);
    span.end_at(start + 2 * second);
    let spans = recorder.spans();
    let span = &spans[0];
    assert_eq!((span.start_time, span.end_time), (start, start + 2 * second));
    let times: Vec<_> = span.events.iter().map(|event| event.timestamp).collect();
    assert_eq!(times, [start, start + second]);
}

#[test]
fn a_parent_may_be_named_by_headers_and_what_names_none_changes_nothing() {
    let recorder = Recorder::start();
    let outer = Span::start("outer");
    let headers = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")];
    outer.in_scope(|| {
        Span::builder("remote").child_of(&headers).start().end();
        Span::builder("local").child_of("nonsense").start().end();
    });
    outer.child("child").end();
    drop(outer);
    recorder.expect(&["outer", "  local", "  child", "remote [remote parent]"]);
}

#[test]
fn a_future_in_a_span_starts_late_and_a_dropped_one_is_cancelled() {
    use otelier::InSpan;
    use std::task::{Context, Waker};
    let recorder = Recorder::start();
    drop(async {}.in_span("never"));
    let mut waits = Box::pin(async { std::future::pending::<()>().await }.in_span("waits"));
    assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(waits);
    let failed = one_thread().block_on(async { Err::<(), _>("no") }.try_in_span("fails"));
    assert_eq!(failed, Err("no"));
    one_thread().block_on(otelier::in_span_async("plain", async { inside() }));
    recorder.expect(&[
        "waits otelier.cancelled=true",
        "fails error.type=&str !no",
        "  * exception exception.type=&str exception.message=no",
        "plain",
        "  inside",
    ]);
}

#[test]
fn tasks_are_children_of_the_span_that_spawned_them() {
    #[trace]
    async fn part() {
        inside();
    }
    #[trace]
    async fn whole() {
        otelier::spawn(part()).await.expect("no panic");
        otelier::spawn_blocking(inside).await.expect("no panic");
        let lazy = || trace_block!(name = "lazy", { otelier::spawn(part()) });
        lazy().await.expect("no panic");
    }
    let recorder = Recorder::start();
    many_threads().block_on(whole());
    let local = tokio::task::LocalSet::new();
    local
        .block_on(&one_thread(), async { otelier::in_span("local", |_| otelier::spawn_local(part())).await })
        .expect("no panic");
    recorder.expect(&[
        "whole",
        "  part",
        "    inside",
        "  inside",
        "  lazy",
        "    part",
        "      inside",
        "local",
        "  part",
        "    inside",
    ]);
}

struct Unavailable;

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("unavailable")
    }
}

impl ErrorClass for Unavailable {
    fn error_type(&self) -> std::borrow::Cow<'static, str> {
        "unavailable".into()
    }
    fn is_retryable(&self) -> bool {
        true
    }
    fn error_source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&std::fmt::Error)
    }
}

#[test]
fn an_error_told_to_the_current_span_says_the_same_whatever_kind_of_span_it_is() {
    fn tell() {
        otelier::current_span().record_error_class(&Unavailable);
    }
    #[trace]
    fn lazy() {
        tell();
    }
    #[trace]
    async fn later() {
        tell();
    }
    #[trace(kind = client)]
    fn attached() {
        tell();
    }
    let recorder = Recorder::start();
    trace_block!(name = "root", {
        lazy();
        attached();
        one_thread().block_on(later());
        Span::start("by hand").in_scope(tell);
    });
    let lines = |name: &str| {
        [
            format!("  {name} error.type=unavailable failure.retryable=true !unavailable"),
            "    * exception exception.type=guarantees::by_hand::Unavailable exception.message=unavailable \
             otelier.error.sources=[\"an error occurred when formatting an argument\"]"
                .to_owned(),
        ]
    };
    let lines = ["lazy", "attached [client]", "later", "by hand"].map(lines).concat();
    let lines: Vec<_> = std::iter::once("root").chain(lines.iter().map(String::as_str)).collect();
    recorder.expect(&lines);
}

#[test]
fn errors_told_in_a_loop_stay_within_the_limit_for_events() {
    let recorder = Recorder::start();
    let span = Span::start("tells");
    for _ in 0..1000 {
        span.record_error(&"x".repeat(1000));
    }
    drop(span);
    let spans = recorder.spans();
    assert_eq!((spans[0].events.len(), spans[0].events.dropped_count), (128, 1000 - 128));
    let mut limits = Limits::default();
    limits.events = 0;
    let recorder = Recorder::with(Telemetry::default().with_limits(limits));
    Span::start("tells").record_error(&"no");
    let spans = recorder.spans();
    assert_eq!((spans[0].events.len(), spans[0].events.dropped_count), (0, 1));
    assert_eq!(spans[0].status, Status::error("no"));
}
