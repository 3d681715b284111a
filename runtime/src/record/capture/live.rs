//! The captures of a process that is under test.

use super::SeenBy;
use crate::record::guard::store_policy;
use crate::record::outbox::split_record;
use crate::record::queue::FullChunk;
use crate::record::thread::{self, Thread, collect_from_threads, peek_at_threads};
use crate::record::{
    ExceptionSignal, Limits, Policy, QUEUE, count_records, old_names, sampling, set_exception_signal, set_limits,
    set_metrics,
};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a span that begins at a boundary looks at.
static STATE: AtomicU8 = AtomicU8::new(NONE);

const NONE: u8 = 0;
/// There are captures beside a pipeline.
const BESIDE: u8 = 1;
/// There are captures and no pipeline, so that nobody wants the other spans.
const ALONE: u8 = 2;

/// Locked before everything else of the recording path, also by whoever takes records away, so that a capture finds each
/// either with its maker or here.
static CAPTURES: Mutex<Captures> = Mutex::new(Captures {
    live: BTreeMap::new(),
    traces: BTreeMap::new(),
    last: 0,
    pipeline: Policy::Off,
    alone: Policy::Attached,
    collector: false,
});

pub(in crate::record) struct Captures {
    live: BTreeMap<u64, Live>,
    /// The captures that a trace was seen by.
    traces: BTreeMap<u128, Vec<u64>>,
    last: u64,
    /// What the pipeline says; `Off` if there is none.
    pipeline: Policy,
    /// What is so without one.
    alone: Policy,
    /// Whether somebody else takes the records away.
    collector: bool,
}

/// A capture that has not ended.
#[derive(Default)]
struct Live {
    /// The one it was begun in, which sees the same spans.
    outer: Option<u64>,
    /// Whether it records whatever the sampler says.
    always: bool,
    own: HashSet<u128>,
    entries: HashSet<u64>,
    /// Traces that an entry belongs to.
    traces: HashSet<u128>,
    /// Records of its traces that have been taken away.
    words: Vec<u64>,
}

/// What a capture has found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Records of every trace that the capture has seen.
    pub(crate) words: Vec<u64>,
    /// Traces that began in it.
    pub(crate) own: HashSet<u128>,
    /// Spans that began in it at a boundary.
    pub(crate) entries: HashSet<u64>,
}

fn captures() -> MutexGuard<'static, Captures> {
    CAPTURES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `f` on the captures while the allocator, which may be traced, makes no spans.
fn quietly<R>(f: impl FnOnce(&mut Captures) -> R) -> R {
    thread::quietly(|| f(&mut captures()))
}

/// The capture that a context belongs to; in OpenTelemetry's context it goes wherever the context is handed on.
#[derive(Clone, Copy, Debug)]
struct Scope(u64);

thread_local! {
    /// The capture that this thread works for, for when a context is made from nothing.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
}

/// The capture around the caller, ended or not; 0 for none.
fn current() -> u64 {
    Context::map_current(scope_of).unwrap_or_else(|| CURRENT.try_with(Cell::get).unwrap_or_default())
}

fn scope_of(context: &Context) -> Option<u64> {
    context.get::<Scope>().map(|scope| scope.0)
}

fn trace_of(span: &SpanContext) -> Option<u128> {
    span.is_valid().then(|| u128::from_be_bytes(span.trace_id().to_bytes()))
}

/// Who looks at a span that begins below `parent`, which is not the active one.
#[inline]
pub(in crate::record) fn find(thread: &Thread, parent: &SpanContext) -> SeenBy {
    if STATE.load(Relaxed) == NONE { SeenBy::Pipeline } else { find_slowly(thread, parent) }
}

#[cold]
fn find_slowly(thread: &Thread, parent: &SpanContext) -> SeenBy {
    let current = current();
    let around = trace_of(parent).or_else(|| trace_around(thread));
    let seen = quietly(|captures| match captures.live.get(&current) {
        Some(live) => SeenBy::Capture { always: live.always },
        None => match around.and_then(|trace| captures.traces.get(&trace)) {
            Some(seen_by) => SeenBy::Capture {
                always: seen_by.iter().filter_map(|id| captures.live.get(id)).any(|live| live.always),
            },
            None if captures.pipeline == Policy::Off => SeenBy::Nobody,
            None => SeenBy::Pipeline,
        },
    });
    if let SeenBy::Capture { always: true } = seen {
        // Or what is held back of a trace further out would hold this one back with it.
        // SAFETY: `thread` is the calling one.
        unsafe { thread.outbox.release() };
    }
    seen
}

