//! Spans of every make in one another, at random.

use super::setup::{active, everywhere, headers, int, tracer, with_tracing};
use opentelemetry::trace::{FutureExt, Span, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SpanData;
use otelier::prelude::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::task::{Poll, Waker};
use tokio::task::yield_now;
use tracing::info_span;

/// Makes trees of spans, each of which says in its attributes who it is and whose child it must be.
struct Forest {
    random: AtomicU64,
    spans: AtomicI64,
}

const MOST: i64 = 400;

type Job = Box<dyn FnOnce()>;

thread_local! {
    /// What was made somewhere on the thread, with the context of its making, to be run somewhere else.
    static JOBS: RefCell<Vec<Job>> = const { RefCell::new(Vec::new()) };
}

fn run_a_job() -> bool {
    let job = JOBS.with_borrow_mut(Vec::pop);
    job.map(|job| job()).is_some()
}

impl Forest {
    fn new(seed: u64) -> &'static Self {
        Box::leak(Box::new(Self { random: AtomicU64::new(seed), spans: AtomicI64::new(0) }))
    }

    /// A number below `limit`, by the generator of Steele, Lea and Flood.
    fn below(&self, limit: u64) -> u64 {
        let state = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % limit
    }

    fn children(&self, depth: u32) -> impl Iterator<Item = i64> {
        let many = if depth < 9 && self.spans.load(Relaxed) < MOST { 1 + self.below(3) } else { 0 };
        (0..many).map(|_| 1 + self.spans.fetch_add(1, Relaxed))
    }

    fn grow(&'static self, parent: i64, depth: u32) {
        let before = active();
        let deeper = depth + 1;
        for id in self.children(depth) {
            match self.below(12) {
                0..=2 => trace_block!(name = "lazy", app.id = id, app.parent = parent, { self.grow(id, deeper) }),
                3 => trace_block!(name = "client", kind = client, app.id = id, app.parent = parent, {
                    self.grow(id, deeper);
                }),
                4 => tracer().in_span("api", |context| {
                    context.span().set_attributes(who(id, parent));
                    self.grow(id, deeper);
                }),
                5 => info_span!("tracing", app.id = id, app.parent = parent).in_scope(|| self.grow(id, deeper)),
                6 => block_on(trace_block!(name = "async", app.id = id, app.parent = parent, async {
                    self.grow_later(id, deeper).await;
                })),
                7 => std::thread::scope(|scope| {
                    let there = || {
                        with_tracing(|| {
                            trace_block!(name = "there", app.id = id, app.parent = parent, { self.grow(id, deeper) });
                            while run_a_job() {}
                        });
                    };
                    scope.spawn(otelier::with_current_context(there));
                }),
                8 => {
                    let _attached = otelier::current_context().attach();
                    trace_block!(name = "attached", app.id = id, app.parent = parent, { self.grow(id, deeper) });
                }
                9..=10 => {
                    let job = otelier::with_current_context(move || {
                        trace_block!(name = "job", app.id = id, app.parent = parent, { self.grow(id, 8) });
                    });
                    JOBS.with_borrow_mut(|jobs| jobs.push(Box::new(job)));
                }
                _ => {
                    let mut span = tracer().start("not current");
                    span.set_attributes(who(id, parent));
                    trace_block!(name = "beside", app.id = -id, app.parent = parent, { self.grow(-id, deeper) });
                }
            }
            if self.below(3) == 0 {
                run_a_job();
            }
            assert_eq!(active(), before, "what was active is active again");
            assert!(!before.is_valid() || headers()["traceparent"].contains(&before.span_id().to_string()));
        }
    }

    fn grow_later(&'static self, parent: i64, depth: u32) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            let before = active();
            let deeper = depth + 1;
            let mut together: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
            for id in self.children(depth) {
                yield_now().await;
                match self.below(4) {
                    0 => self.grow(parent, deeper),
                    1 => together.push(Box::pin(trace_block!(
                        name = "async",
                        app.id = id,
                        app.parent = parent,
                        async move {
                            self.grow_later(id, deeper).await;
                        }
                    ))),
                    2 => {
                        let mut span = tracer().start("api");
                        span.set_attributes(who(id, parent));
                        let future = async move { self.grow_later(id, deeper).await };
                        together.push(Box::pin(future.with_context(Context::current_with_span(span))));
                    }
                    _ => {
                        let future = async move {
                            trace_block!(name = "carried", app.id = id, app.parent = parent, { self.grow(id, deeper) });
                            yield_now().await;
                        };
                        together.push(Box::pin(otelier::in_current_context(future)));
                    }
                }
                assert_eq!(active(), before);
            }
            all(together).await;
            assert_eq!(active(), before);
        })
    }
}

fn who(id: i64, parent: i64) -> [KeyValue; 2] {
    [KeyValue::new("app.id", id), KeyValue::new("app.parent", parent)]
}

/// Polls all of them in turn, so that their spans come and go.
async fn all(mut futures: Vec<Pin<Box<dyn Future<Output = ()>>>>) {
    std::future::poll_fn(|task| {
        futures.retain_mut(|future| future.as_mut().poll(task).is_pending());
        if futures.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Polls until the future is ready; the futures here are never in need of waiting.
fn block_on(future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    let mut task = std::task::Context::from_waker(Waker::noop());
    while future.as_mut().poll(&mut task).is_pending() {}
}

fn check(spans: &[SpanData]) {
    let id = |span: &SpanData| int(span, "app.id").expect("every span says who it is");
    let by_id: HashMap<_, _> = spans.iter().map(|span| (id(span), span)).collect();
    assert!(by_id.len() == spans.len() && spans.len() > 300);
    for span in spans {
        let parent = int(span, "app.parent").expect("every span says whose child it is");
        let found = spans.iter().find(|other| other.span_context.span_id() == span.parent_span_id).map_or(0, id);
        assert_eq!(found, parent, "the parent of {} {}", span.name, id(span));
        if let Some(parent) = by_id.get(&parent) {
            assert_eq!(span.span_context.trace_id(), parent.span_context.trace_id());
        }
    }
}

#[test]
fn whatever_is_in_whatever_has_the_right_parent() {
    for seed in 0..40 {
        everywhere(|run| {
            let forest = Forest::new(seed);
            with_tracing(|| {
                while forest.spans.load(Relaxed) < MOST {
                    forest.grow(0, 0);
                    block_on(forest.grow_later(0, 0));
                }
                while run_a_job() {}
            });
            assert!(!active().is_valid());
            check(&run.spans());
        });
    }
}
