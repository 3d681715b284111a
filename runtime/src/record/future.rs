//! Asynchronous spans: a future that owns its span.
//!
//! The span starts at the first poll, is current (for us and for OpenTelemetry) only while the future is being polled or
//! dropped, and ends when the future is ready or dropped, whichever comes first.

use super::chunk::Head;
use super::counters::{COUNTERS, Counters};
use super::guard::{EventWriter, Start};
use super::outcome::Outcome;
use super::thread::{self, Active, Mode, Thread};
use super::{Callsite, flag};
use crate::attribute::{Slot, move_above};
use crate::clock;
use crate::wire;
use opentelemetry::{Context, ContextGuard};
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

/// An open asynchronous span.
#[derive(Debug)]
pub(super) struct AsyncSpan {
    callsite: &'static Callsite,
    active: Active,
    parent: u64,
    start: u64,
    flags: u8,
    context: Context,
    items: Mutex<Vec<u64>>,
    ended: AtomicBool,
}

impl AsyncSpan {
    fn start(callsite: &'static Callsite, thread: &Thread) -> Option<Self> {
        let Start { active, parent, flags, trace_state } = Start::find(thread)?;
        let items = Mutex::new(Vec::new());
        if let Some(state) = trace_state {
            let position = thread.scratch.position();
            thread.scratch.str(wire::TRACE_STATE, 0, &state);
            move_above(&thread.scratch, position, &items);
        }
        let context = active.context();
        let ended = AtomicBool::new(false);
        Some(Self { callsite, active, parent, start: clock::now(), flags, context, items, ended })
    }

    fn is_recording(&self) -> bool {
        self.active.mode == Mode::Recording
    }

    /// Records the span; only the first call counts.
    fn end(&self, flags: u8) {
        if !self.is_recording() || self.ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let Some(thread) = thread::current() else {
            Counters::add(&COUNTERS.thread_gone, 1);
            return;
        };
        let head = Head {
            callsite: self.callsite,
            trace: self.active.trace,
            span: self.active.span,
            parent: self.parent,
            start: self.start,
            end: clock::now(),
            flags: self.flags | flags,
        };
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        thread.finish(&head, &items);
    }
}

/// A future with a span of its own; see [`instrument`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct Instrumented<F, I> {
    future: ManuallyDrop<F>,
    inspect: I,
    callsite: &'static Callsite,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Not polled yet.
    New,
    /// Polled, and nothing is recorded.
    Quiet,
    Open(Arc<AsyncSpan>),
    /// Over; the future may still have to be dropped.
    Ended,
}

/// Gives `future` a span. `inspect` says what to record of its output.
pub fn instrument<F, I>(callsite: &'static Callsite, future: F, inspect: I) -> Instrumented<F, I>
where
    F: Future,
    I: for<'a> Fn(&'a F::Output) -> Outcome<'a>,
{
    Instrumented { future: ManuallyDrop::new(future), inspect, callsite, state: State::New }
}

impl<F, I> Future for Instrumented<F, I>
where
    F: Future,
    I: for<'a> Fn(&'a F::Output) -> Outcome<'a>,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, task: &mut std::task::Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is pinned structurally: it is never moved, and dropped in place. Nothing else is pinned.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let future = unsafe { Pin::new_unchecked(&mut *this.future) };
        if let State::New = this.state {
            this.state = first_poll(this.callsite);
            if let State::Quiet = this.state {
                let _scope = Scope::enter(None);
                return future.poll(task);
            }
        }
        let State::Open(span) = &this.state else { return future.poll(task) };
        let scope = Scope::enter(Some(span));
        let panicking = std::thread::panicking();
        let unwinding = OnUnwind(span, panicking);
        let poll = future.poll(task);
        if let Poll::Ready(output) = &poll {
            // This displays the error, which may panic too.
            let outcome = (this.inspect)(output);
            if !outcome.is_good() {
                scope.fail(span, outcome);
            }
        }
        std::mem::forget(unwinding);
        if poll.is_ready() {
            span.end(0);
            drop(scope);
            this.state = State::Ended;
        }
        poll
    }
}

#[inline(never)]
fn first_poll(callsite: &'static Callsite) -> State {
    if !thread::enabled() {
        return State::Quiet;
    }
    let Some(thread) = thread::current() else {
        Counters::add(&COUNTERS.thread_gone, 1);
        return State::Quiet;
    };
    AsyncSpan::start(callsite, thread).map_or(State::Quiet, |span| State::Open(Arc::new(span)))
}

