//! Handles of lazy spans.
//!
//! A lazy span lies on the stack of its function, and nobody but its guard knows where. So whoever wants to record on it
//! from elsewhere gets an inbox, and the thread notes whose it is. While there is such a note, every span of the thread
//! ends the slow way, and its guard looks whether there is an inbox for it:
//!
//! * what comes while the span is innermost moves to the scratch at once, so that it lies in time between what the
//!   function records itself;
//! * what comes while a span inside of it is open moves when that one ends;
//! * the limits are checked again at the end, when the guard has everything together.
//!
//! A handle that outlives its span finds an inbox that has ended.

use super::Callsite;
use super::outbox::Outbox;
use super::shared::SharedSpan;
use super::start::lazy_context;
use super::thread::{self, Active, Mode, Thread};
use opentelemetry::Context;
use opentelemetry::trace::SpanContext;
use std::cell::Cell;
use std::sync::Arc;

/// So many items move to the scratch at most. What comes later stays in the inbox, where its limits hold: an attribute that
/// is recorded in an endless loop takes no more room.
const MOST_SETTLED: usize = 128;

/// The call site of an inbox whose guard is not known: none of its keys is.
static UNKNOWN: Callsite = Callsite::renamed();

/// The inboxes of a thread's open spans.
#[derive(Default)]
pub(super) struct Adopted {
    /// Whether there is an inbox: what the end of a span looks at.
    any: Cell<bool>,
    inboxes: Cell<Vec<Inbox>>,
}

struct Inbox {
    span: u64,
    late: Arc<SharedSpan>,
    /// How many items have moved to the scratch.
    settled: usize,
}

impl Adopted {
    /// Runs `f` on the inboxes, which may not ask for them again.
    fn with<R>(&self, f: impl FnOnce(&mut Vec<Inbox>) -> R) -> R {
        let mut inboxes = self.inboxes.take();
        let result = f(&mut inboxes);
        self.any.set(!inboxes.is_empty());
        self.inboxes.set(inboxes);
        result
    }

    /// The inbox of the active span.
    fn of_active(&self, thread: &Thread) -> Arc<SharedSpan> {
        let active = thread.active.get();
        thread.scratch.while_busy(|| {
            self.with(|inboxes| {
                if let Some(inbox) = inboxes.iter().find(|inbox| inbox.span == active.span) {
                    return Arc::clone(&inbox.late);
                }
                let late = SharedSpan::inbox(&UNKNOWN, Active { attached: active.span, ..active }, thread);
                inboxes.push(Inbox { span: active.span, late: Arc::clone(&late), settled: 0 });
                thread.outbox.go_slowly(true);
                late
            })
        })
    }

    /// Takes the inbox of a span that ends.
    #[inline]
    pub(super) fn take(&self, span: u64, outbox: &Outbox) -> Option<Arc<SharedSpan>> {
        if self.any.get() { self.take_slowly(span, outbox) } else { None }
    }

    #[cold]
    #[inline(never)]
    fn take_slowly(&self, span: u64, outbox: &Outbox) -> Option<Arc<SharedSpan>> {
        self.with(|inboxes| {
            let at = inboxes.iter().position(|inbox| inbox.span == span)?;
            let inbox = inboxes.swap_remove(at);
            if inboxes.is_empty() {
                outbox.go_slowly(false);
            }
            Some(inbox.late)
        })
    }

    /// Moves what lies in the inbox of the active span to the scratch, if the top of that is the span's.
    #[inline]
    pub(super) fn settle(&self, thread: &Thread) {
        if self.any.get() {
            self.settle_slowly(thread);
        }
    }

    /// Ends inboxes whose spans have ended before, because no span is open any more: who leaves scopes in another order
    /// than that of their beginning makes a span current that has ended.
    fn give_up(&self, thread: &Thread) {
        thread.scratch.while_busy(|| {
            self.with(|inboxes| inboxes.drain(..).for_each(|inbox| inbox.late.take(true, |_, _| {})));
        });
        thread.outbox.go_slowly(false);
    }

    #[cold]
    #[inline(never)]
    fn settle_slowly(&self, thread: &Thread) {
        let (scratch, active) = (&thread.scratch, thread.active.span.get());
        if scratch.is_writing() || scratch.busy() {
            return;
        }
        if thread.active.mode.get() == Mode::Nothing {
            return self.give_up(thread);
        }
        self.with(|inboxes| {
            let Some(inbox) = inboxes.iter_mut().find(|inbox| inbox.span == active) else { return };
            if inbox.settled >= MOST_SETTLED {
                return;
            }
            scratch.while_busy(|| {
                inbox.late.take(false, |item, _| {
                    scratch.extend_items(item);
                    inbox.settled += 1;
                });
            });
        });
    }
}

/// The lazy span that is active on this thread, to be recorded on from elsewhere, and its ids; `None` if the active span is
/// in OpenTelemetry's context, where it is reached.
pub(crate) fn adopt(current: &Context) -> Option<(Arc<SharedSpan>, SpanContext)> {
    let (thread, context) = lazy_context(current)?;
    Some((thread.adopted.of_active(thread), context))
}

/// Whether the thread's state is in use further up the call stack, by the way of a traced allocator. OpenTelemetry's may be,
/// too, and must not be looked at.
pub(crate) fn is_busy() -> bool {
    thread::existing().is_some_and(|thread| thread.scratch.busy())
}

/// Moves what was recorded through handles where it belongs. To be called after something was.
pub(crate) fn settle() {
    if let Some(thread) = thread::existing() {
        thread.adopted.settle(thread);
    }
}
