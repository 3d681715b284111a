//! Spans of what is done piece by piece: iterators, streams, and futures that were given a span by hand.
//!
//! The span starts with the first piece, is current only while a piece is made or the whole is dropped, and ends when there
//! is nothing more or the whole is dropped, whichever comes first.

use super::Callsite;
use super::begin::Begin;
use super::future::{self, AsyncSpan, Cancelled, Scope, SpanRef, first_poll, first_poll_begun};
use super::outcome::Outcome;
use super::shared::SharedSpan;
use futures_core::Stream;
use opentelemetry::{Context, ContextGuard};
use std::future::Future;
use std::iter::FusedIterator;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::Poll;

/// How many items an iterator or a stream has given.
const ITEM_COUNT: &str = "otelier.item_count";
/// How many of them were failures; only where there were any.
const FAILED_ITEM_COUNT: &str = "otelier.failed_item_count";

/// How a span starts when the first piece is asked for.
pub trait Start {
    /// Starts the span.
    fn start(self) -> Opening;
}

/// A span that has started, or what stands for one that is not recorded.
#[derive(Debug)]
pub struct Opening(State);

impl Opening {
    pub(crate) fn open(span: AsyncSpan) -> Self {
        Self(State::Open(span))
    }

    /// Nothing is recorded, and this is current.
    pub(crate) fn around(context: Context) -> Self {
        Self(State::Around(context))
    }
}

#[derive(Debug)]
enum State {
    /// Nothing is recorded.
    Quiet,
    Around(Context),
    Open(AsyncSpan),
    /// Over, or not begun.
    None,
}

impl State {
    fn of(state: future::State) -> Self {
        match state {
            future::State::Open(open) => Self::Open(open),
            _ => Self::Quiet,
        }
    }
}

impl Start for &'static Callsite {
    fn start(self) -> Opening {
        Opening(State::of(first_poll(self)))
    }
}

/// What of a wrapper does not depend on what it wraps.
#[derive(Debug)]
struct Own<S> {
    start: Option<S>,
    state: State,
    seen: Seen,
}

#[derive(Debug, Default)]
struct Seen {
    items: u64,
    failed: u64,
    /// The worst that was recorded: nothing, an expected error, another one. So an endless stream of errors records two.
    worst: u8,
    /// Whether the last poll left something to wait for.
    pending: bool,
}

impl Seen {
    fn item(&mut self, span: &SharedSpan, outcome: &Outcome<'_>) {
        self.items += 1;
        if outcome.is_good() {
            return;
        }
        self.failed += 1;
        if self.worst < 2 && span.looks_at_failures() {
            let failure = outcome.failure();
            let bad = if failure.is_expected() { 1 } else { 2 };
            if bad > self.worst {
                self.worst = bad;
                span.fail_with(&failure);
            }
        }
    }

    fn count(&self, span: &SharedSpan) {
        span.attribute(ITEM_COUNT, &self.items);
        if self.failed > 0 {
            span.attribute(FAILED_ITEM_COUNT, &self.failed);
        }
    }
}

