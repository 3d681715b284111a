//! Everything at once for a few seconds, and at the end every span is accounted for.

use opentelemetry::Value;
use opentelemetry::trace::{FutureExt, TraceId};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::config::TailSampling;
use otelier::prelude::*;
use otelier::{Guard, Pipeline, in_current_context, with_current_context};
use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// One pipeline runs at a time.
static TURN: Mutex<()> = Mutex::new(());

const PATIENCE: Duration = Duration::from_secs(60);

/// Pseudorandom numbers, the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(mixed ^ mixed >> 31) * limit as u128) >> 64) as usize
    }
}

/// Remembers which spans came, and refuses or delays some batches.
#[derive(Clone, Debug, Default)]
struct Sink {
    ids: Arc<Mutex<HashSet<[u8; 8]>>>,
    fails: bool,
}

impl SpanExporter for Sink {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        if self.fails && batch.len().is_multiple_of(3) {
            return Err(OTelSdkError::InternalFailure("on purpose".to_owned()));
        }
        if self.fails && batch.len() % 3 == 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        for span in batch {
            assert!(ids.insert(span.span_context.span_id().to_bytes()), "{span:?} came twice");
        }
        Ok(())
    }
}

#[trace(app.text = "x".repeat(length))]
fn text(length: usize) {}

/// A record of about so many KiB.
#[trace]
fn large(kibibytes: usize) {
    for _ in 0..kibibytes.min(120) {
        event!("large", app.text = "x".repeat(1000), app.more = "y".repeat(1000), app.most = "z".repeat(1000));
    }
}

/// More than tail sampling holds back.
#[trace]
fn many_large() {
    (0..8).for_each(|_| large(80));
}

#[trace(app.depth = depth)]
fn nested(depth: usize, random: u64) -> Result<usize, std::fmt::Error> {
    let mut random = Random(random);
    event!("nested", app.depth = depth);
    if depth == 0 {
        return if random.below(10) == 0 { Err(std::fmt::Error) } else { Ok(0) };
    }
    for _ in 0..=random.below(2) {
        nested(depth - 1, random.0)?;
    }
    text(random.below(700));
    Ok(depth)
}

#[trace(kind = server)]
fn attached(random: u64) {
    let _ = nested(2, random);
}

#[trace(app.steps = steps)]
async fn migrates(steps: usize, random: u64) {
    let mut random = Random(random);
    for _ in 0..steps {
        tokio::task::yield_now().await;
        text(random.below(300));
    }
    if random.below(4) == 0 {
        std::future::pending::<()>().await;
    }
    if steps > 0 {
        let task = tokio::spawn(boxed(steps - 1, random.0).with_context(otelier::current_context()));
        if random.below(4) == 0 {
            task.abort();
        } else if random.below(2) == 0 {
            let _ = tokio::time::timeout(Duration::from_millis(2), task).await;
        }
    }
}

/// The future of a function that spawns itself must be named to be `Send`.
fn boxed(steps: usize, random: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(migrates(steps, random))
}

fn anything(random: &mut Random) {
    match random.below(1000) {
        0 => many_large(),
        1..4 => large(random.below(120)),
        4..100 => attached(random.0),
        100..300 => drop(nested(random.below(5), random.0)),
        _ => text(random.below(1000)),
    }
}

fn threads_that_come_and_go(random: &mut Random, until: Instant) {
    while Instant::now() < until {
        let seeds: Vec<_> =
            (0..1 + random.below(12)).map(|_| (random.below(usize::MAX) as u64, random.below(60))).collect();
        thread::scope(|scope| {
            for (seed, spans) in seeds {
                scope.spawn(move || {
                    let mut random = Random(seed);
                    (0..spans).for_each(|_| anything(&mut random));
                });
            }
        });
    }
}

