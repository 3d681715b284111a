//! Traces of which several threads, or several requests, have a part: no error is lost, and none is kept in parts.

use crate::support::*;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::SpanData;
use otelier::config::{TailRule, TailSampling};
use otelier::prelude::*;
use otelier::{Span, with_current_context};
use std::future::Future;
use std::pin::pin;
use std::str::FromStr;
use std::sync::Barrier;
use std::task::Waker;
use std::time::Duration;

fn errors() -> TailSampling {
    TailSampling::new(0.0).with_rule(TailRule::new("errors", otelier::config::Keep::Always).failed())
}

fn keeping(tail: TailSampling) -> Recorder {
    Recorder::with(Telemetry::default().with_tail_sampling(tail))
}

fn names(spans: &[SpanData]) -> Vec<String> {
    let mut names: Vec<_> = spans.iter().map(|span| span.name.to_string()).collect();
    names.sort_unstable();
    names
}

fn flushed(recorder: &Recorder) -> Vec<String> {
    recorder.telemetry().force_flush(PATIENCE).expect("in time");
    names(&recorder.so_far())
}

fn remote(trace: u128, state: &str) -> Context {
    let state = TraceState::from_str(state).expect("it is valid");
    let (trace, span) = (TraceId::from(trace), SpanId::from(8));
    Context::new().with_remote_span_context(SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state))
}

#[trace]
fn work(fails: bool) -> Result<(), String> {
    if fails { Err("no".to_owned()) } else { Ok(()) }
}

fn elsewhere(f: impl FnOnce() + Send) {
    std::thread::scope(|scope| _ = scope.spawn(f));
}

#[trace(kind = server)]
fn request(fails: bool) {
    let _ = work(false);
    elsewhere(with_current_context(move || _ = work(fails)));
}

#[trace(kind = server)]
async fn asynchronous(fails: bool) {
    let _ = work(false);
    elsewhere(with_current_context(move || _ = work(fails)));
}

fn run(future: impl Future<Output = ()>) {
    let future = pin!(future);
    assert!(future.poll(&mut std::task::Context::from_waker(Waker::noop())).is_ready());
}

#[test]
fn a_second_request_of_a_trace_that_was_forgotten_is_decided_by_itself() {
    for (first, second) in [(false, false), (false, true), (true, false), (true, true)] {
        let recorder = keeping(errors());
        let serve = |is_future: bool, fails| {
            let _attached = remote(77, "").attach();
            if is_future { run(asynchronous(fails)) } else { request(fails) }
        };
        serve(first, false);
        assert_eq!(flushed(&recorder), [""; 0]);
        serve(second, true);
        let root = if second { "asynchronous" } else { "request" };
        let (spans, stats) = recorder.finish();
        assert_eq!(names(&spans), [root, "work", "work"], "{first} {second}");
        assert_eq!((stats.started, stats.dropped_by_tail_sampling), (6, 3));
    }
}

#[test]
fn what_a_thread_holds_back_for_a_trace_of_its_own_is_no_less_known_to_the_trace_it_belongs_to() {
    let settings = Telemetry::default().with_tail_sampling(errors()).with_schedule_delay(Duration::from_millis(5));
    let recorder = Recorder::with(settings);
    let root = Span::builder("root").root().start();
    let context = root.context().clone();
    let (done, over) = (Barrier::new(2), Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            trace_block!(name = "job", {
                let attached = context.clone().attach();
                let _ = work(true);
                drop(attached);
                done.wait();
                over.wait();
            });
        });
        done.wait();
        let _ = root.in_scope(|| work(false));
        drop(root);
        // Not asked for by a flush: that would take away what is held back.
        let deadline = std::time::Instant::now() + PATIENCE;
        while recorder.so_far().is_empty() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        let found = names(&recorder.so_far());
        over.wait();
        assert_eq!(found, ["root", "work", "work"]);
    });
    let (spans, _) = recorder.finish();
    assert_eq!(names(&spans), ["root", "work", "work"]);
}

#[test]
fn a_future_that_goes_on_on_another_thread_is_part_of_its_trace_before_it_is_over() {
    #[trace]
    async fn goes_on() {
        let mut first = true;
        std::future::poll_fn(move |_| match std::mem::take(&mut first) {
            true => std::task::Poll::Pending,
            false => std::task::Poll::Ready(()),
        })
        .await;
        let _ = work(true);
        std::future::pending::<()>().await;
    }
    let recorder = keeping(errors());
    let mut future = Box::pin(goes_on());
    trace_block!(name = "root", {
        let mut poll = || {
            let mut task = std::task::Context::from_waker(Waker::noop());
            assert!(future.as_mut().poll(&mut task).is_pending());
        };
        poll();
        elsewhere(poll);
    });
    drop(future);
    assert_eq!(names(&recorder.finish().0), ["goes_on", "root", "work"]);
}

#[test]
fn a_span_that_is_entered_on_another_thread_is_part_of_its_trace_before_it_is_over() {
    let recorder = keeping(errors());
    let mut child = None;
    trace_block!(name = "root", {
        let span = Span::start("child");
        elsewhere(|| _ = span.in_scope(|| work(true)));
        child = Some(span);
    });
    drop(child);
    assert_eq!(names(&recorder.finish().0), ["child", "root", "work"]);
}

#[test]
fn a_late_error_keeps_what_begins_after_it() {
    let recorder = keeping(errors());
    let root = Span::builder("root").root().start();
    let failing = root.in_scope(|| Span::start("failing"));
    let open = root.in_scope(|| Span::start("open"));
    drop(root);
    assert_eq!(flushed(&recorder), [""; 0]);
    failing.record_error(&std::io::Error::other("no"));
    drop(failing);
    assert_eq!(flushed(&recorder), ["failing"]);
    let context = open.context().clone();
    elsewhere(move || {
        let _attached = context.attach();
        let _ = work(false);
    });
    drop(open);
    assert_eq!(names(&recorder.finish().0), ["failing", "open", "work"]);
}

#[test]
fn a_scope_that_is_left_too_late_changes_no_decision() {
    let recorder = keeping(errors());
    let other = Span::builder("other").root().start();
    let mut kept = None;
    #[trace]
    fn leaves_a_scope_open<'a>(span: &'a Span, kept: &mut Option<otelier::Entered<'a>>) {
        *kept = Some(span.enter());
    }
    leaves_a_scope_open(&other, &mut kept);
    drop(kept);
    let _ = other.in_scope(|| work(true));
    drop(other);
    let names = names(&recorder.finish().0);
    assert!(names.iter().any(|name| name == "other") && names.iter().any(|name| name == "work"), "{names:?}");
}

#[test]
fn explicit_randomness_decides_what_the_rules_leave_over() {
    for (randomness, kept) in [("ffffffffffffff", 2), ("00000000000000", 0)] {
        // The ids alone would say the opposite.
        let trace = if kept == 0 { u128::MAX } else { 1 << 100 };
        for is_future in [false, true] {
            let recorder = keeping(errors().or_ratio(0.5));
            {
                let _attached = remote(trace, &format!("ot=rv:{randomness};th:0")).attach();
                if is_future {
                    run(async { trace_block!(name = "root", { _ = work(false) }) })
                } else {
                    _ = work(false)
                }
            }
            let (spans, _) = recorder.finish();
            assert_eq!(spans.is_empty(), kept == 0, "{randomness}");
            for span in spans {
                let state = span.span_context.trace_state().header();
                assert!(state.contains("th:8") && state.contains(randomness), "{state}");
            }
        }
    }
}
