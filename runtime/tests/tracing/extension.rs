//! What a `tracing::Span` can do.

use crate::{plain, plainly};
use opentelemetry::trace::TraceContextExt;
use otelier::prelude::*;
use otelier::relation::ParentContext;
use otelier::testing::capture;
use otelier::tracing::{SetParentError, SpanExt};
use tracing::{info_span, trace_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

const REMOTE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_parent_can_be_set_until_the_span_begins_and_then_that_is_said() {
    let spans = plainly(|| {
        trace_block!(name = "around", {
            let span = info_span!("request", app.path = "/orders");
            assert_eq!(span.set_parent("not a traceparent"), Err(SetParentError::NoParent));
            assert_eq!(span.set_parent(REMOTE), Ok(()));
            span.in_scope(|| trace_block!(name = "inside", {}));
            assert_eq!(span.set_parent(REMOTE), Err(SetParentError::Begun));
        });
    });
    let request = spans.span("request").has("app.path", "/orders").has_children(["inside"]);
    assert_eq!(request.span_context().trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(request.data().parent_span_id.to_string(), "00f067aa0ba902b7");
    assert!(request.data().parent_span_is_remote);
    spans.span("around").has_children([]);
}

#[test]
fn asking_for_the_ids_begins_a_span() {
    plainly(|| {
        let span = info_span!("asked");
        let ids = span.span_context();
        assert!(ids.is_valid());
        assert_eq!(span.set_parent(REMOTE), Err(SetParentError::Begun));
        let _attached = span.context().attach();
        trace_block!(name = "inside", {
            assert_eq!(opentelemetry::Context::current().span().span_context().trace_id(), ids.trace_id());
        });
    })
    .assert_tree("asked\n  inside");
}

#[test]
fn attributes_and_links_may_come_before_and_after() {
    let spans = plainly(|| {
        let cause = info_span!("cause");
        let span = info_span!("effect");
        span.set_attribute("app.count", 1_u64);
        span.set_attribute("app.count", 2_u64);
        span.set_attribute("app.none", None::<u64>);
        span.add_link(&cause.span_context());
        span.add_link(&REMOTE.parent_context());
        span.in_scope(|| ());
        span.set_attribute("app.list", ["a", "b"]);
        span.follows_from(&cause);
    });
    let effect =
        spans.span("effect").has("app.count", 2).has("app.list", ["a", "b"]).has_no("app.none").links_to("cause");
    assert_eq!(effect.links().count(), 3);
}

#[test]
fn more_than_can_be_kept_begins_the_span() {
    let spans = plainly(|| {
        let span = info_span!("many");
        for number in 0..1000 {
            span.set_attribute(&format!("app.{}", number % 200), number);
            span.add_link(&REMOTE.parent_context());
        }
    });
    let many = spans.span("many");
    assert_eq!((many.attributes().len(), many.links().count()), (128, 128));
    assert_eq!((many.data().dropped_attributes_count > 0, many.data().links.dropped_count), (true, 872));
}

#[test]
fn a_span_that_is_not_ours_says_so() {
    let nobody = info_span!("nobody's");
    assert_eq!(nobody.set_parent(REMOTE), Err(SetParentError::NotOurs));
    assert!(!nobody.span_context().is_valid());
    let subscriber = tracing_subscriber::registry().with(plain().with_filter(LevelFilter::INFO));
    capture(|| {
        tracing::subscriber::with_default(subscriber, || {
            let filtered = trace_span!("filtered");
            assert_eq!(filtered.set_parent(REMOTE), Err(SetParentError::NotOurs));
            assert_eq!(info_span!("kept").set_parent(REMOTE), Ok(()));
        });
    });
    for error in [SetParentError::NoParent, SetParentError::Begun, SetParentError::NotOurs, SetParentError::NotRecorded]
    {
        assert!(error.to_string().len() > 20);
    }
}
