//! Asynchronous spans: a future that owns its span.
//!
//! The span starts at the first poll, is current (for us and for OpenTelemetry) only while the future is being polled or
//! dropped, and ends when the future is ready or dropped, whichever comes first.

use super::Callsite;
use super::begin::Begin;
use super::guard::{EventWriter, enabled};
use super::limits::New;
use super::outcome::Outcome;
use super::shared::SharedSpan;
use super::start::Start;
use super::thread::{self, Active, Thread};
use super::undecided::{self, Undecided};
use super::watch::is_measured_unrecorded;
use crate::attribute::{Slot, Slots, SpanAttributes};
use crate::relation::Links;
use opentelemetry::{Context, ContextGuard};
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// An open span and the context that makes it current for OpenTelemetry: one pointer, so that futures stay small. The
/// context lies in the span and holds it, until this is dropped.
#[derive(Debug)]
pub(crate) struct AsyncSpan {
    span: Arc<SharedSpan>,
}

impl AsyncSpan {
    /// # Safety
    ///
    /// To be called once for a span.
    pub(crate) unsafe fn new(span: Arc<SharedSpan>, context: Context) -> Self {
        // SAFETY: there is no other `AsyncSpan` of the span, as the caller says, and nobody else looks at the context.
        unsafe { span.context.put(context) };
        Self { span }
    }

    pub(super) fn pointer(&self) -> *const SharedSpan {
        Arc::as_ptr(&self.span)
    }

    pub(crate) fn span(&self) -> &SharedSpan {
        &self.span
    }

    pub(crate) fn context(&self) -> &Context {
        // SAFETY: `new` has put it there, and it is taken away only by `drop`, which nobody calls while there is a reference.
        unsafe { self.span.context.get() }
    }

    /// The span for somebody else.
    pub(crate) fn handle(&self) -> Arc<SharedSpan> {
        Arc::clone(&self.span)
    }

    /// Keeps the memory for the thread's next span.
    #[inline(always)]
    pub(super) fn retire(self) {
        if let Some(thread) = thread::current() {
            thread.scratch.while_busy(|| {
                let span = Arc::clone(&self.span);
                // The context holds another reference.
                drop(self);
                thread.keep(span);
            });
        }
    }
}

impl Drop for AsyncSpan {
    fn drop(&mut self) {
        // SAFETY: nobody has a reference to it.
        drop(unsafe { self.span.context.take() });
    }
}

/// A future with a span of its own; see [`instrument`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct Instrumented<F, I> {
    future: ManuallyDrop<F>,
    inspect: I,
    span: Own,
}

/// What of it does not depend on the future, so that it is compiled once.
#[derive(Debug)]
struct Own {
    state: State,
}

impl Own {
    /// With what an annotation says of how the span begins.
    fn new(callsite: &'static Callsite, begin: Option<Box<Begin>>) -> Self {
        match begin {
            None => Self { state: State::New(callsite) },
            Some(mut begin) => {
                begin.callsite = Some(callsite);
                Self { state: State::Begin(begin) }
            }
        }
    }
}

#[derive(Debug)]
pub(super) enum State {
    /// Not polled yet.
    New(&'static Callsite),
    /// The same, with more said of how the span begins. The call site is in it.
    Begin(Box<Begin>),
    /// The first poll found out that the sampler wants to know the values of the attributes.
    Undecided(Box<Undecided>),
    /// Polled, and nothing is recorded.
    Quiet,
    Open(AsyncSpan),
    /// Over; the future may still have to be dropped.
    Ended,
}

/// Gives `future` a span. `inspect` says what to record of its output.
pub fn instrument<F, I>(callsite: &'static Callsite, future: F, inspect: I) -> Instrumented<F, I>
where
    F: Future,
    I: for<'a> Fn(&'a F::Output) -> Outcome<'a>,
{
    Instrumented { future: ManuallyDrop::new(future), inspect, span: Own { state: State::New(callsite) } }
}

/// Gives `future` a span that begins as `begin` says; see [`begin`](super::begin()). It begins at the first poll all the
/// same.
pub fn instrument_with<F, I>(
    callsite: &'static Callsite,
    begin: Option<Box<Begin>>,
    future: F,
    inspect: I,
) -> Instrumented<F, I>
where
    F: Future,
    I: for<'a> Fn(&'a F::Output) -> Outcome<'a>,
{
    Instrumented { future: ManuallyDrop::new(future), inspect, span: Own::new(callsite, begin) }
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
        let scope = this.span.enter();
        let poll = future.poll(task);
        match &poll {
            // This displays the error, which may panic too.
            Poll::Ready(output) if scope.is_recorded() => scope.ready((this.inspect)(output)),
            _ => scope.leave(),
        }
        if poll.is_ready() {
            this.span.retire();
        }
        poll
    }
}

