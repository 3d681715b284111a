//! Ending a pipeline, in time whatever the exporters do.

use crate::support::{Gate, PATIENCE, Pending, lock, many_threads, one_thread, start, turn, wait_until};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::{Error, Guard, Pipeline};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[trace(app.number = number)]
fn leaf(number: usize) {}

#[trace(app.number = number)]
async fn step(number: usize) {
    tokio::task::yield_now().await;
    leaf(number);
}

fn pipeline() -> (MemoryExporter, Guard) {
    let memory = MemoryExporter::new(100);
    let telemetry = start(Telemetry::default(), memory.clone());
    (memory, telemetry)
}

#[test]
fn a_guard_may_be_flushed_and_dropped_inside_of_a_one_thread_runtime() {
    let _turn = turn();
    one_thread().block_on(async {
        let (memory, telemetry) = pipeline();
        step(1).await;
        telemetry.force_flush(PATIENCE).expect("in time");
        assert_eq!(memory.spans().len(), 2);
        tokio::spawn(step(2)).await.expect("no panic");
        drop(telemetry);
        assert_eq!(memory.spans().len(), 4);
    });
}

#[test]
fn a_guard_may_be_shut_down_inside_of_a_runtime_and_on_another_thread() {
    let _turn = turn();
    for runtime in [one_thread(), many_threads()] {
        let (memory, telemetry) = pipeline();
        let stats = runtime.block_on(async {
            tokio::spawn(async move {
                step(1).await;
                telemetry.shutdown()
            })
            .await
        });
        assert_eq!(stats.expect("no panic").expect("in time").exporters[0].exported, 2);
        assert_eq!(memory.spans().len(), 2);
    }
    let (memory, telemetry) = pipeline();
    leaf(1);
    std::thread::spawn(|| drop(telemetry)).join().expect("no panic");
    assert_eq!(memory.spans().len(), 1);
}

#[test]
fn a_guard_that_is_dropped_by_a_panic_exports_what_is_left() {
    let _turn = turn();
    let memory = MemoryExporter::new(100);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _telemetry = start(Telemetry::default(), memory.clone());
        trace_block!(name = "around", {
            leaf(1);
            panic!("on purpose");
        })
    }));
    assert!(panicked.is_err());
    crate::support::expect(
        memory.spans(),
        &[
            "around error.type=panic !panicked",
            "  * exception exception.type=panic exception.message=on purpose",
            "  leaf app.number=1",
        ],
    );
    assert!(otelier::init(Telemetry::default()).is_ok());
}

#[test]
fn a_guard_that_is_dropped_inside_of_a_span_leaves_that_span_out() {
    let _turn = turn();
    let (memory, telemetry) = pipeline();
    trace_block!(name = "around", {
        leaf(1);
        drop(telemetry);
        leaf(2);
    });
    let names: Vec<_> = memory.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["leaf"]);
}

#[test]
fn an_export_that_never_ends_is_given_up_at_the_deadline_of_the_shutdown() {
    let _turn = turn();
    let settings = Telemetry::default().with_shutdown_timeout(Duration::from_millis(500));
    let telemetry = start(settings, Pending::default());
    leaf(1);
    let begun = Instant::now();
    // The export is given up a little before the deadline, which a machine under load may miss all the same.
    match telemetry.shutdown() {
        Ok(stats) => {
            assert_eq!((stats.exporters[0].exported, stats.exporters[0].failed), (0, 1), "{stats}");
            assert!(stats.exporters[0].last_error.is_some());
        }
        Err(error) => assert_eq!(error.after, Duration::from_millis(500)),
    }
    assert!(begun.elapsed() < PATIENCE);
    wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
}

#[test]
fn an_export_that_never_ends_and_began_before_the_shutdown_is_given_up_by_it() {
    let _turn = turn();
    let pending = Pending::default();
    let settings = Telemetry::default()
        .with_schedule_delay(Duration::from_millis(1))
        .with_export_timeout(Duration::from_secs(3600))
        .with_shutdown_timeout(Duration::from_millis(500));
    let telemetry = start(settings, pending.clone());
    leaf(1);
    wait_until("the export", || *lock(&pending.0) == 1);
    let begun = Instant::now();
    match telemetry.shutdown() {
        Ok(stats) => assert_eq!((stats.exporters[0].exported, stats.exporters[0].failed), (0, 1), "{stats}"),
        Err(error) => assert_eq!(error.after, Duration::from_millis(500)),
    }
    assert!(begun.elapsed() < PATIENCE);
    wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
}

