//! A program whose allocator is itself traced: no recursion, no deadlock, no borrow panic, and every span is accounted for.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use otelier::config::{Adaptive, Composable, Rule, Sampler, TailSampling};
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::{Guard, Pipeline, Stats};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

/// Every call makes a span while this is set.
static TRACING: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);

struct Traced;

#[global_allocator]
static ALLOCATOR: Traced = Traced;

thread_local! {
    /// How many allocations of this thread are traced, one inside the other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Makes a span, also inside of the one that it makes, so that what the recording path allocates is traced as well; but not
/// for ever.
fn traced(span: impl FnOnce()) {
    let depth = DEPTH.get();
    if TRACING.load(Relaxed) && depth < 3 {
        DEPTH.set(depth + 1);
        CALLS.fetch_add(1, Relaxed);
        span();
        DEPTH.set(depth);
    }
}

#[trace(app.bytes = layout.size())]
fn allocated(layout: Layout) {
    event!("allocated", app.bytes = layout.size());
}

#[trace(kind = producer, app.bytes = layout.size())]
fn freed(layout: Layout) {}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Traced {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        traced(|| allocated(layout));
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { System.dealloc(pointer, layout) };
        traced(|| freed(layout));
    }
}

/// A pipeline; tests take turns.
struct Run {
    memory: MemoryExporter,
    telemetry: Guard,
    _turn: MutexGuard<'static, ()>,
}

impl Run {
    fn start(settings: Telemetry) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        static QUIET: Once = Once::new();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Before ours is put in front. A trace of the stack would be looked up for every one of these.
        QUIET.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if !info.payload().downcast_ref::<&str>().is_some_and(|text| text.starts_with("on purpose")) {
                    before(info);
                }
            }));
        });
        let memory = MemoryExporter::new(10_000_000);
        let settings = settings.with_shutdown_timeout(Duration::from_secs(60));
        let telemetry = Pipeline::new(settings).with_span_exporter(memory.clone()).start().expect("it starts");
        TRACING.store(true, Relaxed);
        Self { memory, telemetry, _turn: turn }
    }

    fn finish(self) -> Stats {
        let running = self.telemetry.stats();
        assert!(running.started >= running.open + running.exporters[0].exported, "{running:?}");
        // Freeing the exporters is traced as well, so this is not the end yet.
        let stats = self.telemetry.shutdown().expect("it ends in time");
        TRACING.store(false, Relaxed);
        let exported: HashSet<_> = self.memory.spans().iter().map(|span| span.span_context.span_id()).collect();
        assert_eq!(exported.len() as u64, stats.exporters[0].exported);
        assert_eq!(stats.exporters[0].failed, 0);
        assert_eq!(stats.started, stats.open + stats.dropped() + stats.exporters[0].exported, "{stats:?}");
        assert_eq!(stats.open, 0, "{stats:?}");
        assert!(CALLS.swap(0, Relaxed) > 0);
        stats
    }
}

#[trace(app.depth = depth)]
fn nested(depth: usize) -> Vec<String> {
    let mut all = if depth == 0 { Vec::new() } else { nested(depth - 1) };
    all.push(format!("{depth}"));
    record!(app.length = all.len());
    all
}

/// Attached, so that OpenTelemetry's own stack of contexts grows while it is borrowed.
#[trace(kind = client, app.depth = depth)]
fn attached(depth: usize) -> String {
    Context::current().span().set_attribute(opentelemetry::KeyValue::new("app.late", "x".repeat(depth)));
    if depth == 0 { String::new() } else { format!("{} {depth}", attached(depth - 1)) }
}

#[trace(app.depth = depth)]
async fn later(depth: usize) -> Box<usize> {
    event!("later", app.text = "y".repeat(depth));
    tokio::task::yield_now().await;
    if depth > 0 { Box::pin(later(depth - 1)).await } else { Box::new(depth) }
}

#[trace]
fn fails() -> Result<(), std::num::ParseIntError> {
    "no number".parse::<u64>().map(drop)
}

#[trace]
fn panics(text: &str) {
    assert!(text.is_empty(), "{}", text.repeat(100));
}

fn everything() {
    assert!(std::panic::catch_unwind(|| panics("on purpose")).is_err());
    nested(20);
    attached(40);
    let _ = fails();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(later(20));
}

#[test]
fn a_traced_allocator_makes_spans_and_nothing_breaks() {
    let run = Run::start(Telemetry::default());
    everything();
    let stats = run.finish();
    assert!(stats.exporters[0].exported > 100, "{stats:?}");
}

#[test]
fn threads_that_begin_and_end_may_allocate_with_a_traced_allocator() {
    let run = Run::start(Telemetry::default());
    for _ in 0..5 {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(everything);
            }
            run.telemetry.force_flush(Duration::from_secs(60)).expect("flushes in time");
        });
        let _ = run.telemetry.stats();
    }
    run.finish();
}

#[test]
fn a_traced_allocator_goes_with_tail_sampling_and_with_spans_that_are_all_attached() {
    let tail = TailSampling::failed().or_ratio(0.5);
    Run::start(Telemetry::default().with_tail_sampling(tail)).run_and_finish();
    Run::start(Telemetry::default().with_hooks(otelier::config::Hooks::None)).run_and_finish();
}

#[test]
fn a_traced_allocator_goes_with_samplers_that_take_memory_where_they_decide() {
    let told = Composable::Probability(0.5);
    let by_size = Rule::new(told.clone()).attribute_like("app.bytes", ["*1*"]);
    let rules = Composable::RuleBased(vec![by_size, Rule::new(told).span_name("*")]);
    let mut adaptive = Adaptive::default();
    (adaptive.consistent, adaptive.ratio, adaptive.traces_per_second) = (true, 0.7, Some(1000.0));
    let samplers = [
        Sampler::Probability(0.5),
        Sampler::Composite(rules),
        Sampler::RateLimitPerSchema(500.0),
        Sampler::Adaptive(adaptive),
    ];
    for sampler in samplers.clone() {
        Run::start(Telemetry::default().with_sampler(sampler)).run_and_finish();
    }
    let run = Run::start(Telemetry::default());
    std::thread::scope(|scope| {
        scope.spawn(everything);
        for sampler in samplers.iter().cycle().take(40) {
            run.telemetry.set_sampler(sampler.clone()).expect("it can be used");
            nested(2);
        }
    });
    run.run_and_finish();
}

impl Run {
    fn run_and_finish(self) {
        everything();
        std::thread::scope(|scope| drop(scope.spawn(everything)));
        self.finish();
    }
}
