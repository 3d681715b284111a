//! What is lost, and that it is counted to the span.

use crate::support::{Gate, PATIENCE, Recorder, int, lock, start, tree, turn, wait_until};
use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::Stats;
use otelier::config::Limits;
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use std::collections::HashSet;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

#[trace(app.number = number)]
fn leaf(number: usize) {}

fn ids(spans: &[SpanData]) -> HashSet<[u8; 8]> {
    spans.iter().map(|span| span.span_context.span_id().to_bytes()).collect()
}

// ---------------------------------------------------------------- threads

#[test]
fn threads_that_come_and_go_lose_nothing() {
    const THREADS: usize = 400;
    let recorder = Recorder::start();
    for thread in 0..THREADS {
        std::thread::spawn(move || (0..5).for_each(|number| leaf(5 * thread + number))).join().expect("no panic");
    }
    let (spans, stats) = recorder.finish();
    assert_eq!(stats.dropped(), 0, "{stats}");
    let numbers: HashSet<_> = spans.iter().map(|span| int(span, "app.number") as usize).collect();
    assert_eq!((spans.len(), ids(&spans).len(), numbers.len()), (5 * THREADS, 5 * THREADS, 5 * THREADS));
}

#[test]
fn a_flush_sees_what_scoped_threads_finished_even_while_they_end() {
    const ROUNDS: usize = 150;
    let recorder = Recorder::start();
    for round in 1..=ROUNDS {
        // The scope waits for the closures and not for the threads, which are still being torn down now.
        std::thread::scope(|scope| {
            for number in 0..4 {
                scope.spawn(move || leaf(number));
            }
        });
        recorder.telemetry().force_flush(PATIENCE).expect("in time");
        assert_eq!(recorder.so_far().len(), 4 * round, "after round {round}");
    }
    drop(recorder);
}

#[test]
fn a_shutdown_takes_or_counts_what_scoped_threads_finished_even_while_they_end() {
    for round in 0..150 {
        let recorder = Recorder::start();
        std::thread::scope(|scope| {
            for number in 0..4 {
                scope.spawn(move || leaf(number));
            }
        });
        let (spans, stats) = recorder.finish();
        assert_eq!((spans.len(), stats.dropped()), (4, 0), "in round {round}");
    }
}

#[test]
fn a_flush_sees_what_a_busy_thread_has_finished_wherever_it_lies() {
    // A thread that fills chunk after chunk hands them over while the collector looks.
    let recorder = Recorder::with(Telemetry::default().with_max_queue_size(1 << 20));
    let finished = std::sync::atomic::AtomicUsize::new(0);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) && number < 500_000 {
                leaf(number);
                number += 1;
                finished.store(number, std::sync::atomic::Ordering::Release);
            }
        });
        for _ in 0..30 {
            let before = finished.load(std::sync::atomic::Ordering::Acquire);
            recorder.telemetry().force_flush(PATIENCE).expect("in time");
            let seen = recorder.telemetry().stats().exporters[0].exported as usize;
            if seen < before {
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
            }
            assert!(seen >= before, "{seen} of {before}");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let (spans, stats) = recorder.finish();
    assert_eq!(spans.len() as u64 + stats.dropped(), finished.into_inner() as u64);
    assert_eq!(ids(&spans).len(), spans.len());
}

#[test]
fn threads_of_a_scope_join_the_trace_if_they_are_given_the_context() {
    let recorder = Recorder::start();
    trace_block!(name = "parent", {
        let context = Context::current();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _attached = context.clone().attach();
                leaf(1);
            });
        });
        std::thread::scope(|scope| {
            scope.spawn(|| leaf(2));
        });
    });
    recorder.expect(&["parent", "  leaf app.number=1", "leaf app.number=2"]);
}

struct TracedAtTheEnd;

impl Drop for TracedAtTheEnd {
    fn drop(&mut self) {
        leaf(9);
        trace_block!(name = "async", async {}).poll_once();
    }
}

trait PollOnce: Future + Sized {
    fn poll_once(self) {
        let mut future = std::pin::pin!(self);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_ready());
    }
}

impl<F: Future> PollOnce for F {}

