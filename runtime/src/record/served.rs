//! Spans of requests that a server answers: they begin before their handler's future is made, and go on while the body of the
//! answer is sent.
//!
//! They are cheaper than spans by hand: what they begin with is written at once, by the indices of their call site, and
//! nothing is evaluated of a span that is not recorded.

use super::Callsite;
use super::future::{self, AsyncSpan, Scope};
use super::limits;
use super::sampling::{Given, Who};
use super::shared::SharedSpan;
use super::start::Start;
use super::thread::{self, Active, Thread};
use crate::attribute::Target;
use crate::wire::{Scratch, status};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt};
use opentelemetry::{Context, ContextGuard};
use std::cell::{Cell, OnceCell};
use std::sync::Arc;

/// What a span of a request begins with.
pub(crate) trait Request {
    /// The most attributes that [`attributes`](Self::attributes) writes.
    const MOST: usize;

    /// The span's name, asked for only where a sampler wants to know it.
    fn name(&self) -> String;

    /// Writes the attributes. Runs no code of the user.
    fn attributes(&self, to: &dyn Target);
}

/// Who begins a span, for a sampler that asks.
struct Asks<'a, R> {
    callsite: &'static Callsite,
    request: &'a R,
    name: &'a OnceCell<String>,
    given: Given<'a>,
}

// By hand, because derived ones would want the same of requests.
impl<R> Copy for Asks<'_, R> {}

impl<R> Clone for Asks<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, R: Request> From<Asks<'a, R>> for Who<'a> {
    fn from(asks: Asks<'a, R>) -> Self {
        let Asks { callsite, request, name, given } = asks;
        Self { callsite, name: name.get_or_init(|| request.name()), kind: callsite.kind, given, links: &[] }
    }
}

thread_local! {
    /// The server span whose request is worked on right now, innermost, and the span that it is the child of.
    static SERVING: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// What became of a span that was to begin.
#[derive(Debug)]
pub(crate) enum Begun {
    /// Nothing is recorded or handed on: telemetry is off or suppressed, or the current span is one of this process that is not
    /// recorded.
    Nothing,
    Passing(Passing),
    Open(Served),
}

/// An open span of a request. It is dropped without a record unless it was [ended](Self::end).
#[derive(Debug)]
pub(crate) struct Served {
    open: AsyncSpan,
    parent: u64,
}

/// A span of a request that is not recorded: there are its ids for what it calls, and no more.
#[derive(Debug)]
pub(crate) struct Passing {
    context: Context,
    active: Active,
    parent: u64,
}

impl Begun {
    /// Begins the span of a request below `sender`, or else below the span in `context`.
    pub(crate) fn begin<R: Request>(
        callsite: &'static Callsite,
        context: &Context,
        sender: Option<&SpanContext>,
        request: &R,
    ) -> Self {
        let Some(thread) = thread::current() else {
            thread::lost_at_start();
            return Self::Nothing;
        };
        if thread.scratch.busy() || context.is_telemetry_suppressed() {
            return Self::Nothing;
        }
        let name = OnceCell::new();
        let asks = |given| Asks { callsite, request, name: &name, given };
        let find = |given| match sender {
            // The allocator may be traced.
            Some(sender) => thread.scratch.while_busy(|| {
                Start::of(thread, sender, context, asks(given), |seen, trace, parent, continues| {
                    seen.decide(trace.1, parent, continues, context)
                })
            }),
            None => Start::below(thread, context, asks(given)),
        };
        let Some(mut start) = find(Given::Nothing) else { return Self::Nothing };
        if start.is_undecided() {
            let own = Scratch::new();
            request.attributes(&own);
            let words = own.above(0, <[u64]>::to_vec);
            let Some(decided) = find(Given::Words(&words)) else { return Self::Nothing };
            start = decided;
        }
        let (parent, active) = (start.parent, start.active);
        if !active.mode.is_recording() {
            let context = thread.scratch.while_busy(|| start.context_in(context, None));
            return Self::Passing(Passing { context, active, parent });
        }
        let future::State::Open(open) = future::open(callsite, thread, start, Some(context)) else {
            return Self::Nothing;
        };
        open.span().at_once(thread, R::MOST, |to| request.attributes(to));
        Self::Open(Served { open, parent })
    }
}

impl Served {
    pub(crate) fn span(&self) -> &SharedSpan {
        self.open.span()
    }

    /// The span for somebody who may outlive it.
    pub(crate) fn handle(&self) -> Arc<SharedSpan> {
        self.open.handle()
    }

    pub(crate) fn context(&self) -> &Context {
        self.open.context()
    }

    pub(crate) fn span_context(&self) -> SpanContext {
        self.open.context().span().span_context().clone()
    }

    /// Makes the span current. It ends as a panicked one if the result is dropped by unwinding, and not by
    /// [`leave`](Serving::leave).
    #[inline]
    pub(crate) fn enter(&self) -> Serving<'_> {
        let before = SERVING.replace((self.open.span().active.span, self.parent));
        Serving { inside: Inside::Span(Some(Scope::enter(Some(&self.open)))), before }
    }

    /// Ends the span, and keeps its memory for the next one.
    pub(crate) fn end(self) {
        self.open.span().end(None);
        self.open.retire();
    }

    /// Ends the span of somebody who has gone away.
    pub(crate) fn end_cancelled(self) {
        self.open.span().end_cancelled();
        self.open.retire();
    }
}