impl Own {
    /// Makes the span current; opens it at the first poll.
    #[inline]
    fn enter(&mut self) -> Scope<'_> {
        if let State::New(callsite) = self.state {
            // There is nothing to drop in the old state.
            std::mem::forget(std::mem::replace(&mut self.state, first_poll(callsite)));
        } else if let State::Begin(_) = self.state {
            self.begin();
        }
        match &self.state {
            State::Open(open) => Scope::enter(Some(open)),
            // An annotated body without a span must not find the handle of the span further out.
            State::Quiet => Scope::enter(None),
            State::Undecided(undecided) if undecided.is_waiting() => Scope::undecided(undecided),
            State::Undecided(undecided) => Scope::enter(undecided.open()),
            State::New(_) | State::Begin(_) | State::Ended => Scope { inside: None },
        }
    }

    #[cold]
    #[inline(never)]
    fn begin(&mut self) {
        if let State::Begin(begin) = std::mem::replace(&mut self.state, State::Quiet)
            && let Some(callsite) = begin.callsite
        {
            match first_poll_begun(callsite, begin) {
                (state, Some(begin)) => {
                    self.state = state;
                    begin.forget();
                }
                (state, None) => self.state = state,
            }
        }
    }

    fn dropping(&self) -> Dropping<'_> {
        match &self.state {
            State::Open(open) => Dropping { ended: Some(Cancelled(&open.span)), scope: Scope::enter(Some(open)) },
            State::Undecided(undecided) => match undecided.open() {
                Some(open) => Dropping { ended: Some(Cancelled(&open.span)), scope: Scope::enter(Some(open)) },
                None => Dropping { ended: None, scope: Scope { inside: None } },
            },
            _ => Dropping { ended: None, scope: Scope { inside: None } },
        }
    }

    /// Keeps the memory of a span that has ended.
    #[inline]
    fn retire(&mut self) {
        if let State::Open(_) = &self.state
            && let State::Open(open) = std::mem::replace(&mut self.state, State::Ended)
        {
            open.retire();
        }
    }
}

/// The state of the thread, if spans may begin on it.
#[inline(always)]
fn thread_for_a_span() -> Option<&'static Thread> {
    if !enabled() {
        return None;
    }
    let thread = thread::current();
    if thread.is_none() {
        thread::lost_at_start();
    }
    thread
}

#[inline(never)]
pub(super) fn first_poll(callsite: &'static Callsite) -> State {
    let Some(thread) = thread_for_a_span() else { return State::Quiet };
    let Some(start) = Start::find(thread, callsite) else { return unrecorded(callsite, thread) };
    if start.is_undecided() {
        return State::Undecided(Undecided::new(callsite, None, thread));
    }
    open(callsite, thread, start, None)
}

/// The same where an annotation says how the span begins; and that, unless it is needed any longer.
pub(super) fn first_poll_begun(callsite: &'static Callsite, begin: Box<Begin>) -> (State, Option<Box<Begin>>) {
    let Some(thread) = thread_for_a_span() else { return (State::Quiet, Some(begin)) };
    let Some((start, context)) = Start::begun(thread, &begin, callsite) else {
        return (unrecorded(callsite, thread), Some(begin));
    };
    if start.is_undecided() {
        return (State::Undecided(Undecided::new(callsite, Some(begin), thread)), None);
    }
    let state = open(callsite, thread, start, Some(&context));
    thread.scratch.while_busy(|| drop(context));
    (state, Some(begin))
}

/// Opens the span in a context that is given, or else in the current one.
#[inline(always)]
pub(super) fn open(
    callsite: &'static Callsite,
    thread: &'static Thread,
    start: Start,
    inside: Option<&Context>,
) -> State {
    // The allocator may be traced.
    thread.scratch.while_busy(|| {
        let span = SharedSpan::of_future(callsite, &start, thread, inside);
        let recording = span.is_recording().then_some(&span);
        let context = match inside {
            None => start.context(recording),
            Some(inside) => start.context_in(inside, recording),
        };
        // SAFETY: the span was just made.
        State::Open(unsafe { AsyncSpan::new(span, context) })
    })
}

/// For a call that is not recorded, and perhaps measured.
#[cold]
#[inline(never)]
pub(super) fn unrecorded(callsite: &'static Callsite, thread: &Thread) -> State {
    if !is_measured_unrecorded(callsite, thread) {
        return State::Quiet;
    }
    thread.scratch.while_busy(|| {
        let span = SharedSpan::unrecorded(callsite, thread);
        // SAFETY: the span was just made.
        State::Open(unsafe { AsyncSpan::new(span, Context::current()) })
    })
}

