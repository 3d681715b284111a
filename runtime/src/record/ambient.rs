//! Attributes that every span below a context has, such as a correlation id.

use super::guard::lazy;
use super::limits;
use super::shared::keyed_of;
use super::start::NOBODY;
use super::thread::{self, ActiveCells, Mode};
use crate::attribute::AnyAttribute;
use crate::wire::{self, Scratch};
use opentelemetry::{Context, ContextGuard, KeyValue};
use std::cell::Cell;
use std::sync::Arc;

/// The attributes. They lie in OpenTelemetry's context, and go wherever that goes: to tasks, threads and spans of others.
#[derive(Clone, Debug)]
pub(crate) struct Ambient {
    attributes: Arc<[KeyValue]>,
    carry: Carry,
}

/// Makes the second context hold whatever in the first one gives attributes to spans.
pub(crate) type Carry = fn(&Context, Context) -> Context;

impl Ambient {
    /// Whether `context` gives anything to the spans below it.
    #[inline(always)]
    pub(super) fn is_in(context: &Context) -> bool {
        context.get::<Self>().is_some()
    }

    /// What it gives.
    pub(super) fn find(context: &Context) -> Option<Self> {
        context.get::<Self>().cloned()
    }

    /// Writes the attributes for a record, as many as a span may have. What the span says itself of the same keys counts.
    pub(super) fn write(&self, scratch: &Scratch) {
        for attribute in self.attributes.iter().take(limits::attributes()) {
            keyed_of(scratch, wire::OF_CONTEXT, attribute.key.as_str(), &mut |slot| attribute.value.record(slot));
        }
    }

    /// What `context` gives to the spans below it.
    pub(crate) fn of(context: &Context) -> &[KeyValue] {
        context.get::<Self>().map_or(&[], |ambient| &ambient.attributes)
    }
}

/// The context with these attributes for every span that begins below it, beside those it gives already; of two values for
/// one key the new one counts.
pub(crate) fn with_ambient(context: &Context, attributes: Vec<KeyValue>, carry: Carry) -> Context {
    let is_new = |known: &&KeyValue| attributes.iter().all(|new| new.key != known.key);
    let all = Ambient::of(context).iter().filter(is_new).chain(&attributes).cloned().collect();
    context.with_value(Ambient { attributes: all, carry })
}

/// The parent's context with what the current one gives to the spans below it, if the parent's gives nothing itself: who
/// names a parent does not leave the scopes that are entered. `None` if that changes nothing.
pub(crate) fn carried_to(parent: &Context, current: &Context) -> Option<Context> {
    let ambient = current.get::<Ambient>().filter(|_| !Ambient::is_in(parent))?;
    Some((ambient.carry)(current, parent.clone()))
}

/// How many [`AmbientGuard`]s live on a thread for the sake of which spans that would be lazy are not, below one attached span.
#[derive(Debug, Default)]
pub(super) struct NotLazy(Cell<(u64, u32)>);

impl NotLazy {
    /// Begins to need the span's children attached, if these are lazy otherwise. Whether it does.
    fn begin(&self, active: &ActiveCells) -> bool {
        let (attached, mode) = (active.attached.get(), active.mode.get());
        let (known, count) = self.0.get();
        let count = if known == attached { count } else { 0 };
        // Others may have begun before.
        if mode == Mode::Recording || mode == Mode::RecordingAttached && count > 0 {
            active.mode.set(Mode::RecordingAttached);
            self.0.set((attached, count + 1));
            return true;
        }
        false
    }

    /// Ends what began below this attached span; the last one makes its children lazy again, if it is still attached.
    fn end(&self, attached: u64, active: &ActiveCells) {
        let (known, count) = self.0.get();
        // Below two attached spans in turn, the spans of one stay as they are until it ends.
        if known != attached || count == 0 {
            return;
        }
        self.0.set((attached, count - 1));
        let is_there = active.attached.get() == attached && active.mode.get() == Mode::RecordingAttached;
        if count == 1 && is_there && lazy() {
            active.mode.set(Mode::Recording);
        }
    }
}

/// Makes a context current on this thread until the result is dropped, so that spans which begin meanwhile see what it
/// holds. It is made from [`Context::current`], in which the span that is active remains reachable also if it is lazy.
#[must_use = "the context is current until this is dropped"]
pub(crate) fn enter_ambient(context: Context) -> AmbientGuard {
    // Or synchronous spans would not look at the context. Where it is exact, they do.
    let below = thread::existing().filter(|thread| thread.active.attached.get() != NOBODY);
    let below = below.filter(|thread| thread.not_lazy.begin(&thread.active));
    let below = below.map(|thread| thread.active.attached.get());
    AmbientGuard { below, _attached: context.clone().attach(), _context: context }
}

/// See [`enter_ambient`].
#[derive(Debug)]
pub(crate) struct AmbientGuard {
    /// The attached span whose children are lazy otherwise.
    below: Option<u64>,
    _attached: ContextGuard,
    /// Freed after it is detached: OpenTelemetry's state is borrowed then, and the allocator may be traced.
    _context: Context,
}

impl Drop for AmbientGuard {
    fn drop(&mut self) {
        // Whoever holds the guard over an `.await`, or leaves scopes in another order than that of their beginning, may be
        // somewhere else now.
        if let Some(attached) = self.below
            && let Some(thread) = thread::existing()
        {
            thread.not_lazy.end(attached, &thread.active);
        }
    }
}
