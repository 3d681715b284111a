//! Spans of futures: when they start and end, and what belongs to them.

use crate::support::{PATIENCE, Recorder, int, is_child, lock, many_threads, named, one_thread, tree};
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, TraceContextExt};
use otelier::prelude::*;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

#[trace]
fn cleans_up() {}

struct CleansUp;

impl Drop for CleansUp {
    fn drop(&mut self) {
        cleans_up();
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(Waker::noop()))
}

#[trace(app.started = 1, late(app.ended))]
async fn waits(for_ever: bool) {
    let _clean = CleansUp;
    if for_ever {
        std::future::pending::<()>().await;
    }
    record!(app.ended = 1);
}

#[test]
fn a_future_that_is_never_polled_has_no_span() {
    let recorder = Recorder::start();
    drop(waits(false));
    drop(trace_block!(name = "block", async { cleans_up() }));
    recorder.expect(&[]);
}

#[test]
fn a_dropped_future_is_cancelled_once_and_what_it_drops_belongs_to_it() {
    let recorder = Recorder::start();
    trace_block!(name = "parent", {
        let mut future = Box::pin(waits(true));
        assert!(poll(future.as_mut()).is_pending());
        assert!(poll(future.as_mut()).is_pending());
        drop(future);
        cleans_up();
    });
    recorder.expect(&["parent", "  waits app.started=1 otelier.cancelled=true", "    cleans_up", "  cleans_up"]);
}

#[test]
fn cancelling_reaches_every_future_inside() {
    #[trace]
    async fn outer() {
        middle().await;
    }
    #[trace]
    async fn middle() {
        waits(true).await;
    }
    let recorder = Recorder::start();
    one_thread().block_on(async {
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), outer()).await.is_err());
    });
    recorder.expect(&[
        "outer otelier.cancelled=true",
        "  middle otelier.cancelled=true",
        "    waits app.started=1 otelier.cancelled=true",
        "      cleans_up",
    ]);
}

#[test]
fn an_aborted_task_is_cancelled() {
    let recorder = Recorder::start();
    many_threads().block_on(async {
        let task = tokio::spawn(waits(true));
        tokio::task::yield_now().await;
        task.abort();
        let error = task.await.expect_err("it was aborted");
        assert!(error.is_cancelled());
    });
    let text = tree(recorder.spans());
    // The task may not have been polled at all.
    assert!(text.is_empty() || text == "waits app.started=1 otelier.cancelled=true\n  cleans_up", "{text}");
}

#[test]
fn a_future_that_is_ready_ends_then_and_not_when_it_is_dropped() {
    let recorder = Recorder::start();
    let mut future = Box::pin(waits(false));
    assert!(poll(future.as_mut()).is_ready());
    trace_block!(name = "later", {});
    drop(future);
    let spans = recorder.spans();
    assert!(named(&spans, "waits").end_time <= named(&spans, "later").start_time);
    assert_eq!(tree(spans), "waits app.started=1 app.ended=1\n  cleans_up\nlater");
}

#[test]
fn a_future_dropped_while_another_panic_unwinds_is_cancelled_and_has_not_panicked() {
    let recorder = Recorder::start();
    let result = std::panic::catch_unwind(|| {
        let mut future = Box::pin(waits(true));
        assert!(poll(future.as_mut()).is_pending());
        panic!("on purpose");
    });
    assert!(result.is_err());
    recorder.expect(&["waits app.started=1 otelier.cancelled=true", "  cleans_up"]);
}

#[test]
fn a_future_belongs_to_the_span_that_polled_it_first() {
    let recorder = Recorder::start();
    let mut future = trace_block!(name = "makes", { Box::pin(waits(true)) });
    trace_block!(name = "polls", {
        assert!(poll(future.as_mut()).is_pending());
    });
    trace_block!(name = "polls again", {
        assert!(poll(future.as_mut()).is_pending());
        cleans_up();
    });
    drop(future);
    recorder.expect(&[
        "makes",
        "polls",
        "  waits app.started=1 otelier.cancelled=true",
        "    cleans_up",
        "polls again",
        "  cleans_up",
    ]);
}