impl<F, I> Drop for Instrumented<F, I> {
    fn drop(&mut self) {
        let dropping = self.span.dropping();
        // SAFETY: this is the only place that drops the future, and runs once.
        unsafe { ManuallyDrop::drop(&mut self.future) };
        dropping.finish();
    }
}

/// The time during which a future is dropped that was not ready. What it drops may be traced, and belongs to its span.
struct Dropping<'a> {
    // In this order, also if dropping the future panics.
    ended: Option<Cancelled<'a>>,
    scope: Scope<'a>,
}

impl Dropping<'_> {
    fn finish(self) {
        let Self { ended, scope } = self;
        drop(ended);
        scope.leave();
    }
}

/// Ends a span whose future was dropped before it was ready, even if dropping it panics.
pub(super) struct Cancelled<'a>(pub(super) &'a SharedSpan);

impl Drop for Cancelled<'_> {
    fn drop(&mut self) {
        self.0.end_cancelled();
    }
}

/// The time during which a future is polled or dropped. Dropped because of a panic, it ends the span: nobody may poll the
/// future again, and it may be dropped much later.
///
/// It must be left in the call that entered it, so that `polled` never points to a span that is gone; an [`Entry`] may not.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    inside: Option<Inside<'a>>,
}

#[derive(Debug)]
struct Inside<'a> {
    thread: &'static Thread,
    polled_before: *const SharedSpan,
    /// What to restore if a span was made current.
    current: Option<Current<'a>>,
    /// Whether no span was, because it has not begun; looked at only if there is none, so that it costs others nothing.
    undecided: bool,
}

/// What was current before a span was.
#[derive(Debug)]
pub(super) struct Current<'a> {
    span: &'a SharedSpan,
    before: Active,
    context: ContextGuard,
}

impl<'a> Current<'a> {
    #[inline]
    pub(super) fn enter(thread: &'static Thread, open: &'a AsyncSpan) -> Self {
        open.span.enters_here(thread);
        let before = thread.active.get();
        thread.active.set(open.span.active);
        let context = thread.scratch.while_busy(|| open.context().clone().attach());
        Self { span: &open.span, before, context }
    }

    pub(super) fn span(&self) -> &SharedSpan {
        self.span
    }

    #[inline]
    pub(super) fn leave(self, thread: &'static Thread) {
        thread.active.set(self.before);
        thread.scratch.while_busy(|| drop(self.context));
    }
}

impl<'a> Scope<'a> {
    /// Makes the span current.
    #[inline]
    pub(super) fn enter(open: Option<&'a AsyncSpan>) -> Self {
        let Some(thread) = thread::current() else { return Self { inside: None } };
        let polled = open.map_or(std::ptr::null(), |open| Arc::as_ptr(&open.span));
        let polled_before = thread.polled.replace(polled);
        let current = open.map(|open| Current::enter(thread, open));
        Self { inside: Some(Inside { thread, polled_before, current, undecided: false }) }
    }

    /// For the first poll of a span that has not begun.
    #[cold]
    #[inline(never)]
    fn undecided(undecided: &'a Undecided) -> Self {
        let Some(thread) = thread::current() else { return Self { inside: None } };
        let polled_before = thread.polled.replace(thread.polls.enter(undecided));
        Self { inside: Some(Inside { thread, polled_before, current: None, undecided: true }) }
    }

    /// Whether something is recorded.
    #[inline]
    pub(super) fn is_recorded(&self) -> bool {
        self.inside.as_ref().is_some_and(|inside| inside.current.is_some() || inside.undecided)
    }

    /// The end of a future that is ready.
    #[inline]
    pub(super) fn ready(mut self, outcome: Outcome<'_>) {
        let end = |span: &SharedSpan| {
            if !outcome.is_good() {
                span.fail(&outcome);
            }
            span.end(None);
        };
        match &self.inside {
            Some(Inside { current: Some(current), .. }) => end(current.span),
            Some(Inside { undecided: true, .. }) => return self.end_undecided(&end),
            _ => {}
        }
        self.leave();
    }

    /// The regular end.
    #[inline]
    pub(super) fn leave(mut self) {
        self.end();
    }

    #[inline]
    fn end(&mut self) {
        if let Some(Inside { thread, polled_before, current, undecided }) = self.inside.take() {
            thread.polled.set(polled_before);
            match current {
                Some(current) => current.leave(thread),
                None if undecided => thread.polls.leave(thread, |_| {}),
                None => {}
            }
        }
    }

