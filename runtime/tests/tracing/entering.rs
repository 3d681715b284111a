//! Spans that are entered and left in any order.

use crate::{plain, plainly};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use otelier::prelude::*;
use otelier::testing::capture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tracing::span::EnteredSpan;
use tracing::{Dispatch, info_span};
use tracing_subscriber::layer::SubscriberExt;

#[track_caller]
fn nothing_is_active() {
    assert!(!Context::current().has_active_span(), "a span is current for OpenTelemetry");
    assert!(!otelier::bridge::current_span_context().is_valid(), "a span is active");
}

#[test]
fn spans_may_be_left_in_another_order_than_they_were_entered() {
    plainly(|| {
        let one = info_span!("one").entered();
        let two = info_span!("two").entered();
        let three = info_span!("three").entered();
        drop(two);
        trace_block!(name = "in three", {});
        drop(three);
        trace_block!(name = "in one", {});
        drop(one);
        nothing_is_active();
    })
    .assert_tree(
        "
        one
          two
            three
              in three
          in one
        ",
    );
}

#[trace]
fn leaves_a_span_behind() -> EnteredSpan {
    lazily_leaves_a_span_behind()
}

#[trace]
fn lazily_leaves_a_span_behind() -> EnteredSpan {
    info_span!("left behind").entered()
}

#[test]
fn a_span_may_outlive_the_annotated_functions_around_it() {
    plainly(|| {
        let entered = leaves_a_span_behind();
        trace_block!(name = "inside", { trace_block!(name = "more", {}) });
        drop(entered);
        nothing_is_active();
        trace_block!(name = "after", {});
    })
    .assert_tree(
        "
        leaves_a_span_behind
          lazily_leaves_a_span_behind
            left behind
              inside
                more
        after
        ",
    );
}

#[test]
fn a_span_may_be_left_inside_of_an_annotated_function_that_began_in_it() {
    plainly(|| {
        let outer = info_span!("outer").entered();
        let mut outer = Some(outer);
        trace_block!(name = "inside", {
            trace_block!(name = "lazy", {
                drop(outer.take());
                trace_block!(name = "still inside", {});
            });
        });
        nothing_is_active();
    })
    .assert_tree(
        "
        outer
          inside
            lazy
              still inside
        ",
    );
}

#[test]
fn a_panic_leaves_nothing_behind() {
    let spans = plainly(|| {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let _outer = info_span!("outer").entered();
            trace_block!(name = "inside", {
                let _inner = info_span!("inner").entered();
                panic!("on purpose")
            })
        }));
        assert!(result.is_err());
        nothing_is_active();
    });
    for span in [spans.span("outer"), spans.span("inside"), spans.span("inner")] {
        span.is_error().has("error.type", "panic");
    }
    spans.span("outer").child("inside").child("inner");
}

#[test]
fn a_span_that_a_panic_does_not_leave_is_not_marked() {
    struct Cleans;
    impl Drop for Cleans {
        fn drop(&mut self) {
            info_span!("cleaned up").in_scope(|| ());
        }
    }
    let spans = plainly(|| {
        info_span!("catches").in_scope(|| {
            let result = catch_unwind(|| {
                let _cleans = Cleans;
                info_span!("panics").in_scope(|| panic!("on purpose"))
            });
            assert!(result.is_err());
        });
    });
    spans.span("panics").is_error().has("error.type", "panic");
    for name in ["catches", "cleaned up"] {
        assert_eq!(spans.span(name).data().status, opentelemetry::trace::Status::Unset, "{name}");
    }
}

#[test]
fn a_panic_in_a_future_marks_the_span_it_runs_in() {
    use tracing::Instrument;
    let spans = plainly(|| {
        crate::one_thread().block_on(async {
            let task = async {
                tokio::task::yield_now().await;
                panic!("on purpose")
            };
            let task: tokio::task::JoinHandle<()> = tokio::spawn(task.instrument(info_span!("task")));
            assert!(task.await.is_err());
        });
        nothing_is_active();
    });
    spans.span("task").is_error().has("error.type", "panic");
}

#[test]
fn a_span_begins_when_it_was_made_on_the_clock_of_all_spans() {
    let spans = plainly(|| {
        let late = info_span!("late");
        trace_block!(name = "before it", { std::thread::sleep(std::time::Duration::from_millis(2)) });
        late.in_scope(|| trace_block!(name = "inside", {}));
    });
    let times = |name| (spans.span(name).data().start_time, spans.span(name).data().end_time);
    let (late, before, inside) = (times("late"), times("before it"), times("inside"));
    assert!(late.0 <= before.0 && before.1 <= inside.0 && inside.1 <= late.1, "{late:?} {before:?} {inside:?}");
}

#[test]
fn an_entry_that_is_never_left_ends_with_its_thread() {
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(plain()));
    let spans = capture(|| {
        let run = otelier::with_current_context(move || {
            tracing::dispatcher::with_default(&dispatch, || std::mem::forget(info_span!("forgotten").entered()));
        });
        std::thread::spawn(run).join().expect("the thread ends as usual");
    });
    // Nobody ever ends it.
    assert!(spans.is_empty());
    nothing_is_active();
}

#[test]
fn a_span_that_is_closed_while_it_is_entered_ends_and_is_left() {
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(plain()));
    capture(|| {
        tracing::dispatcher::with_default(&dispatch, || {
            let span = info_span!("closed");
            let id = span.id().expect("it is enabled");
            // What `Entered` does, but the last handle goes first.
            dispatch.enter(&id);
            drop(span);
            trace_block!(name = "inside", {});
            dispatch.exit(&id);
            nothing_is_active();
        });
    })
    .assert_tree("closed\n  inside");
}
