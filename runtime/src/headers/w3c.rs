//! W3C Trace Context, [level 2](https://www.w3.org/TR/trace-context-2/): `traceparent` and `tracestate`.
//!
//! What is read is read as the recommendation says, to the letter: a `traceparent` that is not of the format names no
//! parent, and a `tracestate` that is not is dropped whole while its `traceparent` counts. What is written is of version 00
//! and valid, whatever the context holds.

mod state;

use super::only;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use std::fmt::Write as _;

pub(crate) const TRACEPARENT: &str = "traceparent";
pub(crate) const TRACESTATE: &str = "tracestate";

/// The flags of level 2: sampled, and random. All others are zero until a later level says what they mean.
const KNOWN_FLAGS: u8 = 0x03;

/// The length of version 00, and of the part of later versions that is known.
const LENGTH: usize = 55;

/// The longest `traceparent` of a later version that is looked at.
const LONGEST: usize = 512;

/// What the headers say of the span that sent them.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) span: SpanContext,
    /// The list, if OpenTelemetry's type cannot hold all of it.
    whole: Option<state::Whole>,
}

impl From<SpanContext> for Found {
    fn from(span: SpanContext) -> Self {
        Self { span, whole: None }
    }
}

impl Found {
    /// The span, if a context has no more of it than that.
    #[cfg(feature = "tower")]
    pub(crate) fn alone(&self) -> Option<&SpanContext> {
        self.whole.is_none().then_some(&self.span)
    }

    /// The context, with the span in it.
    pub(crate) fn into_context(self, context: &Context) -> Context {
        let context = context.with_remote_span_context(self.span);
        match self.whole {
            Some(whole) => context.with_value(whole),
            None => context,
        }
    }
}

/// The span that the headers name.
pub(crate) fn extract(headers: &dyn Extractor) -> Option<Found> {
    let parent = traceparent(only(headers, TRACEPARENT)?)?;
    let (state, whole) = state::read(headers, parent.trace);
    Some(Found { span: SpanContext::new(parent.trace, parent.span, parent.flags, true, state), whole })
}

/// The same of the headers of an HTTP message, with one look at each.
#[cfg(feature = "tower")]
pub(crate) fn of_map(headers: &http::HeaderMap) -> Option<Found> {
    let mut values = headers.get_all(&super::TRACEPARENT).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return None;
    }
    let parent = traceparent(super::text(first.as_bytes()))?;
    let (state, whole) = match headers.contains_key(&super::TRACESTATE) {
        true => state::read(&super::HeaderCarrier::new(headers), parent.trace),
        false => (TraceState::NONE, None),
    };
    Some(Found { span: SpanContext::new(parent.trace, parent.span, parent.flags, true, state), whole })
}

/// The span that the text names, which is a `traceparent` without a `tracestate`.
pub(crate) fn span_of(text: &str) -> Option<SpanContext> {
    let parent = traceparent(text)?;
    Some(SpanContext::new(parent.trace, parent.span, parent.flags, true, TraceState::NONE))
}

/// Writes the context's span, if it has one.
pub(crate) fn inject(context: &Context, headers: &mut dyn Injector) {
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return;
    }
    let mut value = String::with_capacity(LENGTH);
    let flags = span.trace_flags().to_u8() & KNOWN_FLAGS;
    let _ = write!(value, "00-{}-{}-{flags:02x}", span.trace_id(), span.span_id());
    headers.set(TRACEPARENT, value);
    let list = state::written(context, span);
    if !list.is_empty() {
        headers.set(TRACESTATE, list);
    }
}

struct Parent {
    trace: TraceId,
    span: SpanId,
    flags: TraceFlags,
}

/// `{version}-{trace id}-{span id}-{flags}`, and behind another `-` what later versions have to say.
fn traceparent(text: &str) -> Option<Parent> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.trim_matches([' ', '\t']).as_bytes();
    let (known, rest) = text.split_first_chunk::<LENGTH>()?;
    if [2, 35, 52].iter().any(|at| known[*at] != b'-') {
        return None;
    }
    let is_whole = match hex(&known[..2])? {
        0 => rest.is_empty(),
        0xff => false,
        _ => rest.is_empty() || rest[0] == b'-',
    };
    let (high, low) = (hex(&known[3..19])?, hex(&known[19..35])?);
    let trace = TraceId::from(u128::from(high) << 64 | u128::from(low));
    let span = SpanId::from(hex(&known[36..52])?);
    let flags = TraceFlags::new(hex(&known[53..])? as u8 & KNOWN_FLAGS);
    (is_whole && trace != TraceId::INVALID && span != SpanId::INVALID).then_some(Parent { trace, span, flags })
}

/// What each byte stands for as a digit; one that is none has the bit that no digit has.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};
const NO_DIGIT: u8 = 0x80;

/// The number that at most 16 digits are. Lower case only, as the recommendation wants it.
fn hex(digits: &[u8]) -> Option<u64> {
    let (mut number, mut seen) = (0, 0);
    for digit in digits {
        let digit = DIGITS[usize::from(*digit)];
        seen |= digit;
        number = number << 4 | u64::from(digit & 0xf);
    }
    (seen & NO_DIGIT == 0).then_some(number)
}

#[cfg(test)]
mod tests;