thread_local! {
    static AT_THE_END: TracedAtTheEnd = const { TracedAtTheEnd };
}

#[test]
fn what_is_traced_while_a_thread_is_torn_down_is_recorded_or_counted() {
    let recorder = Recorder::start();
    let run = |body: fn()| std::thread::spawn(body).join().expect("no panic");
    // Thread locals are dropped in the opposite order of their first use, so these meet every state of ours.
    run(|| {
        leaf(1);
        AT_THE_END.with(|_| {});
    });
    run(|| {
        AT_THE_END.with(|_| {});
        leaf(2);
    });
    run(|| AT_THE_END.with(|_| {}));
    // OpenTelemetry's own thread local is gone before ours was ever used.
    run(|| {
        AT_THE_END.with(|_| {});
        let _ = Context::current();
    });
    let (spans, stats) = recorder.finish();
    assert_eq!(spans.len() as u64 + stats.dropped_thread_gone, 10, "{stats}\n{}", tree(spans));
    assert_eq!(stats.dropped(), stats.dropped_thread_gone);
    assert!(spans.len() >= 4);
}

#[test]
fn what_is_traced_while_a_thread_is_torn_down_finds_no_half_torn_context() {
    // The thread meets telemetry while it is off, so that of our thread locals only one is made before the user's.
    let turn = turn();
    let (ready, go) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let thread = std::thread::spawn({
        let (ready, go) = (Arc::clone(&ready), Arc::clone(&go));
        move || {
            trace_block!(name = "off", async {}).poll_once();
            AT_THE_END.with(|_| {});
            ready.wait();
            go.wait();
            leaf(1);
        }
    });
    ready.wait();
    drop(turn);
    let recorder = Recorder::start();
    go.wait();
    thread.join().expect("no panic");
    let (spans, stats) = recorder.finish();
    assert_eq!(spans.len() as u64 + stats.dropped_thread_gone, 3, "{stats}");
}

// ---------------------------------------------------------------- sizes

#[trace(app.kibibytes = kibibytes)]
fn large(kibibytes: usize) {
    for _ in 0..kibibytes {
        event!("large", app.text = "x".repeat(1000));
    }
}

fn many_events() -> Telemetry {
    let mut limits = Limits::default();
    limits.events = 1000;
    Telemetry::default().with_limits(limits)
}

#[test]
fn a_span_larger_than_256_kibibytes_is_counted_and_one_just_below_arrives() {
    let recorder = Recorder::with(many_events());
    leaf(1);
    large(240);
    large(260);
    large(300);
    leaf(2);
    let (spans, stats) = recorder.finish();
    let found: Vec<_> = spans.iter().map(|span| (&*span.name, span.events.len())).collect();
    assert_eq!(found, [("leaf", 0), ("large", 240), ("leaf", 0)]);
    assert_eq!((stats.dropped_too_large, stats.dropped()), (2, 2));
}

#[test]
fn a_large_asynchronous_span_is_counted_too() {
    let recorder = Recorder::with(many_events());
    trace_block!(name = "large", async {
        for _ in 0..300 {
            event!("large", app.text = "x".repeat(1000));
        }
    })
    .poll_once();
    let (spans, stats) = recorder.finish();
    assert_eq!((spans.len(), stats.dropped_too_large), (0, 1));
}

// ---------------------------------------------------------------- the queue

/// What became of the spans, in the words of the counters.
fn accounted(stats: &Stats) -> u64 {
    stats.exporters[0].exported + stats.exporters[0].failed + stats.dropped()
}

#[test]
fn what_a_full_queue_drops_is_counted_to_the_span() {
    const THREADS: u64 = 4;
    const SPANS: u64 = 10_000;
    let _turn = turn();
    let gate = Gate::default();
    let settings = Telemetry::default().with_max_queue_size(64).with_max_export_batch_size(64);
    let telemetry = start(settings, gate.clone());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..SPANS as usize).for_each(leaf));
        }
    });
    gate.wait_for_a_batch();
    let before = telemetry.stats();
    assert!(before.dropped_queue_full + before.dropped_refused > 0 && before.exporters[0].exported == 0, "{before}");
    gate.open();
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(accounted(&stats), THREADS * SPANS, "{stats}");
    assert_eq!(stats.exporters[0].exported, gate.passed() as u64);
    assert_eq!(stats.dropped(), stats.dropped_queue_full + stats.dropped_refused);
    assert_eq!((stats.started, stats.open), (THREADS * SPANS, 0));
}

