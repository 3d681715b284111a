//! Spans of traces that are not recorded.

use crate::plain;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use otelier::prelude::*;
use otelier::testing::{Capture, Sampling, capture};
use otelier::tracing::{SetParentError, SpanExt};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt;

const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// Says whether somebody has looked at it.
struct Watched<'a>(&'a AtomicBool);

impl fmt::Debug for Watched<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.store(true, Ordering::Relaxed);
        f.write_str("seen")
    }
}

#[test]
fn below_an_unsampled_span_nothing_is_recorded_and_no_value_is_looked_at() {
    let looked = AtomicBool::new(false);
    let spans = Capture::builder().with_sampling(Sampling::AsConfigured).capture(|| {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(plain()), || {
            let entry = info_span!("entry");
            entry.set_parent(UNSAMPLED).expect("it has not begun");
            let ids = entry.span_context();
            assert!(!ids.is_sampled());
            entry.in_scope(|| {
                trace_block!(name = "ours", {
                    let child = info_span!("child", value = ?Watched(&looked));
                    assert_eq!(child.set_parent(UNSAMPLED), Err(SetParentError::NotRecorded));
                    child.in_scope(|| {
                        info!(value = ?Watched(&looked), "event");
                        let seen: SpanContext = Context::current().span().span_context().clone();
                        assert_eq!((seen.trace_id(), seen.is_sampled()), (ids.trace_id(), false));
                    });
                });
            });
            // Also where it is entered by itself.
            std::thread::scope(|scope| {
                let child = entry.in_scope(|| info_span!("on another thread"));
                let dispatch = tracing::dispatcher::get_default(Clone::clone);
                scope.spawn(move || {
                    tracing::dispatcher::with_default(&dispatch, || {
                        child.in_scope(|| trace_block!(name = "there", {}))
                    });
                });
            });
        });
    });
    assert!(spans.is_empty(), "{}", spans.spans.text());
    assert!(!looked.load(Ordering::Relaxed));
}

#[test]
fn where_telemetry_is_suppressed_nothing_is_recorded() {
    let spans = capture(|| {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(plain()), || {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            info_span!("hidden").in_scope(|| info_span!("inside").in_scope(|| info!("told")));
        });
    });
    assert!(spans.is_empty());
}

#[test]
fn without_a_pipeline_or_a_capture_a_span_is_not_ours() {
    // Other tests of this process may capture at the same time, but not what this thread does.
    tracing::subscriber::with_default(tracing_subscriber::registry().with(plain()), || {
        let span = info_span!("nobody looks");
        span.in_scope(|| assert!(!Context::current().has_active_span()));
    });
}
