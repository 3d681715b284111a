//! From a piece of code to its spans.

use super::tree::SpanTree;
use crate::bridge;
use crate::clock::{self, Clock};
use crate::config::Propagator;
use crate::export::sdk::spans_of;
use crate::pipeline;
use crate::record::capture::{self, Found, OnThread};
use crate::record::{Exact, Policy};
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry::{Context, ContextGuard};
use opentelemetry_sdk::trace::SpanData;
use std::collections::{HashMap, HashSet};
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::Pin;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

/// What a piece of code returned, and the spans it made.
///
/// It can be used as the [`SpanTree`] directly, and taken apart:
///
/// ```
/// use otelier::testing::{Captured, capture};
///
/// let Captured { value, spans } = capture(|| otelier::trace_block!(name = "add", { 1 + 1 }));
/// assert_eq!(value, 2);
/// spans.assert_tree("add");
/// ```
#[derive(Clone, Debug)]
pub struct Captured<T> {
    /// What the code returned.
    pub value: T,
    /// The spans it made.
    pub spans: SpanTree,
}

impl<T> Deref for Captured<T> {
    type Target = SpanTree;

    fn deref(&self) -> &SpanTree {
        &self.spans
    }
}

/// Runs `f`, and gives the spans that it made. See [`testing`](crate::testing) for which these are.
///
/// A panic of `f` goes on; [`Capture`] keeps the spans of code that panics.
pub fn capture<T>(f: impl FnOnce() -> T) -> Captured<T> {
    Capture::builder().capture(f)
}

/// Runs a future, and gives the spans that it made. The capture goes with the future wherever that is polled.
///
/// Tasks that it spawns belong to it if they get the context handed on, and are seen if they end first:
///
/// ```
/// use otelier::prelude::*;
/// use otelier::testing::capture_async;
///
/// #[trace]
/// async fn load(part: u32) {}
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let spans = capture_async(async {
///     load(1).await;
///     tokio::spawn(otelier::in_current_context(load(2))).await
/// })
/// .await;
/// spans.assert_tree("
///     load
///     load
/// ");
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub async fn capture_async<F: Future>(future: F) -> Captured<F::Output> {
    Capture::builder().capture_async(future).await
}

/// Which traces a capture records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sampling {
    /// Every one, whatever the pipeline's sampler or a parent has decided.
    #[default]
    Always,
    /// Those that the pipeline's sampler wants; where no pipeline runs, every one that has no parent that was not sampled.
    AsConfigured,
}

/// How a capture is made; see [`Capture::builder`].
#[must_use = "call `capture`, `capture_async` or `start`"]
#[derive(Clone, Debug)]
pub struct CaptureBuilder {
    sampling: Sampling,
    hooks: bool,
}

impl CaptureBuilder {
    /// Chooses which traces are recorded. Default: [`Sampling::Always`].
    pub fn with_sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// Leaves OpenTelemetry's global tracer provider and propagator alone. Otherwise the first capture of a process in which
    /// no pipeline has set them does that, as [`init`](crate::init) would, so that headers are written and spans of
    /// OpenTelemetry's API are seen.
    pub fn without_hooks(mut self) -> Self {
        self.hooks = false;
        self
    }

    /// Runs `f`, and gives the spans that it made.
    pub fn capture<T>(self, f: impl FnOnce() -> T) -> Captured<T> {
        let capture = self.start();
        let value = f();
        Captured { value, spans: capture.finish() }
    }

    /// Runs a future, and gives the spans that it made.
    pub async fn capture_async<F: Future>(self, future: F) -> Captured<F::Output> {
        let session = Session::begin(&self);
        let value = {
            let session = &session;
            let mut polled = Polled { future: Some(Box::pin(future)), session };
            let in_capture = poll_fn(move |task| {
                let _here = session.enter();
                // `poll_fn` is not polled again once it was ready.
                let Some(future) = polled.future.as_mut() else { return Poll::Pending };
                let poll = future.as_mut().poll(task);
                if poll.is_ready() {
                    // What it drops belongs to it, too.
                    polled.future = None;
                }
                poll
            });
            in_capture.await
        };
        Captured { value, spans: session.end() }
    }

    /// Starts a capture that ends with the guard.
    pub fn start(self) -> Capture {
        let session = Session::begin(&self);
        let here = session.enter();
        Capture { here, session }
    }
}

/// A future and the capture that it is polled, and dropped, in.
struct Polled<'a, F> {
    future: Option<Pin<Box<F>>>,
    session: &'a Session,
}

impl<F> Drop for Polled<'_, F> {
    fn drop(&mut self) {
        let _here = self.session.enter();
        self.future = None;
    }
}