#[trace]
fn parent(children: usize) {
    (0..children).for_each(leaf);
}

#[test]
fn traces_that_begin_while_the_queue_is_half_full_are_refused_so_that_the_others_are_whole() {
    const TRACES: u64 = 2000;
    const CHILDREN: u64 = 20;
    let _turn = turn();
    let gate = Gate::default();
    let telemetry = start(Telemetry::default().with_max_queue_size(1024), gate.clone());
    for _ in 0..TRACES {
        parent(CHILDREN as usize);
    }
    gate.open();
    let stats = telemetry.shutdown().expect("in time");
    assert!(stats.dropped_refused > 0, "{stats:?}");
    assert_eq!(stats.dropped(), stats.dropped_refused, "no span of a trace that was begun is missing");
    assert_eq!(stats.exporters[0].exported % (CHILDREN + 1), 0);
    assert_eq!(stats.started, TRACES * (CHILDREN + 1));
    assert_eq!(stats.started, stats.exporters[0].exported + stats.dropped());
}

#[test]
fn spans_that_are_open_at_the_shutdown_are_a_number_of_their_own() {
    let _turn = turn();
    let memory = MemoryExporter::new(10);
    let telemetry = start(Telemetry::default(), memory.clone());
    let mut stats = None;
    trace_block!(name = "open", {
        leaf(1);
        trace_block!(name = "open too", {
            stats = Some(telemetry.shutdown().expect("in time"));
        });
    });
    let stats = stats.expect("the block ran");
    assert_eq!((stats.started, stats.open, stats.dropped()), (3, 2, 0));
    assert_eq!(memory.spans().len(), 1);
}

#[trace]
fn many_attributes(count: usize) {
    for number in 0..count {
        record!(app.same = number);
    }
    record!(app.other = count);
}

#[test]
fn an_attribute_in_an_endless_loop_is_one_attribute() {
    let recorder = Recorder::start();
    many_attributes(100_000);
    let (spans, stats) = recorder.finish();
    assert_eq!(stats.dropped(), 0);
    let found: Vec<_> = spans[0].attributes.iter().map(|item| (item.key.as_str(), item.value.clone())).collect();
    assert_eq!(found, [("app.same", 99_999.into()), ("app.other", 100_000.into())]);
    assert_eq!(spans[0].dropped_attributes_count, 0);
}

#[trace(app.a = i64::from(true), app.b = 2i64, app.c = 3i64)]
fn more_than_allowed() {
    record!(app.d = 4);
    record!(app.b = 5);
    for _ in 0..5 {
        event!("step", app.x = 1i64, app.y = 2);
    }
}

#[test]
fn what_limits_keep_out_is_counted_in_the_span() {
    let mut limits = Limits::default();
    limits.attributes = 2;
    limits.events = 3;
    limits.event_attributes = 1;
    limits.attribute_value_length = 3;
    let recorder = Recorder::with(Telemetry::default().with_limits(limits));
    more_than_allowed();
    trace_block!(name = "later", async { more_than_allowed() }).poll_once();
    cut("abcdefg");
    let (spans, _) = recorder.finish();
    for span in spans.iter().filter(|span| span.name == "more_than_allowed") {
        let found: Vec<_> = span.attributes.iter().map(|item| (item.key.as_str(), item.value.clone())).collect();
        assert_eq!(found, [("app.a", 1.into()), ("app.b", 5.into())]);
        assert_eq!(span.dropped_attributes_count, 2);
        assert_eq!((span.events.len(), span.events.dropped_count), (3, 2));
        assert_eq!((span.events[0].attributes.len(), span.events[0].dropped_attributes_count), (1, 1));
    }
    let cut = spans.iter().find(|span| span.name == "cut").expect("it is there");
    assert_eq!(cut.attributes[0].value, "abc".into());
}

