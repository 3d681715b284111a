//! Sampling at the end: which traces are kept when they are over.

use crate::support::*;
use opentelemetry::Context;
use opentelemetry::trace::{Status, TraceContextExt};
use otelier::Span;
use otelier::config::TailSampling;
use otelier::prelude::*;
use std::time::Duration;

fn keeping(tail: TailSampling) -> Recorder {
    Recorder::with(Telemetry::default().with_tail_sampling(tail))
}

#[trace]
fn inner(fails: bool) -> Result<(), String> {
    if fails { Err("no".to_owned()) } else { Ok(()) }
}

#[trace]
fn job(fails: bool) {
    let _ = inner(false);
    // The root itself is fine.
    let _ = inner(fails);
}

#[test]
fn a_trace_is_kept_whole_if_one_of_its_spans_failed_and_forgotten_whole_otherwise() {
    let recorder = keeping(TailSampling::failed());
    job(false);
    job(true);
    job(false);
    let (spans, stats) = recorder.finish();
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["inner", "inner", "job"]);
    assert_eq!((stats.started, stats.dropped_by_tail_sampling, stats.dropped()), (9, 6, 6));
}

#[test]
fn a_panic_and_a_status_that_was_set_by_others_are_failures() {
    let recorder = keeping(TailSampling::failed());
    let panicked = std::panic::catch_unwind(|| trace_block!(name = "panics", { panic!("no") }));
    assert!(panicked.is_err());
    trace_block!(name = "told", { Context::current().span().set_status(Status::error("no")) });
    trace_block!(name = "fine", { Context::current().span().set_status(Status::Ok) });
    let names: Vec<_> = recorder.finish().0.iter().map(|span| span.name.to_string()).collect();
    assert_eq!(names, ["panics", "told"]);
}

#[test]
fn a_slow_trace_is_kept() {
    let recorder = keeping(TailSampling::failed().or_slower_than(Duration::from_millis(500)));
    trace_block!(name = "quick", {});
    trace_block!(name = "slow", { std::thread::sleep(Duration::from_millis(600)) });
    let names: Vec<_> = recorder.finish().0.iter().map(|span| span.name.to_string()).collect();
    assert_eq!(names, ["slow"]);
}

#[test]
fn of_the_rest_a_share_is_kept() {
    let recorder = keeping(TailSampling::failed().or_ratio(0.25));
    (0..2000).for_each(|_| job(false));
    let (spans, stats) = recorder.finish();
    assert_eq!(spans.len() % 3, 0, "traces are whole");
    // A quarter of 2,000 is 500; seven standard deviations are 136.
    assert!((364..=636).contains(&(spans.len() / 3)), "{} traces", spans.len() / 3);
    assert_eq!(stats.started, spans.len() as u64 + stats.dropped());
}

#[test]
fn a_trace_is_forgotten_with_its_spans_of_other_threads_and_others_are_decided_by_themselves() {
    let recorder = keeping(TailSampling::failed());
    trace_block!(name = "forgotten", {
        let other = Span::builder("other trace").root().start();
        other.in_scope(|| _ = inner(true));
        drop(other);
        std::thread::scope(|scope| {
            scope.spawn(otelier::with_current_context(|| trace_block!(name = "elsewhere", {})));
        });
    });
    let mut names: Vec<_> = recorder.finish().0.iter().map(|span| span.name.to_string()).collect();
    names.sort_unstable();
    assert_eq!(names, ["inner", "other trace"]);
}

#[test]
fn a_trace_too_large_for_its_thread_is_decided_all_the_same() {
    for (fails, kept) in [(false, 0), (true, 1002)] {
        let recorder = keeping(TailSampling::failed());
        trace_block!(name = "large", {
            for _ in 0..1000 {
                trace_block!(name = "part", "app.text" = "x".repeat(560), {});
            }
            let _ = inner(fails);
        });
        let (spans, stats) = recorder.finish();
        assert_eq!((spans.len(), stats.tail_overflows, stats.dropped()), (kept, 0, 1002 - kept as u64));
    }
}

#[test]
fn where_there_is_no_room_a_trace_is_decided_before_it_is_over_and_counted() {
    let mut tail = TailSampling::failed();
    tail.max_bytes = 1 << 16;
    let recorder = keeping(tail);
    trace_block!(name = "large", {
        for _ in 0..1000 {
            trace_block!(name = "part", "app.text" = "x".repeat(560), {});
        }
    });
    let counts = {
        recorder.telemetry().force_flush(PATIENCE).expect("in time");
        recorder.telemetry().tail_counts().expect("there is")
    };
    let (spans, stats) = recorder.finish();
    assert_eq!((stats.tail_overflows, stats.dropped_by_tail_sampling, spans.len()), (1, 1001, 0));
    assert_eq!((counts.overflows, counts.dropped, counts.kept), (1, 1, 0));
    assert!(counts.late_dropped == 0 && counts.held_bytes == 0, "{counts:?}");
}

#[test]
fn a_ratio_outside_of_its_range_is_refused_with_a_sentence() {
    let settings = Telemetry::default().with_tail_sampling(TailSampling::failed().or_ratio(1.5));
    let error = otelier::init(settings).expect_err("it is out of range");
    assert_eq!(error.to_string(), "the ratio of tail sampling is 1.5; expected 0.0 to 1.0");
}