/// Ends the span when the future panics: nobody may poll it again, and it may be dropped much later.
struct OnUnwind<'a>(&'a Arc<AsyncSpan>, bool);

impl Drop for OnUnwind<'_> {
    fn drop(&mut self) {
        self.0.end(if self.1 { 0 } else { flag::PANIC });
    }
}

impl<F, I> Drop for Instrumented<F, I> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Open(span) => {
                // What the future drops may be traced, and belongs to this span.
                let scope = Scope::enter(Some(&span));
                let _ended = Cancelled(&span);
                // SAFETY: this is the only place that drops the future, and runs once.
                unsafe { ManuallyDrop::drop(&mut self.future) };
                drop(scope);
            }
            // SAFETY: as above.
            _ => unsafe { ManuallyDrop::drop(&mut self.future) },
        }
    }
}

/// Ends a span whose future was dropped before it was ready, even if dropping it panics.
struct Cancelled<'a>(&'a Arc<AsyncSpan>);

impl Drop for Cancelled<'_> {
    fn drop(&mut self) {
        self.0.items.lock().unwrap_or_else(PoisonError::into_inner).push(wire::header(wire::CANCELLED, 0, 0));
        self.0.end(0);
    }
}

/// The time during which a future is polled or dropped.
struct Scope<'a> {
    thread: Option<&'static Thread>,
    before: Active,
    polled_before: *const AsyncSpan,
    _context: Option<ContextGuard>,
    _span: PhantomData<&'a AsyncSpan>,
}

impl<'a> Scope<'a> {
    /// Makes `span` current. With `None` only takes away the handle of the span further out, which an annotated body
    /// without a span must not find.
    #[inline]
    fn enter(span: Option<&'a Arc<AsyncSpan>>) -> Self {
        let thread = thread::current();
        let mut scope = Scope {
            thread,
            before: Active::NOTHING,
            polled_before: std::ptr::null(),
            _context: None,
            _span: PhantomData,
        };
        if let Some(thread) = thread {
            scope.before = thread.active.get();
            scope.polled_before = thread.polled.replace(span.map_or(std::ptr::null(), Arc::as_ptr));
            if let Some(span) = span {
                thread.active.set(span.active);
                thread.scratch.descend();
                scope._context = Some(span.context.clone().attach());
            }
        }
        scope
    }

    #[cold]
    fn fail(&self, span: &AsyncSpan, outcome: Outcome<'_>) {
        if let Some(thread) = self.thread.filter(|_| span.is_recording()) {
            let position = thread.scratch.position();
            outcome.write(&thread.scratch);
            move_above(&thread.scratch, position, &span.items);
        }
    }
}

impl Drop for Scope<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(thread) = self.thread {
            thread.polled.set(self.polled_before);
            if self._context.take().is_some() {
                thread.scratch.ascend();
                thread.active.set(self.before);
            }
        }
    }
}

/// The span of the asynchronous body that is running, for the macros to record to.
///
/// Its lifetime is that of a local variable of the body, so that it cannot move to a task that outlives the span.
#[derive(Debug)]
pub struct SpanRef<'a> {
    span: Option<Arc<AsyncSpan>>,
    body: PhantomData<&'a ()>,
}

/// Finds the span of the body that calls this, on its first poll and before anything else.
pub fn span_ref(_body: &()) -> SpanRef<'_> {
    let span = thread::current().map(|thread| thread.polled.get()).filter(|span| !span.is_null()).map(|span| {
        // SAFETY: `polled` is the pointer of an `Arc` that the scope around this call holds.
        unsafe {
            Arc::increment_strong_count(span);
            Arc::from_raw(span)
        }
    });
    SpanRef { span: span.filter(|span| span.is_recording()), body: PhantomData }
}

impl SpanRef<'_> {
    /// Whether anything is recorded.
    pub fn is_recording(&self) -> bool {
        self.span.is_some()
    }

    /// The place for the value of the attribute with this index; `None` if nothing is recorded.
    #[inline]
    pub fn slot(&self, index: u16) -> Option<Slot<'_>> {
        let span = self.span.as_ref()?;
        Some(Slot::elsewhere(&thread::current()?.scratch, index, &span.items))
    }

    /// Starts an event named by the key with this index; `None` if nothing is recorded.
    pub fn event(&self, index: u16) -> Option<EventWriter<'_>> {
        let span = self.span.as_ref()?;
        Some(EventWriter::new(&thread::current()?.scratch, index, Some(&span.items)))
    }
}
