//! Every way to end a pipeline, wherever the guard lives and whatever the exporter does. What a signal does is in
//! `tests/signals.rs`, because it ends the process.

use crate::support::{Gate, PATIENCE, Recorder, lock, many_threads, one_thread, turn, wait_until};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::prelude::*;
use otelier::{Error, Guard, Pipeline, Stats};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

const SPANS: u64 = 20;
const TIMEOUT: Duration = Duration::from_millis(200);

#[trace(app.number = number)]
fn leaf(number: u64) {}

/// Where the guard is made, used and ended.
#[derive(Clone, Copy, Debug)]
enum Place {
    NoRuntime,
    OneThread,
    ManyThreads,
    BlockOnInside,
    Task,
    TaskOfManyThreads,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Shutdown,
    Drop,
    DropInPanic,
    FlushThenDrop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiver {
    Good,
    Hangs,
    Panics,
    Fails,
    Blocks,
}

/// What the exporter got, and what lets one go that blocks its thread.
#[derive(Debug, Default)]
struct Seen {
    spans: Mutex<u64>,
    released: (Mutex<bool>, Condvar),
}

#[derive(Debug)]
struct Exporter(Receiver, Arc<Seen>);

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        match self.0 {
            Receiver::Good => {
                tokio::task::yield_now().await;
                *lock(&self.1.spans) += batch.len() as u64;
                Ok(())
            }
            Receiver::Hangs => std::future::pending().await,
            Receiver::Panics => panic!("on purpose"),
            Receiver::Fails => Err(OTelSdkError::InternalFailure("on purpose".to_owned())),
            Receiver::Blocks => {
                let (released, bell) = &self.1.released;
                let mut released = lock(released);
                while !*released {
                    released = bell.wait(released).unwrap_or_else(PoisonError::into_inner);
                }
                Ok(())
            }
        }
    }
}

fn start(receiver: Receiver, seen: &Arc<Seen>) -> Guard {
    // Who can end has all the time for it.
    let hangs = matches!(receiver, Receiver::Hangs | Receiver::Blocks);
    let timeout = if hangs { TIMEOUT } else { PATIENCE };
    let settings = Telemetry::default().with_shutdown_timeout(timeout).with_export_timeout(PATIENCE);
    Pipeline::new(settings).with_span_exporter(Exporter(receiver, Arc::clone(seen))).start().expect("it starts")
}

/// What the numbers were at the end, if the way it ended tells and it was in time, and how long the end took.
fn live(receiver: Receiver, end: End, seen: &Arc<Seen>) -> (Option<Stats>, Duration) {
    let telemetry = start(receiver, seen);
    let handle = telemetry.health_handle();
    (0..SPANS).for_each(leaf);
    let begun = Instant::now();
    let stats = match end {
        End::Shutdown => match telemetry.shutdown() {
            Ok(stats) => Some(stats),
            // A machine under load may miss what is kept back of the time for the numbers.
            Err(error) => {
                assert_eq!((error.after, matches!(receiver, Receiver::Hangs | Receiver::Blocks)), (TIMEOUT, true));
                None
            }
        },
        End::Drop => {
            drop(telemetry);
            None
        }
        End::DropInPanic => {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                let _telemetry = telemetry;
                panic!("on purpose");
            }));
            assert!(panicked.is_err());
            None
        }
        End::FlushThenDrop => {
            let flushed = telemetry.force_flush(Duration::from_millis(50));
            let hangs = matches!(receiver, Receiver::Hangs | Receiver::Blocks);
            assert!(!hangs || flushed.is_err(), "{receiver:?} cannot be flushed");
            drop(telemetry);
            None
        }
    };
    let took = begun.elapsed();
    // Whatever the way, the health remembers how it ended.
    let health = handle.health();
    assert_eq!(health.status, otelier::health::Status::Stopped);
    if let Some(stats) = &stats {
        assert_eq!(health.exporters[0].exported, stats.exporters[0].exported);
    }
    (stats, took)
}

fn live_at(place: Place, receiver: Receiver, end: End, seen: &Arc<Seen>) -> (Option<Stats>, Duration) {
    let inside = Arc::clone(seen);
    let task = async move { tokio::spawn(async move { live(receiver, end, &inside) }).await.expect("no panic") };
    match place {
        Place::NoRuntime => live(receiver, end, seen),
        Place::OneThread => one_thread().block_on(async { live(receiver, end, seen) }),
        Place::ManyThreads => many_threads().block_on(async { live(receiver, end, seen) }),
        Place::BlockOnInside => {
            let runtime = one_thread();
            let _entered = runtime.enter();
            let result = live(receiver, end, seen);
            runtime.block_on(async {});
            result
        }
        Place::Task => one_thread().block_on(task),
        Place::TaskOfManyThreads => many_threads().block_on(task),
    }
}

