//! Spans of futures that wait for the values of their attributes, because the sampler asks for them.
//!
//! The body evaluates them at the beginning of its first poll, and then says so. Until then they are collected in a span that
//! nobody sees, and what was current stays so; then the sampler decides, the span begins, and is current for the rest of the
//! poll. How it began lies in the future from then on.

use super::Callsite;
use super::begin::Begin;
use super::future::{AsyncSpan, Current, SpanRef, State, open, unrecorded};
use super::sampling::{Given, Who};
use super::shared::SharedSpan;
use super::start::Start;
use super::thread::{self, Thread};
use std::cell::Cell;
use std::sync::{Arc, OnceLock};

/// A future's span that waits, or has waited.
#[derive(Debug)]
pub(crate) struct Undecided {
    callsite: &'static Callsite,
    begin: Option<Box<Begin>>,
    /// Takes the attributes.
    collecting: Arc<SharedSpan>,
    /// The span, if there is anything to record or measure.
    decided: OnceLock<Option<AsyncSpan>>,
}

impl Undecided {
    #[cold]
    #[inline(never)]
    pub(super) fn new(callsite: &'static Callsite, begin: Option<Box<Begin>>, thread: &Thread) -> Box<Self> {
        let collecting = thread.scratch.while_busy(|| SharedSpan::collecting(callsite, thread));
        Box::new(Self { callsite, begin, collecting, decided: OnceLock::new() })
    }

    /// The span, once it has begun.
    pub(super) fn open(&self) -> Option<&AsyncSpan> {
        self.decided.get()?.as_ref()
    }

    /// Whether the first poll is still to come, or goes on.
    pub(super) fn is_waiting(&self) -> bool {
        self.decided.get().is_none()
    }

    /// Begins the span with the attributes that are known now.
    fn decide(&self, thread: &'static Thread) -> Option<&AsyncSpan> {
        let decided = self.decided.get_or_init(|| {
            let words = std::mem::take(&mut self.collecting.items().words);
            let who = Who { given: Given::Words(&words), ..self.callsite.into() };
            let started = match &self.begin {
                None => Start::find(thread, who).map(|start| (start, None)),
                Some(begin) => Start::begun(thread, begin, who).map(|(start, context)| (start, Some(context))),
            };
            let state = match started {
                None => unrecorded(self.callsite, thread),
                Some((start, context)) => {
                    let state = open(self.callsite, thread, start, context.as_ref());
                    thread.scratch.while_busy(|| drop(context));
                    state
                }
            };
            let State::Open(open) = state else { return None };
            if open.span().is_recording() {
                open.span().items().words.extend_from_slice(&words);
            }
            Some(open)
        });
        decided.as_ref()
    }
}

/// The first polls that go on on a thread, innermost last.
#[derive(Default)]
pub(super) struct Polls(Cell<Vec<Poll>>);

struct Poll {
    /// Lives at least until the poll is over.
    undecided: *const Undecided,
    /// The span as it is current, once it has begun.
    current: Option<Current<'static>>,
}

impl Polls {
    fn with<R>(&self, f: impl FnOnce(&mut Vec<Poll>) -> R) -> R {
        let mut polls = self.0.take();
        let result = f(&mut polls);
        self.0.set(polls);
        result
    }

    /// A first poll begins. It has to be [left](Self::leave) before `undecided` is gone.
    #[cold]
    #[inline(never)]
    pub(super) fn enter(&self, undecided: &Undecided) -> *const SharedSpan {
        self.with(|polls| polls.push(Poll { undecided, current: None }));
        Arc::as_ptr(&undecided.collecting)
    }

    /// The innermost first poll is over; with what happens before the span is left, which has begun by then.
    #[cold]
    #[inline(never)]
    pub(super) fn leave(&self, thread: &'static Thread, last: impl FnOnce(&SharedSpan)) {
        let Some(Poll { undecided, current }) = self.with(Vec::pop) else { return };
        match current {
            Some(current) => {
                last(current.span());
                current.leave(thread);
            }
            None => {
                // SAFETY: the poll is being left, so it is there.
                let undecided = unsafe { &*undecided };
                // A value that is awaited, or ends the function.
                if let Some(open) = undecided.decide(thread) {
                    last(open.span());
                }
            }
        }
    }
}

/// The span of a body that has evaluated the attributes which were collected in `collecting`.
#[cold]
#[inline(never)]
pub(super) fn decided<'a>(collecting: &Arc<SharedSpan>) -> SpanRef<'a> {
    let Some(thread) = thread::current() else { return SpanRef::NONE };
    let innermost = thread.polls.with(|polls| polls.last().map(|poll| (poll.undecided, poll.current.is_some())));
    // SAFETY: the poll goes on.
    let innermost: Option<(&'static Undecided, bool)> =
        innermost.map(|(undecided, is_current)| (unsafe { &*undecided }, is_current));
    match innermost {
        Some((undecided, false)) if Arc::ptr_eq(&undecided.collecting, collecting) => {
            let Some(open) = undecided.decide(thread) else {
                thread.polled.set(std::ptr::null());
                return SpanRef::NONE;
            };
            thread.polled.set(open.pointer());
            let current = Current::enter(thread, open);
            thread.polls.with(|polls| {
                if let Some(poll) = polls.last_mut() {
                    poll.current = Some(current);
                }
            });
            SpanRef::of(open)
        }
        // A value was awaited, so the span has begun without what was to come.
        _ => {
            let span = super::future::polled(thread);
            let words = std::mem::take(&mut collecting.items().words);
            if let Some(span) = span.filter(|span| span.is_recording()) {
                span.items().words.extend_from_slice(&words);
                return SpanRef::with(span);
            }
            SpanRef::NONE
        }
    }
}
