//! What the formats have in common: ids in hexadecimal digits, and the flag for debugging.

use crate::headers::w3c::Found;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};

/// What headers say of the span that sent them.
pub(super) struct Remote {
    pub(super) found: Found,
    /// The trace is one that somebody looks for, whatever samplers say.
    is_debug: bool,
}

impl Remote {
    /// A span of another process; `None` if an id is zero.
    pub(super) fn new(trace: u128, span: u64, is_sampled: bool, is_debug: bool) -> Option<Self> {
        // Who looks for a trace wants it recorded.
        let flags = TraceFlags::default().with_sampled(is_sampled || is_debug);
        let ids = (TraceId::from_bytes(trace.to_be_bytes()), SpanId::from_bytes(span.to_be_bytes()));
        let span = SpanContext::new(ids.0, ids.1, flags, true, TraceState::NONE);
        span.is_valid().then(|| Self { found: Found::from(span), is_debug })
    }

    /// What W3C Trace Context says, which knows no flag for debugging.
    pub(super) fn of(found: Found) -> Self {
        Self { found, is_debug: false }
    }

    /// Whether the context has more of it than the span.
    #[cfg(feature = "tower")]
    pub(super) fn is_debug(&self) -> bool {
        self.is_debug
    }

    /// The context, with the span in it.
    pub(super) fn into_context(self, context: &Context) -> Context {
        let trace = self.found.span.trace_id();
        let context = self.found.into_context(context);
        if self.is_debug { context.with_value(Debug(trace)) } else { context }
    }
}

/// The trace that came with a flag for debugging. What else goes on in the context is not marked by it.
#[derive(Debug)]
pub(super) struct Debug(TraceId);

impl Debug {
    /// Whether the context's span is in a trace with the flag.
    pub(super) fn is_in(context: &Context) -> bool {
        context.get::<Self>().is_some_and(|debug| debug.0 == context.span().span_context().trace_id())
    }
}

/// The number that at most `most` hexadecimal digits are, upper or lower case.
pub(super) fn hex(text: &str, most: usize) -> Option<u128> {
    // `from_str_radix` alone would take a sign.
    let are_digits =
        !text.is_empty() && text.len() <= most.min(32) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    are_digits.then(|| u128::from_str_radix(text, 16).ok())?
}

/// Of exactly this many digits.
pub(super) fn hex_of(text: &str, digits: usize) -> Option<u128> {
    hex(text, digits).filter(|_| text.len() == digits)
}