impl Passing {
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn span_context(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    /// Makes it current.
    #[inline]
    pub(crate) fn enter(&self) -> Serving<'_> {
        let before = SERVING.replace((self.active.span, self.parent));
        let passed = thread::current().map(|thread| {
            let (active, polled) = (thread.active.get(), thread.polled.replace(std::ptr::null()));
            thread.active.set(self.active);
            let context = thread.scratch.while_busy(|| self.context.clone().attach());
            Passed { thread, active, polled, context: Some(context) }
        });
        Serving { inside: Inside::Passing(passed), before }
    }
}

/// The time during which a request is worked on.
pub(crate) struct Serving<'a> {
    inside: Inside<'a>,
    before: (u64, u64),
}

enum Inside<'a> {
    Span(Option<Scope<'a>>),
    /// What was current before.
    Passing(#[allow(dead_code, reason = "it is dropped")] Option<Passed>),
}

struct Passed {
    thread: &'static Thread,
    active: Active,
    polled: *const SharedSpan,
    context: Option<ContextGuard>,
}

impl Drop for Passed {
    #[inline]
    fn drop(&mut self) {
        self.thread.polled.set(self.polled);
        self.thread.active.set(self.active);
        self.thread.scratch.while_busy(|| drop(self.context.take()));
    }
}

impl Serving<'_> {
    /// The regular end.
    #[inline]
    pub(crate) fn leave(mut self) {
        if let Inside::Span(scope) = &mut self.inside
            && let Some(scope) = scope.take()
        {
            scope.leave();
        }
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        SERVING.set(self.before);
    }
}

/// Whether the innermost active span is the server span of a request whose headers name this parent: whoever serves it begins
/// no other. Also that span, if it is recorded.
pub(crate) fn serving(parent: Option<&SpanContext>) -> Option<Option<Arc<SharedSpan>>> {
    let (span, its_parent) = SERVING.get();
    if span == 0 {
        return None;
    }
    let thread = thread::existing().filter(|thread| thread.active.get().span == span)?;
    let is_same = parent.is_none_or(|parent| parent.span_id() == SpanId::from(its_parent));
    is_same.then(|| future::polled(thread))
}

impl SharedSpan {
    /// Records at most `most` attributes with one look at the limits.
    fn at_once(&self, thread: &Thread, most: usize, write: impl FnOnce(&dyn Target)) {
        // Every attribute takes a word at least.
        if self.items().words.len() + most > limits::attributes() {
            return write(self);
        }
        let scratch = &thread.scratch;
        let position = scratch.position();
        scratch.while_writing(|| write(scratch));
        self.take_above(scratch, position);
    }

    /// Makes the status an error that nothing is known of but what the attributes say.
    #[cold]
    pub(crate) fn fail_silently(&self) {
        self.status(status::ERROR, "");
    }
}