#[trace(app.step = step)]
async fn step(step: i64) -> i64 {
    for _ in 0..3 {
        tokio::task::yield_now().await;
        leaf(step);
    }
    step
}

#[trace(app.step = step)]
fn leaf(step: i64) {}

#[test]
fn futures_that_take_turns_on_one_thread_do_not_mix() {
    let recorder = Recorder::start();
    let both = trace_block!(name = "both", async {
        let (mut first, mut second) = (pin!(step(1)), pin!(step(2)));
        let (mut done_first, mut done_second) = (false, false);
        std::future::poll_fn(|context| {
            done_first = done_first || first.as_mut().poll(context).is_ready();
            done_second = done_second || second.as_mut().poll(context).is_ready();
            if done_first && done_second { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    });
    one_thread().block_on(both);
    recorder.expect(&[
        "both",
        "  step app.step=1",
        "    leaf app.step=1",
        "    leaf app.step=1",
        "    leaf app.step=1",
        "  step app.step=2",
        "    leaf app.step=2",
        "    leaf app.step=2",
        "    leaf app.step=2",
    ]);
}

#[trace]
async fn fan_out(steps: i64) {
    let tasks: Vec<_> = (0..steps).map(|number| tokio::spawn(step(number).with_current_context())).collect();
    for (task, number) in tasks.into_iter().zip(0..) {
        assert_eq!(task.await.expect("no step panics"), number);
    }
}

#[test]
fn spans_of_tasks_that_move_between_threads_keep_their_parents() {
    const STEPS: i64 = 300;
    let recorder = Recorder::start();
    many_threads().block_on(fan_out(STEPS));
    let spans = recorder.spans();
    assert_eq!(spans.len() as i64, 1 + 4 * STEPS);
    let root = named(&spans, "fan_out").span_context.clone();
    let steps: Vec<_> = spans.iter().filter(|span| span.name == "step").collect();
    for leaf in spans.iter().filter(|span| span.name == "leaf") {
        let parent = steps.iter().find(|step| is_child(leaf, &step.span_context)).expect("a leaf has its step");
        assert_eq!(int(leaf, "app.step"), int(parent, "app.step"));
    }
    assert!(steps.iter().all(|step| is_child(step, &root)));
    assert_eq!(steps.len() as i64, STEPS);
}

/// Polls a future on another thread each time.
fn poll_on_many_threads<F: Future + Send>(future: F) -> F::Output
where
    F::Output: Send,
{
    let mut future = pin!(future);
    for _ in 0..1000 {
        let polled = std::thread::scope(|scope| {
            let future = future.as_mut();
            scope.spawn(move || poll(future)).join().expect("no panic")
        });
        if let Poll::Ready(output) = polled {
            return output;
        }
    }
    panic!("the future was never ready");
}

#[trace]
async fn travels() -> std::thread::ThreadId {
    record!(app.steps = 0);
    for number in 1..=3 {
        event!("step", app.number = number);
        trace_block!(name = "here", { leaf(number) });
        step(number).await;
        record!(app.steps = number);
    }
    std::thread::current().id()
}

#[test]
fn a_span_that_is_polled_on_another_thread_each_time_stays_whole() {
    let recorder = Recorder::start();
    assert_ne!(poll_on_many_threads(travels()), std::thread::current().id());
    let mut wanted = vec!["travels app.steps=3".to_owned()];
    wanted.extend((1..=3).map(|number| format!("  * step app.number={number}")));
    for number in 1..=3 {
        wanted.push("  here".to_owned());
        wanted.push(format!("    leaf app.step={number}"));
        wanted.push(format!("  step app.step={number}"));
        wanted.extend((0..3).map(|_| format!("    leaf app.step={number}")));
    }
    recorder.expect(&wanted.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_future_may_be_dropped_on_another_thread_and_inside_another_span() {
    let recorder = Recorder::start();
    let mut future = Box::pin(waits(true));
    assert!(poll(future.as_mut()).is_pending());
    std::thread::spawn(move || trace_block!(name = "drops", { drop(future) })).join().expect("no panic");
    recorder.expect(&["waits app.started=1 otelier.cancelled=true", "  cleans_up", "drops"]);
}

#[test]
fn a_task_joins_the_trace_only_if_it_is_told_to() {
    let recorder = Recorder::start();
    many_threads().block_on(trace_block!(name = "parent", async {
        let context = Context::current();
        tokio::spawn(step(1)).await.expect("no panic");
        tokio::spawn(step(2).with_current_context()).await.expect("no panic");
        tokio::spawn(step(3).with_context(context)).await.expect("no panic");
    }));
    let leaves = |number: u8| [1; 3].map(|_| format!("    leaf app.step={number}")).join("\n");
    let text = tree(recorder.spans());
    let alone = leaves(1).replace("    leaf", "  leaf");
    let wanted =
        format!("parent\n  step app.step=2\n{}\n  step app.step=3\n{}\nstep app.step=1\n{alone}", leaves(2), leaves(3));
    assert_eq!(text, wanted);
}

#[test]
fn nothing_is_current_between_two_polls() {
    let recorder = Recorder::start();
    let mut future = Box::pin(waits(true));
    assert!(poll(future.as_mut()).is_pending());
    assert!(!Context::current().has_active_span());
    trace_block!(name = "between", {});
    recorder.telemetry().force_flush(PATIENCE).expect("in time");
    assert_eq!(tree(recorder.so_far()), "between");
    drop(future);
    recorder.expect(&["waits app.started=1 otelier.cancelled=true", "  cleans_up", "between"]);
}

#[test]
fn attributes_may_be_recorded_on_a_span_from_a_closure_that_runs_on_another_thread() {
    let recorder = Recorder::start();
    #[trace]
    async fn shares() {
        let seen = Mutex::new(Vec::new());
        let tell = |number: u8| {
            record!(app.last = number);
            event!("told", app.number = number);
            lock(&seen).push(number);
        };
        for number in 1..=2 {
            std::thread::scope(|scope| {
                scope.spawn(|| trace_block!(name = "elsewhere", { tell(number) }));
            });
        }
    }
    one_thread().block_on(shares());
    let text = tree(recorder.spans());
    assert_eq!(text, "shares app.last=2\n  * told app.number=1\n  * told app.number=2\nelsewhere\nelsewhere");
}

#[test]
fn a_recursive_future_nests() {
    #[trace(app.depth = depth)]
    async fn descend(depth: u8) {
        if depth > 0 {
            Box::pin(descend(depth - 1)).await;
        }
    }
    let recorder = Recorder::start();
    one_thread().block_on(descend(2));
    recorder.expect(&["descend app.depth=2", "  descend app.depth=1", "    descend app.depth=0"]);
}

#[test]
fn a_future_that_is_shared_out_through_a_trait_object_is_traced() {
    struct Service(Arc<str>);
    impl Service {
        #[trace("app.name" = &*self.0)]
        async fn call(&self) -> usize {
            self.0.len()
        }
        fn boxed(&self) -> Pin<Box<dyn Future<Output = usize> + Send + '_>> {
            Box::pin(self.call())
        }
    }
    let recorder = Recorder::start();
    let service = Service("abc".into());
    assert_eq!(many_threads().block_on(service.boxed()), 3);
    recorder.expect(&["call app.name=abc"]);
}

#[test]
fn blocking_work_of_a_runtime_joins_the_trace_if_it_is_given_the_context() {
    let recorder = Recorder::start();
    one_thread().block_on(trace_block!(name = "parent", async {
        let context = Context::current();
        let blocking = tokio::task::spawn_blocking(move || {
            let _attached = context.attach();
            leaf(1);
        });
        blocking.await.expect("no panic");
    }));
    recorder.expect(&["parent", "  leaf app.step=1"]);
}

#[trace(app.first = 1)]
async fn records_what_it_awaits() {
    record!(app.awaited = awaited(7).await);
    record!(app.last = 3);
}

#[trace(app.inner = value)]
async fn awaited(value: u8) -> u8 {
    tokio::task::yield_now().await;
    value
}

#[test]
fn a_recorded_value_may_be_awaited_on_another_thread() {
    let recorder = Recorder::start();
    many_threads().block_on(async { tokio::spawn(records_what_it_awaits()).await.expect("no panic") });
    recorder.expect(&["records_what_it_awaits app.first=1 app.awaited=7 app.last=3", "  awaited app.inner=7"]);
}
