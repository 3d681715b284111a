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
use super::thread::{self, Thread};
use crate::attribute::Target;
use crate::wire::{Scratch, status};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt};
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

impl<'a, R: Request> From<Asks<'a, R>> for Who<'a> {
    fn from(asks: Asks<'a, R>) -> Self {
        let Asks { callsite, request, name, given } = asks;
        Self { callsite, name: name.get_or_init(|| request.name()), kind: callsite.kind, given }
    }
}

thread_local! {
    /// The server span whose request is worked on right now, innermost, and the span that it is the child of.
    static SERVING: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// An open span of a request. It is dropped without a record unless it was [ended](Self::end).
#[derive(Debug)]
pub(crate) struct Served {
    open: AsyncSpan,
    parent: u64,
}

impl Served {
    /// Begins the span below the one in `context`. `None` if nothing is recorded or handed on: telemetry is off or suppressed,
    /// or the span in the context is one of this process that is not recorded.
    pub(crate) fn begin<R: Request>(callsite: &'static Callsite, context: &Context, request: &R) -> Option<Self> {
        let Some(thread) = thread::current() else {
            thread::lost_at_start();
            return None;
        };
        if thread.scratch.busy() || context.is_telemetry_suppressed() {
            return None;
        }
        let name = OnceCell::new();
        let asks = |given| Asks { callsite, request, name: &name, given };
        let mut start = Start::below(thread, context, asks(Given::Nothing))?;
        if start.is_undecided() {
            let own = Scratch::new();
            request.attributes(&own);
            let words = own.above(0, <[u64]>::to_vec);
            start = Start::below(thread, context, asks(Given::Words(&words)))?;
        }
        let parent = start.parent;
        let future::State::Open(open) = future::open(callsite, thread, start, Some(context)) else { return None };
        let span = open.span();
        if span.is_recording() {
            span.at_once(thread, R::MOST, |to| request.attributes(to));
        }
        Some(Self { open, parent })
    }

    /// Whether what is recorded goes anywhere.
    pub(crate) fn is_recording(&self) -> bool {
        self.open.span().is_recording()
    }

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
        Serving { scope: Some(Scope::enter(Some(&self.open))), before }
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

/// The time during which a request is worked on.
pub(crate) struct Serving<'a> {
    scope: Option<Scope<'a>>,
    before: (u64, u64),
}

impl Serving<'_> {
    /// The regular end.
    #[inline]
    pub(crate) fn leave(mut self) {
        if let Some(scope) = self.scope.take() {
            scope.leave();
        }
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        SERVING.set(self.before);
    }
}

/// The server span that is the innermost active one, if a request whose headers name this parent is the one that it stands for:
/// whoever serves it begins no other.
pub(crate) fn serving(parent: Option<&SpanContext>) -> Option<Arc<SharedSpan>> {
    let (span, its_parent) = SERVING.get();
    if span == 0 {
        return None;
    }
    let thread = thread::existing().filter(|thread| thread.active.get().span == span)?;
    let is_same = parent.is_none_or(|parent| parent.span_id() == SpanId::from(its_parent));
    is_same.then(|| future::polled(thread)).flatten()
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