#[test]
fn every_end_comes_in_time_and_accounts_for_every_span() {
    use {End::*, Place::*, Receiver::*};
    let _turn = turn();
    for place in [NoRuntime, OneThread, ManyThreads, BlockOnInside, Task, TaskOfManyThreads] {
        for end in [Shutdown, End::Drop, DropInPanic, FlushThenDrop] {
            for receiver in [Good, Hangs, Panics, Fails, Blocks] {
                let what = format!("{place:?}, {end:?}, {receiver:?}");
                let seen = Arc::default();
                let (stats, took) = live_at(place, receiver, end, &seen);
                assert!(took < PATIENCE, "{what} took {took:?}");
                if receiver == Good {
                    assert_eq!(*lock(&seen.spans), SPANS, "{what}");
                }
                if let Some(stats) = stats {
                    let exporter = &stats.exporters[0];
                    let known = stats.open + stats.dropped() + exporter.exported + exporter.failed + exporter.rejected;
                    assert_eq!((stats.started, known), (SPANS, SPANS), "{what}: {stats}");
                }
                *lock(&seen.released.0) = true;
                seen.released.1.notify_all();
                wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
            }
        }
    }
}

#[test]
fn who_starts_telemetry_once_shares_it_and_the_last_share_ends_it() {
    let _turn = turn();
    let first = otelier::init_once(Telemetry::default()).expect("it starts");
    let second = otelier::init_once(Telemetry::default()).expect("it is shared");
    assert!(matches!(otelier::init(Telemetry::default()), Err(Error::AlreadyRunning)));
    leaf(1);
    assert_eq!(first.shutdown().expect("in time"), None);
    let third = second.clone();
    drop(second);
    let stats = third.shutdown().expect("in time").expect("it was the last share");
    assert_eq!(stats.started, 1);
    let own = otelier::init(Telemetry::default()).expect("the place is free");
    assert!(matches!(otelier::init_once(Telemetry::default()), Err(Error::AlreadyRunning)), "that guard is not shared");
    drop(own);
    drop(otelier::init_once(Telemetry::default()).expect("it starts anew"));
}

#[test]
fn shares_may_be_taken_and_given_back_by_many_threads_at_once() {
    let _turn = turn();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for number in 0..20 {
                    let share = otelier::init_once(Telemetry::default()).expect("it is shared, or starts");
                    leaf(number);
                    share.force_flush(PATIENCE).expect("in time");
                }
            });
        }
    });
    assert!(otelier::init(Telemetry::default()).is_ok());
}

#[test]
fn a_guard_may_end_while_its_thread_is_torn_down() {
    thread_local! {
        static KEPT: std::cell::RefCell<Option<Guard>> = const { std::cell::RefCell::new(None) };
    }
    let recorder = Recorder::start();
    recorder.expect(&[]);
    let _turn = turn();
    let seen = Arc::default();
    let its = Arc::clone(&seen);
    let thread = std::thread::spawn(move || {
        KEPT.set(Some(start(Receiver::Good, &its)));
        leaf(1);
    });
    thread.join().expect("no panic");
    assert_eq!(*lock(&seen.spans), 1);
    wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
}

#[test]
fn who_asks_how_it_is_while_the_pipeline_ends_takes_no_spans_away() {
    let _turn = turn();
    let gate = Gate::default();
    let settings = Telemetry::default().with_schedule_delay(Duration::ZERO).with_shutdown_timeout(3 * PATIENCE);
    let telemetry = Pipeline::new(settings).with_span_exporter(gate.clone()).start().expect("it starts");
    let handle = telemetry.health_handle();
    otelier::Span::start("first").end();
    gate.wait_for_a_batch();
    // Nobody fetches this one before the exporter has let go of its thread.
    otelier::Span::start("second").end();
    let ends = std::thread::spawn(move || telemetry.shutdown());
    wait_until("the end has begun", || !handle.is_ready());
    for _ in 0..10 {
        let health = handle.health();
        assert_eq!((health.pipeline.started, health.exporters[0].exported), (2, 0));
    }
    gate.open();
    let stats = ends.join().expect("no panic").expect("in time");
    assert_eq!((stats.exporters[0].exported, stats.dropped()), (2, 0), "{stats}");
}
