//! Spans that are used on several threads.

use crate::everywhere;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use otelier::prelude::*;
use otelier::testing::{capture, capture_async};
use tracing::{Instrument, info_span};

#[track_caller]
fn nothing_is_active() {
    assert!(!Context::current().has_active_span(), "a span is current for OpenTelemetry");
    assert!(!otelier::bridge::current_span_context().is_valid(), "a span is active");
}

#[test]
fn one_span_may_be_entered_twice_and_on_several_threads() {
    everywhere();
    let spans = capture(|| {
        let span = info_span!("shared");
        span.in_scope(|| {
            span.in_scope(|| trace_block!(name = "twice", {}));
            trace_block!(name = "once", {});
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        span.in_scope(|| trace_block!(name = "elsewhere", {}));
                        nothing_is_active();
                    });
                }
            });
        });
        nothing_is_active();
    });
    spans.span("shared").has_children(["twice", "once", "elsewhere", "elsewhere", "elsewhere", "elsewhere"]);
}

#[trace(app.part = part)]
async fn store(part: u32) {
    tokio::task::yield_now().await;
    info_span!("write").in_scope(|| trace_block!(name = "innermost", {}));
}

#[test]
fn a_task_that_is_instrumented_continues_the_trace_on_other_threads() {
    everywhere();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).build().expect("a runtime");
    let spans = runtime.block_on(capture_async(async {
        let span = info_span!("request");
        let task = |part| {
            let task = span.in_scope(|| info_span!("task"));
            tokio::spawn(store(part).instrument(task))
        };
        let tasks: Vec<_> = (0..8).map(task).collect();
        for task in tasks {
            task.await.expect("it ends");
        }
    }));
    spans.span("request").is_root().has_children(["task"; 8]);
    for task in spans.named("task") {
        task.child("store").child("write").child("innermost");
    }
}
