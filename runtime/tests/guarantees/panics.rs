//! Spans of functions that panic, and of what runs while they unwind.

use crate::support::{Recorder, many_threads, one_thread, tree};
use otelier::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[trace]
fn cleans_up() -> Result<u8, ()> {
    Ok(1)
}

#[trace]
async fn cleans_up_later() {
    tokio::task::yield_now().await;
}

struct CleansUp;

impl Drop for CleansUp {
    fn drop(&mut self) {
        let _ = cleans_up();
        one_thread().block_on(cleans_up_later());
    }
}

#[trace]
fn panics() {
    let _clean = CleansUp;
    trace_block!(name = "inside", { panic!("on purpose") });
}

#[test]
fn what_runs_while_unwinding_has_not_panicked() {
    let recorder = Recorder::start();
    assert!(catch_unwind(panics).is_err());
    recorder.expect(&[
        "panics error.type=panic !panicked",
        "  inside error.type=panic !panicked",
        "  cleans_up",
        "  cleans_up_later",
    ]);
}

struct PanicsInside;

impl Drop for PanicsInside {
    fn drop(&mut self) {
        trace_block!(name = "drops", {
            assert!(catch_unwind(|| trace_block!(name = "caught", { panic!("the second, on purpose") })).is_err());
        });
    }
}

#[trace]
fn panics_and_catches() {
    let _inside = PanicsInside;
    panic!("the first, on purpose")
}

#[test]
fn a_caught_panic_does_not_mark_the_spans_around_it() {
    let recorder = Recorder::start();
    trace_block!(name = "catches", {
        assert!(catch_unwind(panics).is_err());
    });
    let spans = recorder.spans();
    assert!(tree(spans).starts_with("catches\n  panics error.type=panic !panicked\n"));
}

#[test]
fn a_panic_that_ends_inside_a_drop_while_unwinding_is_told_from_the_outer_one() {
    let recorder = Recorder::start();
    assert!(catch_unwind(panics_and_catches).is_err());
    let text = tree(recorder.spans());
    // A thread that panics already cannot say whether it panics once more, so `caught` is not marked.
    assert_eq!(text, "panics_and_catches error.type=panic !panicked\n  drops\n    caught");
}

#[trace]
async fn panics_later(steps: u8) {
    for _ in 0..steps {
        tokio::task::yield_now().await;
    }
    panic!("on purpose")
}

#[test]
fn a_panicking_task_ends_its_span_once() {
    let recorder = Recorder::start();
    many_threads().block_on(async {
        let error = tokio::spawn(panics_later(3)).await.expect_err("it panics");
        assert!(error.is_panic());
    });
    recorder.expect(&["panics_later error.type=panic !panicked"]);
}

#[test]
fn a_future_that_panicked_and_is_dropped_much_later_has_one_span() {
    let recorder = Recorder::start();
    let mut future = Box::pin(panics_later(0));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))).is_err());
    trace_block!(name = "between", {});
    drop(future);
    recorder.expect(&["panics_later error.type=panic !panicked", "between"]);
}