#[test]
fn an_exporter_that_hangs_takes_nothing_of_the_shutdown_away_from_one_that_answers() {
    const SPANS: usize = 1_000;
    let _turn = turn();
    for already_hangs in [false, true] {
        let (pending, memory) = (Pending::default(), MemoryExporter::new(SPANS));
        let settings = Telemetry::default()
            .with_schedule_delay(if already_hangs { Duration::from_millis(1) } else { Duration::from_secs(3600) })
            .with_max_export_batch_size(100)
            .with_max_queue_size(1_000_000)
            .with_export_timeout(Duration::from_secs(3600))
            .with_shutdown_timeout(Duration::from_secs(2));
        let telemetry = Pipeline::new(settings)
            .with_span_exporter(pending.clone())
            .with_span_exporter(memory.clone())
            .start()
            .expect("it starts");
        if already_hangs {
            leaf(0);
            wait_until("the export", || *lock(&pending.0) == 1);
        }
        let before = usize::from(already_hangs);
        (before..SPANS).for_each(leaf);
        let begun = Instant::now();
        let stats = telemetry.shutdown().unwrap_or_else(|error| *error.stats);
        assert!(begun.elapsed() < PATIENCE);
        assert_eq!(memory.spans().len(), SPANS, "{stats}");
        assert_eq!(stats.exporters[1].exported, SPANS as u64, "{stats}");
        wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
    }
}

#[test]
fn an_export_that_never_ends_is_given_up_at_its_own_timeout() {
    let _turn = turn();
    let settings = Telemetry::default().with_export_timeout(Duration::from_millis(20));
    let telemetry = start(settings, Pending::default());
    leaf(1);
    telemetry.force_flush(PATIENCE).expect("the export is given up in time");
    leaf(2);
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(stats.to_string(), "Pending: 0 exported, 2 failed: the export took longer than 20ms");
}

#[test]
fn an_exporter_that_keeps_its_thread_is_left_behind_at_the_deadline() {
    let _turn = turn();
    for in_drop in [false, true] {
        let gate = Gate::default();
        let settings = Telemetry::default().with_shutdown_timeout(Duration::from_millis(100));
        let telemetry = start(settings, gate.clone());
        leaf(1);
        let begun = Instant::now();
        if in_drop {
            drop(telemetry);
        } else {
            let error = telemetry.shutdown().expect_err("the exporter never returns");
            assert_eq!(error.after, Duration::from_millis(100));
        }
        assert!(begun.elapsed() < PATIENCE);
        assert!(matches!(otelier::init(Telemetry::default()), Err(Error::AlreadyRunning)), "the queue is still in use");
        leaf(2);
        gate.open();
        wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
        assert_eq!(gate.passed(), 1);
    }
}

#[test]
fn a_shutdown_without_any_time_ends_at_once() {
    let _turn = turn();
    let gate = Gate::default();
    let telemetry = start(Telemetry::default().with_shutdown_timeout(Duration::ZERO), gate.clone());
    leaf(1);
    assert_eq!(telemetry.shutdown().expect_err("there was no time").after, Duration::ZERO);
    gate.open();
    wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
}

#[test]
fn a_shutdown_while_threads_are_busy_loses_no_more_than_what_they_were_at() {
    const THREADS: u64 = 4;
    let _turn = turn();
    for _ in 0..20 {
        let memory = MemoryExporter::new(1_000_000);
        let telemetry = start(Telemetry::default(), memory.clone());
        let (opened, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let stats = std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        trace_block!(name = "busy", {
                            opened.fetch_add(Context::current().has_active_span().into(), Ordering::Relaxed);
                        });
                    }
                });
            }
            wait_until("the threads", || opened.load(Ordering::Relaxed) > 1_000);
            let stats = telemetry.shutdown().expect("in time");
            stop.store(true, Ordering::Relaxed);
            stats
        });
        let known = stats.exporters[0].exported + stats.dropped();
        let opened = opened.into_inner();
        // A span that ends after the numbers were taken is in none of them.
        assert!((known..=known + THREADS).contains(&opened), "{opened} spans, {stats}");
        let spans = memory.spans();
        let ids: HashSet<_> = spans.iter().map(|span| span.span_context.span_id()).collect();
        assert_eq!((ids.len(), spans.len() as u64), (spans.len(), stats.exporters[0].exported));
    }
}