/// What a piece turned out to be.
enum Piece<'a> {
    Pending,
    Item(Outcome<'a>),
    /// There are no more items.
    End,
    /// The output of a future.
    Ready(Outcome<'a>),
}

impl<S: Start> Own<S> {
    fn new(start: S) -> Self {
        Self { start: Some(start), state: State::None, seen: Seen::default() }
    }

    /// Makes a piece inside of the span, and records what it is.
    fn piece<R>(&mut self, counts: bool, make: impl FnOnce() -> R, look: impl FnOnce(&R) -> Piece<'_>) -> R {
        if let Some(start) = self.start.take() {
            self.state = start.start().0;
        }
        let Self { state, seen, .. } = self;
        let within = Within::enter(state);
        let State::Open(open) = &*state else {
            let piece = make();
            within.leave();
            return piece;
        };
        let span = open.span();
        let counting = Counting { span: counts.then_some(span), seen };
        let piece = make();
        std::mem::forget(counting);
        let mut over = true;
        seen.pending = false;
        // This displays the error, which may panic, too.
        match look(&piece) {
            Piece::Pending => (seen.pending, over) = (true, false),
            Piece::Item(outcome) => {
                seen.item(span, &outcome);
                over = false;
            }
            Piece::End => {
                seen.count(span);
                span.end(None);
            }
            Piece::Ready(outcome) => {
                if !outcome.is_good() {
                    span.fail(&outcome);
                }
                span.end(None);
            }
        }
        within.leave();
        if over && let State::Open(open) = std::mem::replace(state, State::None) {
            open.retire();
        }
        piece
    }
}

impl<S> Own<S> {
    fn dropping(&self, drops: Drops) -> Dropping<'_> {
        let ended = match &self.state {
            State::Open(open) => Some(Ends { span: open.span(), seen: &self.seen, drops }),
            _ => None,
        };
        Dropping { ended, within: Within::enter(&self.state) }
    }
}

/// Says how many items there were if the next one panics; it is forgotten otherwise.
struct Counting<'a> {
    span: Option<&'a SharedSpan>,
    seen: &'a Seen,
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        if let Some(span) = self.span {
            self.seen.count(span);
        }
    }
}

/// What it means that something is dropped which is not over.
#[derive(Clone, Copy, Debug)]
enum Drops {
    /// A future was not ready: it was cancelled.
    Future,
    /// Nobody wants the rest.
    Iterator,
    /// Nobody wants the rest, unless somebody was waiting for the next item: then it was cancelled.
    Stream,
}

/// The time during which something is dropped. What that drops in turn may be traced, and belongs to its span.
struct Dropping<'a> {
    // In this order, also if dropping panics.
    ended: Option<Ends<'a>>,
    within: Within<'a>,
}

impl Dropping<'_> {
    fn finish(self) {
        let Self { ended, within } = self;
        drop(ended);
        within.leave();
    }
}

struct Ends<'a> {
    span: &'a SharedSpan,
    seen: &'a Seen,
    drops: Drops,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        let Self { span, seen, drops } = *self;
        if !matches!(drops, Drops::Future) {
            seen.count(span);
        }
        match drops {
            Drops::Future => drop(Cancelled(span)),
            Drops::Stream if seen.pending => drop(Cancelled(span)),
            _ => span.end(None),
        }
    }
}

/// The time during which the span is current. Dropped because of a panic, it ends the span.
enum Within<'a> {
    Span(Scope<'a>),
    Context { _attached: ContextGuard },
    Nothing,
}

impl<'a> Within<'a> {
    fn enter(state: &'a State) -> Self {
        match state {
            State::Open(open) => Self::Span(Scope::enter(Some(open))),
            // An annotated body without a span must not find the handle of the span further out.
            State::Quiet => Self::Span(Scope::enter(None)),
            State::Around(context) => Self::Context { _attached: context.clone().attach() },
            State::None => Self::Nothing,
        }
    }

    fn leave(self) {
        if let Self::Span(scope) = self {
            scope.leave();
        }
    }
}

/// An iterator with a span over its items.
///
/// The span starts at the first item, is current while an item is made, and ends when there are no more, or when the
/// iterator is dropped. To drop it early is no error. `otelier.item_count` says how many items were given. An item that is
/// a failure is recorded as the error of the span, with `otelier.failed_item_count`.
#[must_use = "iterators are lazy and do nothing unless consumed"]
#[derive(Debug)]
pub struct TracedIterator<I, F, S = &'static Callsite> {
    iterator: ManuallyDrop<I>,
    inspect: F,
    span: Own<S>,
}

impl<I, F, S> TracedIterator<I, F, S>
where
    I: Iterator,
    F: for<'a> Fn(&'a I::Item) -> Outcome<'a>,
    S: Start,
{
    pub(crate) fn new(iterator: I, inspect: F, start: S) -> Self {
        Self { iterator: ManuallyDrop::new(iterator), inspect, span: Own::new(start) }
    }

    fn item(&mut self, make: impl FnOnce(&mut I) -> Option<I::Item>) -> Option<I::Item> {
        let Self { iterator, inspect, span } = self;
        span.piece(true, || make(iterator), |item| item.as_ref().map_or(Piece::End, |item| Piece::Item(inspect(item))))
    }
}