fn tasks_that_migrate(random: &mut Random, until: Instant) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_time().build().expect("a runtime");
    while Instant::now() < until {
        let seed = random.0;
        let tasks = 1 + random.below(20);
        runtime.block_on(async {
            let tasks: Vec<_> = (0..tasks).map(|task| tokio::spawn(migrates(task % 4, seed + task as u64))).collect();
            let all = async {
                for task in tasks {
                    let _ = task.await;
                }
            };
            let _ = tokio::time::timeout(Duration::from_millis(20), all).await;
        });
    }
    // Tasks that are not over are dropped here, and their spans end.
    runtime.shutdown_timeout(PATIENCE);
}

fn round(settings: Telemetry, seed: u64, length: Duration) {
    let sinks = [Sink::default(), Sink { fails: true, ..Sink::default() }];
    let settings = settings.with_shutdown_timeout(PATIENCE).with_schedule_delay(Duration::from_millis(20));
    let [first, second] = sinks.clone();
    let pipeline = Pipeline::new(settings).with_span_exporter(first).with_span_exporter(second);
    let telemetry: Guard = pipeline.start().expect("the pipeline starts");
    let open_before = telemetry.stats().open;
    let over = AtomicBool::new(false);
    let until = Instant::now() + length;
    thread::scope(|scope| {
        let busy = [
            scope.spawn(|| threads_that_come_and_go(&mut Random(seed), until)),
            scope.spawn(|| tasks_that_migrate(&mut Random(seed + 1), until)),
            scope.spawn(|| {
                let mut random = Random(seed + 2);
                while Instant::now() < until {
                    (0..100).for_each(|_| anything(&mut random));
                }
            }),
        ];
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                telemetry.force_flush(PATIENCE).expect("the flush ends in time");
                let stats = telemetry.stats();
                assert!(stats.open <= stats.started && stats.started < u64::MAX / 2, "{stats:?}");
                thread::sleep(Duration::from_millis(1));
            }
        });
        for thread in busy {
            thread.join().expect("no panic");
        }
        over.store(true, Ordering::Release);
    });
    let stats = telemetry.shutdown().expect("the pipeline ends in time");
    println!("{stats:?}");
    assert_eq!(stats.open, open_before, "{stats:?}");
    for (exporter, sink) in stats.exporters.iter().zip(&sinks) {
        let over = exporter.exported + exporter.failed + exporter.rejected;
        assert_eq!(stats.started, stats.open + stats.dropped() + over, "{stats:?}");
        let ids = sink.ids.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(ids.len() as u64, exporter.exported, "{stats:?}");
    }
    // Beside one that is faster it loses what it has no room for, and nothing else.
    let reliable = &stats.exporters[0];
    assert!(reliable.exported > 100 && reliable.lost.iter().all(|(why, _)| *why == "backlog_full"), "{stats:?}");
}

#[test]
fn nothing_is_lost_that_is_not_counted() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let length = Duration::from_millis(500);
    let large = || Telemetry::default().with_max_queue_size(1 << 18);
    let small = || Telemetry::default().with_max_queue_size(64).with_max_export_batch_size(16);
    round(large(), 1, length);
    round(small(), 2, length);
    round(large().with_tail_sampling(TailSampling::failed().or_ratio(0.1)), 3, length);
    round(small().with_tail_sampling(TailSampling::failed().or_slower_than(Duration::from_millis(1))), 4, length);
    round(Telemetry::default().with_hooks(otelier::config::Hooks::None), 5, length);
}

/// Counts the spans of each trace, and how many there should be.
#[derive(Clone, Debug, Default)]
struct Whole(Arc<Mutex<HashMap<TraceId, (i64, i64)>>>);

impl SpanExporter for Whole {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut traces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for span in batch {
            let (found, wanted) = traces.entry(span.span_context.trace_id()).or_default();
            *found += 1;
            let spans = span.attributes.iter().find(|attribute| attribute.key.as_str() == "app.spans");
            if let Some(Value::I64(spans)) = spans.map(|attribute| &attribute.value) {
                *wanted += spans;
            }
        }
        Ok(())
    }
}

/// Spans here, then as many threads with two spans each.
#[trace(app.spans = 5 + 2 * threads)]
fn fans_out(threads: usize, fails: bool) {
    (0..2).for_each(text);
    thread::scope(|scope| {
        for number in 0..threads {
            scope.spawn(with_current_context(move || one_of_several(fails && number == 0)));
        }
    });
    (0..2).for_each(text);
}