/// The trace that the thread is in.
fn trace_around(thread: &Thread) -> Option<u128> {
    let active = thread.active.get();
    let is_ours = active.mode.is_recording();
    is_ours
        .then_some(u128::from(active.trace.0) << 64 | u128::from(active.trace.1))
        .or_else(|| Context::map_current(|context| trace_of(context.span().span_context())))
}

/// Enters a span that begins at a boundary of a capture or below one.
#[cold]
pub(in crate::record) fn enter(thread: &Thread, trace: (u64, u64), span: u64, parent: &SpanContext) {
    let trace = u128::from(trace.0) << 64 | u128::from(trace.1);
    let current = current();
    let begins = !parent.is_valid();
    let around = if begins { trace_around(thread) } else { None };
    quietly(|captures| {
        // A trace that begins inside of a capture's trace is the capture's, too, also where nothing else says so.
        let ids = match captures.live.contains_key(&current) {
            true => vec![current],
            false => around.and_then(|trace| captures.traces.get(&trace)).cloned().unwrap_or_default(),
        };
        for id in ids {
            let mut next = Some(id);
            while let Some(id) = next
                && let Some(live) = captures.live.get_mut(&id)
            {
                live.entries.insert(span);
                if begins {
                    live.own.insert(trace);
                }
                if live.traces.insert(trace) {
                    captures.traces.entry(trace).or_default().push(id);
                }
                next = live.outer;
            }
        }
    });
}

/// The time during which this thread works for a capture.
#[derive(Debug)]
pub(crate) struct OnThread {
    before: u64,
    /// It stays on its thread.
    here: PhantomData<*const ()>,
}

impl OnThread {
    /// For the capture that the context belongs to, if it does.
    pub(crate) fn of(context: &Context) -> Self {
        let before = CURRENT.try_with(Cell::get).unwrap_or_default();
        // Looked up only if there is a capture at all.
        let scope = if STATE.load(Relaxed) == NONE { None } else { scope_of(context) };
        Self::set(scope.unwrap_or(before));
        Self { before, here: PhantomData }
    }

    fn set(id: u64) {
        // On a thread that is ending there is nothing left to capture.
        let _ = CURRENT.try_with(|current| current.set(id));
    }
}

impl Drop for OnThread {
    fn drop(&mut self) {
        Self::set(self.before);
    }
}

/// The context with the capture in it that the thread works for.
pub(crate) fn carried(context: Context) -> Context {
    if STATE.load(Relaxed) == NONE || scope_of(&context).is_some() {
        return context;
    }
    match CURRENT.try_with(Cell::get) {
        Ok(0) | Err(_) => context,
        Ok(id) => context.with_value(Scope(id)),
    }
}

/// Begins a capture inside of the one around the caller, and gives its number and the context of its code. `alone` is the
/// policy while there is no pipeline.
pub(crate) fn begin(context: &Context, always: bool, alone: Policy) -> (u64, Context) {
    let around = current();
    let id = quietly(|captures| {
        captures.last += 1;
        let outer = Some(around).filter(|id| captures.live.contains_key(id));
        captures.live.insert(captures.last, Live { outer, always, ..Live::default() });
        captures.alone = alone;
        captures.apply();
        captures.last
    });
    (id, context.with_value(Scope(id)))
}

/// What a capture has found so far.
pub(crate) fn so_far(id: u64) -> Found {
    quietly(|captures| captures.so_far(id))
}

/// Ends a capture; what it has found.
pub(crate) fn end(id: u64) -> Found {
    quietly(|captures| {
        let found = captures.so_far(id);
        for trace in captures.live.remove(&id).into_iter().flat_map(|live| live.traces) {
            if let Some(seen_by) = captures.traces.get_mut(&trace) {
                seen_by.retain(|other| *other != id);
                if seen_by.is_empty() {
                    captures.traces.remove(&trace);
                }
            }
        }
        captures.apply();
        found
    })
}