impl<I, F, S> Iterator for TracedIterator<I, F, S>
where
    I: Iterator,
    F: for<'a> Fn(&'a I::Item) -> Outcome<'a>,
    S: Start,
{
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.item(Iterator::next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.iterator.size_hint()
    }
}

impl<I, F, S> DoubleEndedIterator for TracedIterator<I, F, S>
where
    I: DoubleEndedIterator,
    F: for<'a> Fn(&'a I::Item) -> Outcome<'a>,
    S: Start,
{
    fn next_back(&mut self) -> Option<I::Item> {
        self.item(DoubleEndedIterator::next_back)
    }
}

impl<I, F, S> ExactSizeIterator for TracedIterator<I, F, S>
where
    I: ExactSizeIterator,
    F: for<'a> Fn(&'a I::Item) -> Outcome<'a>,
    S: Start,
{
    fn len(&self) -> usize {
        self.iterator.len()
    }
}

impl<I, F, S> FusedIterator for TracedIterator<I, F, S>
where
    I: FusedIterator,
    F: for<'a> Fn(&'a I::Item) -> Outcome<'a>,
    S: Start,
{
}

impl<I, F, S> Drop for TracedIterator<I, F, S> {
    fn drop(&mut self) {
        let dropping = self.span.dropping(Drops::Iterator);
        // SAFETY: this is the only place that drops the iterator, and runs once.
        unsafe { ManuallyDrop::drop(&mut self.iterator) };
        dropping.finish();
    }
}

/// A stream with a span over its items; the span is as that of a [`TracedIterator`].
///
/// A stream that is dropped while somebody waits for its next item was cancelled, and its span says so with
/// `otelier.cancelled`; one that is dropped between two items was not.
#[must_use = "streams do nothing unless polled"]
#[derive(Debug)]
pub struct TracedStream<T, F, S = &'static Callsite> {
    stream: ManuallyDrop<T>,
    inspect: F,
    span: Own<S>,
}

impl<T, F, S> TracedStream<T, F, S>
where
    T: Stream,
    F: for<'a> Fn(&'a T::Item) -> Outcome<'a>,
    S: Start,
{
    pub(crate) fn new(stream: T, inspect: F, start: S) -> Self {
        Self { stream: ManuallyDrop::new(stream), inspect, span: Own::new(start) }
    }
}

impl<T, F, S> Stream for TracedStream<T, F, S>
where
    T: Stream,
    F: for<'a> Fn(&'a T::Item) -> Outcome<'a>,
    S: Start,
{
    type Item = T::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut std::task::Context<'_>) -> Poll<Option<T::Item>> {
        // SAFETY: `stream` is pinned structurally: it is never moved, and dropped in place. Nothing else is pinned.
        let Self { stream, inspect, span } = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let stream = unsafe { Pin::new_unchecked(&mut **stream) };
        span.piece(
            true,
            || stream.poll_next(task),
            |poll| match poll {
                Poll::Pending => Piece::Pending,
                Poll::Ready(None) => Piece::End,
                Poll::Ready(Some(item)) => Piece::Item(inspect(item)),
            },
        )
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<T, F, S> Drop for TracedStream<T, F, S> {
    fn drop(&mut self) {
        let dropping = self.span.dropping(Drops::Stream);
        // SAFETY: this is the only place that drops the stream, and runs once.
        unsafe { ManuallyDrop::drop(&mut self.stream) };
        dropping.finish();
    }
}

/// A future that was given a span by hand.
///
/// The span starts at the first poll and ends when the future is ready. A future that is dropped before was cancelled,
/// which is no error; its span says so with `otelier.cancelled`.
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct TracedFuture<T, F, S> {
    future: ManuallyDrop<T>,
    inspect: F,
    span: Own<S>,
}

impl<T, F, S> TracedFuture<T, F, S>
where
    T: Future,
    F: for<'a> FnMut(&'a T::Output) -> Outcome<'a>,
    S: Start,
{
    pub(crate) fn new(future: T, inspect: F, start: S) -> Self {
        Self { future: ManuallyDrop::new(future), inspect, span: Own::new(start) }
    }
}

