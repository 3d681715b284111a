//! The span of a request, from its start to the end of the answer's body.

use crate::attribute::{AnyAttribute, Slot};
use crate::record::{AsyncSpan, Callsite, Entry, OtelSpan, SharedSpan, asks_attributes};
use crate::schema::Kind;
use crate::wire::status;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue};
use std::sync::Arc;

/// A span whose attributes are the keys of its call site, and what is current inside of it.
#[derive(Debug)]
pub(in crate::http) struct Recording {
    /// `None` where there is nothing to make current but the parent.
    open: Option<AsyncSpan>,
    context: Context,
    recorded: bool,
}

impl Recording {
    /// Starts the span. `name` is made, and `attributes` are, only where somebody looks at them: the latter are for
    /// samplers, and not recorded here.
    pub(in crate::http) fn start(
        callsite: &'static Callsite,
        kind: Kind,
        parent: Context,
        name: &str,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> Self {
        let attributes = if asks_attributes() { attributes() } else { Vec::new() };
        let started = (!parent.is_telemetry_suppressed())
            .then(|| SharedSpan::start(callsite, name, kind, None, &parent, &attributes, &[]))
            .flatten();
        let Some((span, own)) = started else { return Self { open: None, context: parent, recorded: false } };
        let recorded = span.is_open();
        let context = parent.with_span(OtelSpan::of(Arc::clone(&span), own));
        // SAFETY: the span was just made.
        let open = unsafe { AsyncSpan::new(span, context.clone()) };
        Self { open: Some(open), context, recorded }
    }

    /// The span, if anything is recorded.
    pub(in crate::http) fn span(&self) -> Option<&SharedSpan> {
        self.open.as_ref().filter(|_| self.recorded).map(AsyncSpan::span)
    }

    pub(in crate::http) fn is_recorded(&self) -> bool {
        self.recorded
    }

    /// What is current inside of the span, and goes into the headers of a request.
    pub(in crate::http) fn context(&self) -> &Context {
        &self.context
    }

    pub(in crate::http) fn span_context(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    /// Records the attribute whose key has this index at the call site.
    #[inline]
    pub(in crate::http) fn set(&self, index: u16, value: impl AnyAttribute) {
        if let Some(span) = self.span() {
            value.record(Slot::new(span, index));
        }
    }

    /// Records an attribute whose key is known only now.
    pub(in crate::http) fn set_keyed(&self, key: &str, value: impl AnyAttribute) {
        if let Some(span) = self.span() {
            span.attribute(key, &value);
        }
    }

    /// Sets the status to an error.
    pub(in crate::http) fn fail(&self, description: &str) {
        if let Some(span) = self.span() {
            span.status(status::ERROR, description);
        }
    }

    pub(in crate::http) fn event(&self, name: &str, attributes: &[KeyValue]) {
        if let Some(span) = self.span() {
            span.event(name, None, attributes);
        }
    }

    /// Runs `f` while the span is current. A panic is recorded and ends the span.
    #[inline]
    pub(in crate::http) fn within<T>(&self, f: impl FnOnce() -> T) -> T {
        match &self.open {
            Some(open) => {
                let entered = Entry::enter(open);
                let result = f();
                entered.leave();
                result
            }
            None => {
                let _attached: ContextGuard = self.context.clone().attach();
                f()
            }
        }
    }

    /// Ends the span; only the first end counts.
    pub(in crate::http) fn end(&self) {
        if let Some(span) = self.open.as_ref().map(AsyncSpan::span) {
            span.end(None);
        }
    }
}

/// Names the keys of a call site, and their indices.
macro_rules! keys {
    ($($index:ident = $key:literal,)*) => {
        /// Where a key stands in the call site's list.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy)]
        #[repr(u16)]
        enum At { $($index,)* }

        static KEYS: &[&str] = &[$($key,)*];
    };
}
pub(in crate::http) use keys;