#[trace]
fn one_of_several(fails: bool) {
    text(20);
    if fails {
        otelier::current_span().record_error(&std::fmt::Error);
    }
}

#[trace(app.spans = 1 + 2 * tasks)]
async fn spreads(tasks: usize, fails: bool) {
    let tasks: Vec<_> = (0..tasks)
        .map(|number| tokio::spawn(in_current_context(async move { one_of_several(fails && number == 0) })))
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
}

#[test]
fn traces_are_whole_while_everything_is_taken_away_and_set_anew() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let whole = Whole::default();
    let settings = |seconds| {
        let mut tail = TailSampling::failed().or_ratio(0.2);
        tail.decide_after = Duration::from_secs(seconds);
        Telemetry::default().with_max_queue_size(1 << 20).with_shutdown_timeout(PATIENCE).with_tail_sampling(tail)
    };
    let pipeline = Pipeline::new(settings(60)).with_span_exporter(whole.clone());
    let telemetry = pipeline.start().expect("the pipeline starts");
    let until = Instant::now() + Duration::from_millis(700);
    let is_over = || Instant::now() >= until;
    thread::scope(|scope| {
        for seed in 0..2 {
            scope.spawn(move || {
                let mut random = Random(seed);
                while !is_over() {
                    fans_out(random.below(3), random.below(20) == 0);
                }
            });
        }
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
            let mut random = Random(7);
            while !is_over() {
                let all: Vec<_> =
                    (0..20).map(|_| runtime.spawn(spreads(1 + random.below(3), random.below(20) == 0))).collect();
                all.into_iter().for_each(|one| runtime.block_on(one).expect("no panic"));
            }
        });
        scope.spawn(|| {
            for number in 0.. {
                telemetry.force_flush(PATIENCE).expect("in time");
                telemetry.reload(&settings(60 + number % 2)).expect("it can change");
                if is_over() {
                    break;
                }
            }
        });
    });
    telemetry.force_flush(PATIENCE).expect("in time");
    let counts = telemetry.tail_counts().expect("there is tail sampling");
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(stats.started, stats.open + stats.dropped() + stats.exporters[0].exported, "{stats:?}");
    assert_eq!(stats.dropped(), stats.dropped_by_tail_sampling, "{stats:?}");
    assert_eq!((counts.held_traces, counts.overflows, counts.unfinished), (0, 0, 0), "{counts:?}");
    let traces = whole.0.lock().unwrap_or_else(PoisonError::into_inner);
    let parts: Vec<_> = traces.values().filter(|(found, wanted)| found != wanted).collect();
    assert!(traces.len() > 10 && parts.is_empty(), "{parts:?} of {}", traces.len());
}

#[test]
fn rules_that_come_and_go_lose_nothing() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let sink = Sink::default();
    let plain = || Telemetry::default().with_max_queue_size(1 << 20).with_shutdown_timeout(PATIENCE);
    let telemetry = Pipeline::new(plain()).with_span_exporter(sink.clone()).start().expect("the pipeline starts");
    let until = Instant::now() + Duration::from_millis(500);
    thread::scope(|scope| {
        for seed in 0..2 {
            scope.spawn(move || {
                let mut random = Random(seed);
                while Instant::now() < until {
                    fans_out(random.below(3), random.below(20) == 0);
                }
            });
        }
        while Instant::now() < until {
            let mut tail = TailSampling::failed();
            tail.max_bytes = 1 << 16;
            telemetry.reload(&plain().with_tail_sampling(tail)).expect("it can change");
            telemetry.force_flush(PATIENCE).expect("in time");
            telemetry.reload(&plain()).expect("it can change");
        }
    });
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(stats.started, stats.open + stats.dropped() + stats.exporters[0].exported, "{stats:?}");
    assert_eq!(stats.dropped(), stats.dropped_by_tail_sampling, "{stats:?}");
}
