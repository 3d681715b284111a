//! Spans of somebody else's library.

use super::guard::enabled;
use super::shared::SharedSpan;
use super::{Callsite, flag, thread};
use opentelemetry::trace::{Link, SpanContext};
use opentelemetry::{Context, KeyValue};
use otelier_spec::Kind;
use std::sync::Arc;

/// Whether telemetry is on, and this thread makes spans: those that export never do, nor does one that is ending, and not
/// while a traced allocator works for us further up the call stack, when OpenTelemetry's context must not be looked at.
#[inline]
pub(crate) fn may_begin() -> bool {
    enabled() && thread::current().is_some_and(|thread| !thread.scratch.busy())
}

impl SharedSpan {
    /// Like [`start`](Self::start), for a span that began some time ago, at these ticks of [`clock`](crate::clock).
    pub(crate) fn start_since(
        callsite: &'static Callsite,
        name: &str,
        kind: Kind,
        ticks: u64,
        parent: &Context,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> Option<(Arc<Self>, SpanContext)> {
        enabled().then(|| Self::start_at(callsite, name, kind, || (ticks, 0), parent, attributes, links)).flatten()
    }

    /// Says that a panic came through the span, which goes on: as the status says, and `error.type`.
    pub(crate) fn panicked(&self) {
        self.flag(flag::PANIC);
    }
}
