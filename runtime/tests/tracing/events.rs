//! What becomes of events.

use crate::{plain, plainly, traced};
use opentelemetry::global;
use opentelemetry::trace::{Status, Tracer};
use otelier::Span;
use otelier::prelude::*;
use std::error::Error;
use tracing::{Level, error, event, info, info_span, warn};

#[trace]
fn annotated() {
    lazy();
}

#[trace]
fn lazy() {
    info!(rows = 3, cached = false, "loaded");
}

#[test]
fn an_event_is_recorded_on_the_span_that_is_active_whoever_made_it() {
    let spans = plainly(|| {
        annotated();
        info_span!("of tracing").in_scope(|| warn!(left = 0.5, "slow"));
        Span::start("by hand").in_scope(|| info!("seen"));
        global::tracer("library").in_span("api", |_| info!("seen"));
    });
    let loaded = spans.span("lazy").event("loaded").has("rows", 3).has("cached", false);
    loaded.has("level", "INFO").has("target", "tracing::events").has_no("code.file.path");
    spans.span("annotated").has_no_event("loaded");
    spans.span("of tracing").event("slow").has("left", 0.5).has("level", "WARN");
    spans.span("by hand").has_event("seen");
    spans.span("api").has_event("seen");
}

#[test]
fn an_event_without_a_span_is_nothing() {
    assert!(plainly(|| error!("nobody listens")).is_empty());
}

#[test]
fn an_event_may_name_its_parent_or_say_that_it_has_none() {
    let spans = plainly(|| {
        let other = info_span!("other");
        info_span!("around").in_scope(|| {
            info!(parent: &other, "for the other");
            info!(parent: None, "for nobody");
        });
    });
    spans.span("other").has_event("for the other");
    assert_eq!(spans.span("around").events().count(), 0);
}

#[test]
fn an_event_without_a_message_has_its_name_and_never_a_path_of_the_machine() {
    let spans = plainly(|| {
        info_span!("around").in_scope(|| {
            event!(name: "cache.hit", Level::INFO, key = "a");
            event!(Level::INFO, key = "b");
        });
    });
    let names: Vec<_> = spans.span("around").events().map(|event| event.name()).collect();
    assert_eq!(names, ["cache.hit", "event"]);
}

#[test]
fn an_event_of_the_level_error_fails_the_span_only_if_asked() {
    let run = || info_span!("work").in_scope(|| error!("it broke"));
    assert_eq!(plainly(run).span("work").status(), &Status::Unset);
    let spans = traced(plain().with_error_events_as_status(true), run);
    assert_eq!(spans.span("work").has_event("it broke").status(), &Status::error("it broke"));
    let spans =
        traced(plain().with_error_events_as_status(true), || trace_block!(name = "ours", { error!("it broke") }));
    assert_eq!(spans.span("ours").status(), &Status::error("it broke"));
}

#[test]
fn an_event_with_an_error_is_an_exception() {
    let cause = "x".parse::<i32>().expect_err("no number");
    let spans = plainly(|| {
        info_span!("work").in_scope(|| warn!(error = &cause as &(dyn Error + 'static), attempt = 2, "trying again"));
    });
    let exception = spans.span("work").event("exception");
    exception
        .has("exception.message", "invalid digit found in string")
        .has("message", "trying again")
        .has("attempt", 2);
    assert_eq!(spans.span("work").status(), &Status::Unset);
}

#[test]
fn events_can_be_left_out() {
    let spans = traced(plain().with_events(false), || info_span!("quiet").in_scope(|| info!("seen")));
    assert_eq!(spans.span("quiet").events().count(), 0);
}

#[test]
fn a_record_of_log_says_where_it_was_made() {
    // As `tracing-log` makes them: one call site for all, and fields for what differs.
    let spans = traced(otelier::tracing::layer(), || {
        info_span!("work").in_scope(|| {
            event!(
                target: "log",
                Level::INFO,
                {
                    log.target = "driver::pool",
                    log.module_path = "driver::pool",
                    log.file = "/home/somebody/.cargo/registry/src/index/driver-1.0.0/src/pool.rs",
                    log.line = 7_u64
                },
                "connected"
            );
        });
    });
    let event = spans.span("work").event("connected");
    event.has("target", "driver::pool").has("code.file.path", "driver-1.0.0/src/pool.rs").has("code.line.number", 7);
    event.has_no("log.target").has_no("log.line").has_no("log.module_path");
}