/// A capture as a guard, for code that does not fit into a closure, and for code that panics.
///
/// It sees what begins on this thread until it ends; it cannot be sent to another one. In asynchronous code use
/// [`capture_async`]: on a runtime with one thread, a guard that is held across an `.await` sees other tasks as well.
///
/// ```
/// use otelier::testing::Capture;
/// use std::panic::{AssertUnwindSafe, catch_unwind};
///
/// let capture = Capture::start();
/// let panicked = catch_unwind(|| otelier::trace_block!(name = "divide", { panic!("by zero") }));
/// assert!(panicked.is_err());
/// capture.finish().span("divide").failed_with("panic");
/// ```
#[must_use = "the capture ends when the guard is dropped; call `finish` for the spans"]
#[derive(Debug)]
pub struct Capture {
    // In this order: the thread leaves the capture before the capture ends.
    here: Here,
    session: Session,
}

impl Capture {
    /// Starts a capture of what begins on this thread.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// How a capture is made, to be changed before it starts.
    pub fn builder() -> CaptureBuilder {
        CaptureBuilder { sampling: Sampling::Always, hooks: true }
    }

    /// The spans that have ended so far.
    pub fn spans(&self) -> SpanTree {
        self.session.tree(capture::so_far(self.session.id))
    }

    /// Waits until `done` says yes to the spans that have ended so far, and gives them: for threads and tasks that the test
    /// cannot wait for. Looks every millisecond.
    ///
    /// # Panics
    ///
    /// If it takes longer than `timeout`, with the spans there are by then.
    #[track_caller]
    pub fn wait_for(&self, timeout: Duration, mut done: impl FnMut(&SpanTree) -> bool) -> SpanTree {
        let deadline = clock::instant_after(timeout);
        loop {
            let spans = self.spans();
            if done(&spans) {
                return spans;
            }
            assert!(Instant::now() < deadline, "not the spans that were waited for within {timeout:?}\n\n{spans}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends the capture, and gives the spans that have ended.
    pub fn finish(self) -> SpanTree {
        let Self { here, session } = self;
        drop(here);
        session.end()
    }
}

/// A capture, wherever its code runs.
#[derive(Debug)]
struct Session {
    id: u64,
    context: Context,
}

/// The time during which code of a capture runs on this thread.
#[derive(Debug)]
#[allow(dead_code)]
struct Here {
    context: ContextGuard,
    thread: OnThread,
    // A lazy span further out must not stand in for the context's.
    exact: Exact,
}

impl Session {
    fn begin(builder: &CaptureBuilder) -> Self {
        LazyLock::force(&CLOCK);
        pipeline::watch_forks();
        if builder.hooks && !bridge::is_installed() {
            bridge::install(&Propagator::DEFAULT);
        }
        // Without hooks nobody would see a span that is lazy.
        let alone = if bridge::is_installed() { Policy::Lazy } else { Policy::Attached };
        let always = builder.sampling == Sampling::Always;
        let (id, context) = capture::begin(&bridge::current_context(), always, alone);
        Self { id, context }
    }

    fn enter(&self) -> Here {
        let exact = Exact::enter();
        Here { thread: OnThread::of(&self.context), context: self.context.clone().attach(), exact }
    }

    fn end(self) -> SpanTree {
        self.tree(capture::end(self.id))
    }

    fn tree(&self, found: Found) -> SpanTree {
        let Found { words, own, entries } = found;
        if words.is_empty() {
            return SpanTree::of(Vec::new());
        }
        let anchor = CLOCK.lock().unwrap_or_else(PoisonError::into_inner).anchor();
        let own = own.into_iter().map(TraceId::from).collect();
        let entries = entries.into_iter().map(SpanId::from).collect();
        SpanTree::of(members(spans_of(words, anchor), &own, &entries))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        capture::end(self.id);
    }
}

/// What all captures measure time by; it takes a while to know its rate.
static CLOCK: LazyLock<Mutex<Clock>> = LazyLock::new(|| Mutex::new(Clock::start()));

/// The spans that belong to a capture: all of its own traces, and of other ones what lies below its entries.
fn members(mut spans: Vec<SpanData>, own: &HashSet<TraceId>, entries: &HashSet<SpanId>) -> Vec<SpanData> {
    let id = |span: &SpanData| span.span_context.span_id();
    let at: HashMap<SpanId, usize> = spans.iter().enumerate().map(|(at, span)| (id(span), at)).collect();
    let mut known: Vec<Option<bool>> = spans
        .iter()
        .map(|span| {
            let is_own = own.contains(&span.span_context.trace_id());
            let below = entries.contains(&id(span)) || entries.contains(&span.parent_span_id);
            (is_own || below).then_some(true)
        })
        .collect();
    for start in 0..spans.len() {
        let mut way = Vec::new();
        let mut next = Some(start);
        // Up to a span that is known, to one without a parent here, or around a circle.
        let verdict = loop {
            let Some(here) = next else { break false };
            if let Some(known) = known[here] {
                break known;
            }
            known[here] = Some(false);
            way.push(here);
            next = at.get(&spans[here].parent_span_id).copied();
        };
        way.into_iter().for_each(|here| known[here] = Some(verdict));
    }
    let mut kept = known.into_iter();
    spans.retain(|_| kept.next().flatten() == Some(true));
    spans
}