impl<T, F, S> Future for TracedFuture<T, F, S>
where
    T: Future,
    F: for<'a> FnMut(&'a T::Output) -> Outcome<'a>,
    S: Start,
{
    type Output = T::Output;

    fn poll(self: Pin<&mut Self>, task: &mut std::task::Context<'_>) -> Poll<T::Output> {
        // SAFETY: `future` is pinned structurally: it is never moved, and dropped in place. Nothing else is pinned.
        let Self { future, inspect, span } = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let future = unsafe { Pin::new_unchecked(&mut **future) };
        span.piece(
            false,
            || future.poll(task),
            |poll| match poll {
                Poll::Pending => Piece::Pending,
                Poll::Ready(output) => Piece::Ready(inspect(output)),
            },
        )
    }
}

impl<T, F, S> Drop for TracedFuture<T, F, S> {
    fn drop(&mut self) {
        let dropping = self.span.dropping(Drops::Future);
        // SAFETY: this is the only place that drops the future, and runs once.
        unsafe { ManuallyDrop::drop(&mut self.future) };
        dropping.finish();
    }
}

/// The span of an annotated function whose items come later: it begins with the call of the function, and goes on with the
/// iterator or the stream that the function returns.
#[must_use = "the span ends when it is dropped"]
#[derive(Debug)]
pub struct Drain(State);

impl Drain {
    /// Begins the span.
    pub fn open(callsite: &'static Callsite) -> Self {
        Self(State::of(first_poll(callsite)))
    }

    /// The same where an annotation says how the span begins; see [`begin`](super::begin()).
    pub fn open_with(callsite: &'static Callsite, begin: Option<Box<Begin>>) -> Self {
        match begin {
            None => Self::open(callsite),
            Some(begin) => {
                let (state, begin) = first_poll_begun(callsite, begin);
                let state = State::of(state);
                begin.into_iter().for_each(|begin| begin.forget());
                Self(state)
            }
        }
    }

    /// The span, to record to.
    pub fn span(&self) -> SpanRef<'_> {
        match &self.0 {
            State::Open(open) => SpanRef::of(open),
            _ => SpanRef::NONE,
        }
    }

    /// Runs the function's body while the span is current.
    pub fn within<R>(&self, body: impl FnOnce() -> R) -> R {
        let within = Within::enter(&self.0);
        let result = body();
        within.leave();
        result
    }

    /// Goes on with an iterator. `inspect` says what to record of an item.
    pub fn iterator<I, F>(self, iterator: I, inspect: F) -> TracedIterator<I, F>
    where
        I: Iterator,
        F: for<'a> Fn(&'a I::Item) -> Outcome<'a>,
    {
        TracedIterator { iterator: ManuallyDrop::new(iterator), inspect, span: self.go_on() }
    }

    /// Goes on with a stream. `inspect` says what to record of an item.
    pub fn stream<T, F>(self, stream: T, inspect: F) -> TracedStream<T, F>
    where
        T: Stream,
        F: for<'a> Fn(&'a T::Item) -> Outcome<'a>,
    {
        TracedStream { stream: ManuallyDrop::new(stream), inspect, span: self.go_on() }
    }

    fn go_on(mut self) -> Own<&'static Callsite> {
        let state = std::mem::replace(&mut self.0, State::None);
        Own { start: None, state, seen: Seen::default() }
    }
}

impl Drop for Drain {
    /// The function has left without items, in a panic.
    fn drop(&mut self) {
        if let State::Open(open) = &self.0 {
            open.span().end(None);
        }
    }
}