    /// The end of a first poll at whose beginning the span had not begun.
    #[cold]
    #[inline(never)]
    fn end_undecided(&mut self, last: &dyn Fn(&SharedSpan)) {
        if let Some(Inside { thread, polled_before, .. }) = self.inside.take() {
            thread.polled.set(polled_before);
            thread.polls.leave(thread, last);
        }
    }
}

impl Drop for Scope<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(inside) = &self.inside {
            match &inside.current {
                Some(current) => current.span.end_in_panic(),
                None if inside.undecided => return self.end_undecided(&SharedSpan::end_in_panic),
                None => {}
            }
            self.end();
        }
    }
}

/// The time during which a span made by hand is current on a thread. Dropped because of a panic, it ends the span. It may be
/// left in any order and at any time, or never.
#[derive(Debug)]
pub(crate) struct Entry<'a>(Option<(&'static Thread, Current<'a>)>);

impl<'a> Entry<'a> {
    /// Makes the span current.
    pub(crate) fn enter(open: &'a AsyncSpan) -> Self {
        Self(thread::current().map(|thread| (thread, Current::enter(thread, open))))
    }

    /// The regular end.
    pub(crate) fn leave(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some((thread, current)) = self.0.take() {
            current.leave(thread);
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if let Some((_, current)) = &self.0 {
            current.span.end_in_panic();
        }
        self.end();
    }
}

/// The span of the asynchronous body that is running, for the macros to record to.
///
/// Its lifetime is that of a local variable of the body, so that it cannot move to a task that outlives the span.
#[derive(Debug)]
pub struct SpanRef<'a> {
    span: Option<Arc<SharedSpan>>,
    body: PhantomData<&'a ()>,
}

/// The span of the body that is running.
#[inline(always)]
pub(super) fn polled(thread: &Thread) -> Option<Arc<SharedSpan>> {
    let span = thread.polled.get();
    (!span.is_null()).then(|| {
        // SAFETY: `polled` is the pointer of an `Arc` that the scope around this call holds.
        unsafe {
            Arc::increment_strong_count(span);
            Arc::from_raw(span)
        }
    })
}

/// Finds the span of the body that calls this, on its first poll and before anything else.
pub fn span_ref(_body: &()) -> SpanRef<'_> {
    let span = thread::current().and_then(polled);
    SpanRef { span: span.filter(|span| span.is_recording()), body: PhantomData }
}

impl<'a> SpanRef<'a> {
    /// Nothing is recorded.
    pub(super) const NONE: Self = Self { span: None, body: PhantomData };

    pub(super) fn of(open: &'a AsyncSpan) -> Self {
        let span = open.span.is_recording().then(|| Arc::clone(&open.span));
        Self { span, body: PhantomData }
    }
}

impl SpanRef<'_> {
    /// The span after the values of the attributes that it begins with are recorded: it may have waited for them.
    #[inline]
    pub fn decided(self) -> Self {
        match &self.span {
            Some(span) if span.is_collecting() => undecided::decided(span),
            _ => self,
        }
    }

    pub(super) fn with(span: Arc<SharedSpan>) -> Self {
        Self { span: Some(span), body: PhantomData }
    }

    /// Whether anything is recorded.
    pub fn is_recording(&self) -> bool {
        self.span.is_some()
    }

    /// The places for the values of attributes; `None` if nothing is recorded.
    #[inline]
    pub fn first_slots(&self) -> Option<Slots<'_>> {
        Some(Slots::new(&**self.span.as_ref()?))
    }

    /// The place for the value of the attribute with this index; `None` if nothing is recorded.
    #[inline]
    pub fn slot(&self, index: u16) -> Option<Slot<'_>> {
        Some(Slot::new(&**self.span.as_ref()?, index))
    }

    /// Records the attributes of a struct, unless nothing is recorded.
    pub fn attributes(&self, of: &(impl SpanAttributes + ?Sized)) {
        if let Some(span) = &self.span {
            span.attributes(of);
        }
    }

    /// Links to other spans, unless nothing is recorded. What is not valid makes no link.
    pub fn links(&self, to: &(impl Links + ?Sized)) {
        if let Some(span) = &self.span {
            span.links(to);
        }
    }

    /// Starts an event named by the key with this index; `None` if nothing is recorded.
    pub fn event(&self, index: u16) -> Option<EventWriter<'_>> {
        let span = self.span.as_ref()?;
        let thread = thread::current()?;
        span.admits(New::Event).then(|| EventWriter::new(&thread.scratch, index, Some(span)))
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn a_future_grows_by_two_words() {
        assert_eq!(size_of::<Own>(), 16);
        assert_eq!(size_of::<Option<Box<Begin>>>(), 8);
    }
}