#[trace(app.text = text)]
fn cut(text: &str) {}

#[test]
fn an_application_never_waits_for_a_slow_exporter() {
    let _turn = turn();
    let gate = Gate::default();
    let telemetry = start(Telemetry::default(), gate.clone());
    // Would hang here if recording waited: nothing is let through before all is recorded.
    (0..50_000).for_each(leaf);
    gate.wait_for_a_batch();
    gate.open();
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(accounted(&stats), 50_000, "{stats}");
}

#[test]
fn the_largest_queue_is_accepted() {
    let recorder = Recorder::with(Telemetry::default().with_max_queue_size(usize::MAX));
    (0..10_000).for_each(leaf);
    assert_eq!(recorder.spans().len(), 10_000);
}

/// Keeps how many bytes of text each batch held.
#[derive(Clone, Debug, Default)]
struct Bytes(Arc<Mutex<Vec<usize>>>);

impl SpanExporter for Bytes {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        lock(&self.0).push(batch.iter().map(|span| 1000 * span.events.len()).sum());
        Ok(())
    }
}

#[test]
fn large_spans_are_exported_before_they_fill_the_queue_and_in_batches_no_larger_than_it() {
    const KIBIBYTES: usize = 10;
    const MIB: usize = 1024 * 1024;
    let _turn = turn();
    let bytes = Bytes::default();
    // A hundred of these fill the queue, long before they are a batch of 512.
    let telemetry = start(Telemetry::default().with_schedule_delay(Duration::from_secs(3600)), bytes.clone());
    for round in 1..=40 {
        (0..20).for_each(|_| large(KIBIBYTES));
        // What may still wait: not a whole batch, half of the queue, and the chunk of this thread.
        wait_until("an export", || {
            let exported: usize = lock(&bytes.0).iter().sum();
            let dropped = telemetry.stats().dropped() as usize * KIBIBYTES * 1000;
            exported + dropped + 2 * MIB > round * 20 * KIBIBYTES * 1000
        });
    }
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(accounted(&stats), 800, "{stats}");
    let bytes = lock(&bytes.0);
    assert!(bytes.iter().all(|bytes| *bytes <= MIB), "{bytes:?}");
}

#[test]
fn spans_that_end_after_the_shutdown_are_counted() {
    let _turn = turn();
    let gate = Gate::default();
    gate.open();
    let telemetry = start(Telemetry::default(), gate.clone());
    let (inside, ended) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let open = std::thread::spawn({
        let (inside, ended) = (Arc::clone(&inside), Arc::clone(&ended));
        move || {
            trace_block!(name = "still open", {
                leaf(1);
                inside.wait();
                ended.wait();
                // Begins when nothing is recorded any more, so it is no span at all.
                leaf(2);
            });
        }
    });
    inside.wait();
    // The guard is gone then, so its last numbers are asked of the exporter that outlives it.
    assert_eq!(telemetry.shutdown().expect("in time").exporters[0].exported, 1);
    ended.wait();
    open.join().expect("no panic");
    assert_eq!(gate.passed(), 1);
    let again = start(Telemetry::default(), gate.clone());
    leaf(3);
    let stats = again.shutdown().expect("in time");
    assert_eq!((stats.exporters[0].exported, stats.dropped()), (1, 0), "a new pipeline counts its own spans only");
    assert_eq!(gate.passed(), 2);
}

#[test]
fn spans_that_end_while_the_shutdown_waits_are_counted() {
    let _turn = turn();
    let gate = Gate::default();
    let telemetry = start(Telemetry::default(), gate.clone());
    let shut_down = trace_block!(name = "ends too late", {
        leaf(1);
        // The shutdown begins here and cannot end before the gate opens.
        let shut_down = std::thread::spawn(move || telemetry.shutdown());
        gate.wait_for_a_batch();
        shut_down
    });
    gate.open();
    let stats = shut_down.join().expect("no panic").expect("in time");
    assert_eq!((stats.exporters[0].exported, stats.dropped_after_shutdown), (1, 1), "{stats}");
}