impl Captures {
    /// Keeps the records of captured traces.
    fn tap(&mut self, mut words: &[u64]) {
        if self.traces.is_empty() {
            return;
        }
        while let Some((record, rest)) = split_record(words) {
            words = rest;
            for id in trace_of_record(record).and_then(|trace| self.traces.get(&trace)).into_iter().flatten() {
                self.live.entry(*id).and_modify(|live| live.words.extend_from_slice(record));
            }
        }
    }

    fn so_far(&mut self, id: u64) -> Found {
        if !self.collector {
            // Nobody else takes anything away, and nobody else wants it.
            collect_from_threads(u64::MAX, |words| {
                self.tap(words);
                count_records(words)
            });
            while let Some(full) = QUEUE.pop() {
                full.chunk.read(full.from, |words| self.tap(words));
                QUEUE.recycle(full.chunk);
            }
        }
        let Some(live) = self.live.get(&id) else { return Found::default() };
        let mut found = Found { words: live.words.clone(), own: live.own.clone(), entries: live.entries.clone() };
        if self.collector {
            // What the collector has not come for yet.
            let mut take = |mut words: &[u64]| {
                while let Some((record, rest)) = split_record(words) {
                    words = rest;
                    if trace_of_record(record).is_some_and(|trace| live.traces.contains(&trace)) {
                        found.words.extend_from_slice(record);
                    }
                }
            };
            // Threads first: what moves on in between is in the queue by then.
            peek_at_threads(&mut take);
            QUEUE.peek(&mut take);
        }
        found
    }

    /// Makes it so that captures see what they should, with and without a pipeline.
    fn apply(&self) {
        let captured = !self.live.is_empty();
        // A capture loses nothing because an exporter is slow.
        QUEUE.set_unbounded(captured);
        match (captured, self.pipeline) {
            (false, pipeline) => {
                store_policy(pipeline);
                STATE.store(NONE, Relaxed);
            }
            (true, Policy::Off) => {
                // While a collector still works off what a pipeline has left, it reads the pipeline's settings.
                if !self.collector {
                    set_limits(&Limits::default());
                    old_names::set(&[], false);
                    sampling::set_default();
                    set_exception_signal(ExceptionSignal::SpanEvents);
                    set_metrics(true);
                }
                STATE.store(ALONE, Relaxed);
                store_policy(self.alone);
            }
            (true, pipeline) => {
                store_policy(pipeline);
                STATE.store(BESIDE, Relaxed);
            }
        }
    }
}

fn trace_of_record(record: &[u64]) -> Option<u128> {
    Some(u128::from(*record.get(2)?) << 64 | u128::from(*record.get(3)?))
}

/// What whoever takes records away shows them to. While it is open no capture looks for them elsewhere.
pub(crate) struct Tap(MutexGuard<'static, Captures>);

impl Tap {
    /// Waits until nobody else has it. Not with a lock of the recording path held.
    pub(crate) fn open() -> Self {
        Self(captures())
    }

    pub(crate) fn words(&mut self, words: &[u64]) {
        self.0.tap(words);
    }

    /// The oldest chunk of the queue.
    pub(crate) fn pop(&mut self) -> Option<FullChunk> {
        let full = QUEUE.pop()?;
        full.chunk.read(full.from, |words| self.0.tap(words));
        Some(full)
    }
}

/// Says what the pipeline wants of annotated functions.
pub(crate) fn set_policy(policy: Policy) {
    quietly(|captures| {
        captures.pipeline = policy;
        captures.apply();
    });
}

/// Says whether a collector takes records away.
pub(crate) fn set_collector(runs: bool) {
    quietly(|captures| {
        captures.collector = runs;
        captures.apply();
    });
}

/// Keeps captures from changing during a fork.
#[cfg(all(unix, not(miri)))]
pub(in crate::record) fn lock() -> MutexGuard<'static, Captures> {
    captures()
}

#[cfg(all(unix, not(miri)))]
impl Captures {
    /// In the child of a fork: what is captured is the parent's.
    pub(in crate::record) fn forget(&mut self) {
        STATE.store(NONE, Relaxed);
        self.live.clear();
        self.traces.clear();
        self.pipeline = Policy::Off;
        self.collector = false;
    }
}
