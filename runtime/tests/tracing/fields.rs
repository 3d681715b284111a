//! What becomes of the fields of spans.

use crate::{plain, plainly, traced};
use opentelemetry::Value;
use opentelemetry::trace::{SpanKind, Status};
use std::error::Error;
use std::fmt;
use tracing::field::{Empty, debug, display};
use tracing::{Level, info_span, span};

#[derive(Debug)]
struct Outer(Inner);

#[derive(Debug)]
struct Inner;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the order was not stored")
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the disk is full")
    }
}

impl Error for Inner {}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn values_keep_their_types_and_names_their_dots() {
    let spans = plainly(|| {
        info_span!(
            "typed",
            int = -7_i64,
            unsigned = 7_u64,
            large = u64::MAX,
            huge = i128::MIN,
            float = 0.5,
            flag = true,
            text = "words",
            shown = %42,
            debugged = ?Some(1),
            db.query.text = "SELECT 1",
            nothing = Empty,
        )
        .in_scope(|| ());
    });
    let span = spans.span("typed").has("int", -7).has("unsigned", 7).has("large", i64::MAX).has("huge", i64::MIN);
    span.has("float", 0.5).has("flag", true).has("text", "words").has("shown", "42").has("debugged", "Some(1)");
    span.has("db.query.text", "SELECT 1").has_no("nothing");
    assert!(matches!(span.attribute("int"), Some(Value::I64(-7))));
}

#[test]
fn what_is_recorded_later_counts_before_and_after_the_span_has_begun() {
    plainly(|| {
        let span = info_span!("late", first = 1, rows = Empty, state = Empty);
        span.record("rows", 1);
        span.record("rows", 2);
        span.in_scope(|| ());
        span.record("first", 3);
        span.record("state", display("done"));
        span.record("unknown", debug("no field of the span"));
    })
    .assert_tree("late first=3 rows=2 state=done");
}

#[test]
fn a_span_that_was_never_entered_has_its_fields_all_the_same() {
    plainly(|| drop(info_span!("idle", rows = 1))).assert_tree("idle rows=1");
}

#[test]
fn fields_of_opentelemetry_say_what_the_span_is() {
    let spans = plainly(|| {
        let span = info_span!("given", otel.name = "GET /orders", otel.kind = "SERVER", otel.status_code = Empty);
        span.in_scope(|| ());
        span.record("otel.status_code", "OK");
        drop(span);
        let failed = info_span!("failed", otel.kind = ?SpanKind::Client, otel.status_description = Empty);
        failed.record("otel.status_description", "timed out");
        drop(failed);
        let renamed = info_span!("renamed", otel.name = Empty, otel.status_code = "error", otel.status_message = "bad");
        renamed.in_scope(|| ());
        renamed.record("otel.name", "another name");
    });
    let given = spans.span("GET /orders").is_kind(SpanKind::Server).is_ok();
    assert!(given.attributes().is_empty());
    let failed = spans.span("failed").is_kind(SpanKind::Client);
    assert_eq!(failed.status(), &Status::error("timed out"));
    assert_eq!(spans.span("another name").status(), &Status::error("bad"));
}

#[test]
fn an_error_in_a_field_is_an_exception_event_and_fails_the_span_only_if_asked() {
    let error = Outer(Inner);
    let make = || info_span!("store", error = &error as &(dyn Error + 'static)).in_scope(|| ());
    let spans = plainly(make);
    let span = spans.span("store").has("error", "the order was not stored");
    assert_eq!(span.status(), &Status::Unset);
    span.event("exception")
        .has("exception.message", "the order was not stored")
        .has("otelier.error.sources", ["the disk is full"]);
    let spans = traced(plain().with_errors_as_status(true), make);
    assert_eq!(spans.span("store").status(), &Status::error("the order was not stored"));
}

#[test]
fn long_values_are_cut_as_others_are() {
    struct Endless;
    impl fmt::Debug for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (0..100_000).try_for_each(|_| f.write_str("añb"))
        }
    }
    let spans = plainly(|| info_span!("long", text = "ü".repeat(5000), debug = ?Endless).in_scope(|| ()));
    for key in ["text", "debug"] {
        let value = spans.span("long").attribute(key).map(|value| value.as_str().chars().count());
        assert_eq!(value, Some(1024), "{key}");
    }
}

#[test]
fn target_level_place_and_thread_are_attributes_as_the_layer_is_set() {
    let layer = otelier::tracing::layer().with_level(true).with_threads(true).with_busy_and_idle_time(true);
    let spans = traced(layer, || span!(target: "lib::inner", Level::WARN, "placed").in_scope(|| ()));
    let span = spans.span("placed").has("target", "lib::inner").has("level", "WARN").is_in_scope("lib");
    span.has_key("code.line.number").has_key("thread.id").has_key("thread.name").has_key("busy_ns").has_key("idle_ns");
    let file = span.attribute("code.file.path").map(|file| file.as_str().into_owned()).unwrap_or_default();
    assert!(file.ends_with("tests/tracing/fields.rs"), "{file}");
    let spans = plainly(|| span!(target: "lib::inner", Level::WARN, "bare").in_scope(|| ()));
    assert!(spans.span("bare").is_in_scope("lib").attributes().is_empty());
}

#[test]
fn a_field_wins_over_what_the_layer_would_say() {
    let spans = traced(otelier::tracing::layer(), || info_span!("own", target = "mine").in_scope(|| ()));
    spans.span("own").has("target", "mine");
    assert_eq!(spans.span("own").attributes().iter().filter(|one| one.key.as_str() == "target").count(), 1);
}

#[test]
fn nothing_is_recorded_on_a_span_that_has_ended() {
    plainly(|| {
        let span = info_span!("ended", rows = Empty);
        let context = otelier::tracing::SpanExt::context(&span);
        drop(span);
        opentelemetry::trace::TraceContextExt::span(&context).add_event("late", vec![]);
    })
    .assert_tree("ended");
}
