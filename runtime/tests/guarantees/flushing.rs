//! Exports that are asked for, and those that happen by themselves.

use crate::support::{Gate, PATIENCE, Recorder, start, turn, wait_until};
use otelier::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[trace(app.number = number)]
fn leaf(number: usize) {}

#[test]
fn a_flush_exports_what_a_busy_thread_has_finished() {
    let recorder = Recorder::start();
    let (ready, go_on) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    let busy = std::thread::spawn(move || {
        trace_block!(name = "long", {
            leaf(1);
            ready.0.send(()).expect("the test listens");
            go_on.1.recv().expect("the test speaks");
        });
    });
    ready.1.recv_timeout(PATIENCE).expect("the thread runs");
    recorder.telemetry().force_flush(PATIENCE).expect("in time");
    let names: Vec<_> = recorder.so_far().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["leaf"]);
    go_on.0.send(()).expect("the thread listens");
    busy.join().expect("no panic");
    recorder.expect(&["long", "  leaf app.number=1"]);
}

#[test]
fn flushes_may_be_asked_for_by_many_threads_at_once() {
    let recorder = Recorder::start();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let telemetry = recorder.telemetry();
            scope.spawn(move || {
                for number in 0..20 {
                    leaf(20 * thread + number);
                    telemetry.force_flush(PATIENCE).expect("in time");
                }
            });
        }
    });
    assert_eq!(recorder.so_far().len(), 160);
    assert_eq!(recorder.spans().len(), 160);
}

#[test]
fn a_flush_comes_to_an_end_while_more_spans_are_made_than_can_be_exported() {
    let _turn = turn();
    let settings = Telemetry::default().with_max_queue_size(20_000).with_max_export_batch_size(64);
    let (gate, done) = (Gate::default(), AtomicBool::new(false));
    gate.open();
    let telemetry = start(settings, gate);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..).take_while(|_| !done.load(Ordering::Relaxed)).for_each(leaf));
        }
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(20));
            let flushed = telemetry.force_flush(PATIENCE);
            if flushed.is_err() {
                done.store(true, Ordering::Relaxed);
            }
            flushed.expect("in time");
        }
        done.store(true, Ordering::Relaxed);
    });
    let stats = telemetry.shutdown().expect("in time");
    let exporter = &stats.exporters[0];
    assert_eq!(stats.started, stats.dropped() + exporter.exported + exporter.failed, "{stats:?}");
}

#[test]
fn a_flush_that_takes_too_long_says_so_and_may_be_asked_for_again() {
    let _turn = turn();
    let gate = Gate::default();
    let telemetry = start(Telemetry::default(), gate.clone());
    leaf(1);
    let error = telemetry.force_flush(Duration::from_millis(20)).expect_err("the gate is closed");
    assert_eq!(error.after, Duration::from_millis(20));
    assert_eq!(error.to_string(), "the exporters did not take all spans within 20ms");
    assert_eq!(error.stats.exporters[0].exported, 0);
    gate.open();
    telemetry.force_flush(PATIENCE).expect("in time");
    assert_eq!(telemetry.stats().exporters[0].exported, 1);
    assert_eq!(telemetry.shutdown().expect("in time").exporters[0].exported, 1);
}

#[test]
fn spans_are_exported_on_schedule_without_being_asked_for() {
    let recorder = Recorder::with(Telemetry::default().with_schedule_delay(Duration::from_millis(20)));
    for number in 1..=3 {
        leaf(number);
        wait_until("the schedule", || recorder.so_far().len() == number);
    }
    assert_eq!(recorder.spans().len(), 3);
}

#[test]
fn a_full_batch_is_exported_before_the_schedule() {
    let recorder = Recorder::with(Telemetry::default().with_schedule_delay(Duration::from_secs(3600)));
    (0..5_000).for_each(leaf);
    wait_until("a full batch", || recorder.so_far().len() >= 512);
    assert_eq!(recorder.so_far().len() % 512, 0, "no batch but a full one");
    assert_eq!(recorder.spans().len(), 5_000);
}
