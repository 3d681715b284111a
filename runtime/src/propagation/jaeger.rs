//! Jaeger's headers: `uber-trace-id`, and one with `uberctx-` in front for each entry of baggage.

use super::baggage::is_token;
use super::ids::{Remote, hex};
use crate::config::{percent_decoded, percent_encoded};
use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::TraceContextExt;

pub(super) const HEADER: &str = "uber-trace-id";
const PREFIX: &str = "uberctx-";

/// More than two ids, the parent's and the flags are, also with every `:` as `%3A`.
const LONGEST: usize = 128;

/// The limits of W3C Baggage.
const LONGEST_BAGGAGE: usize = 8192;
const MOST_ENTRIES: usize = 64;

const SAMPLED: u128 = 1;
const DEBUG: u128 = 2;

/// `{trace id}:{span id}:{id of the parent}:{flags}`, digits as many as there are.
pub(super) fn extract(headers: &dyn Extractor) -> Option<Remote> {
    let header = headers.get(HEADER)?.trim();
    if header.len() > LONGEST {
        return None;
    }
    let header = percent_decoded(header)?;
    let mut parts = header.split(':');
    let (trace, span) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)? as u64);
    // The id of the parent has no meaning any more, and some write nothing.
    let parent = parts.next()?;
    if !parent.is_empty() {
        hex(parent, 16)?;
    }
    let flags = hex(parts.next()?, 2)?;
    if parts.next().is_some() {
        return None;
    }
    // The format has the second only with the first. OpenTelemetry for Python writes it for ids that are random, too.
    let is_sampled = flags & SAMPLED != 0;
    Remote::new(trace, span, is_sampled, is_sampled && flags & DEBUG != 0)
}

/// Adds the entries whose headers are of the format, as long as they fit.
pub(super) fn add_baggage(headers: &dyn Extractor, to: &mut Option<Baggage>) {
    let (mut entries, mut room) = (0, LONGEST_BAGGAGE);
    for name in headers.keys() {
        // Headers have no case.
        let Some((_, key)) =
            name.split_at_checked(PREFIX.len()).filter(|(prefix, _)| prefix.eq_ignore_ascii_case(PREFIX))
        else {
            continue;
        };
        // What is too long counts too, or a stranger could have as many looked up as he likes.
        entries += 1;
        if entries > MOST_ENTRIES {
            return;
        }
        let Some(value) = headers.get(name).filter(|value| !key.is_empty() && key.len() + value.len() <= room) else {
            continue;
        };
        room -= key.len() + value.len();
        // Jaeger's clients write a space as `+`, and a `+` as `%2B`.
        let Some(value) = percent_decoded(&value.replace('+', " ")) else { continue };
        let baggage = to.get_or_insert_default();
        if baggage.get(key).is_none() {
            baggage.insert(key.to_owned(), value);
        }
    }
}

pub(super) fn inject(context: &Context, is_debug: bool, headers: &mut dyn Injector) {
    let span = context.span();
    let span = span.span_context();
    if span.is_valid() {
        let flags = if is_debug { SAMPLED | DEBUG } else { u128::from(span.is_sampled()) };
        headers.set(HEADER, format!("{}:{}:0:{flags}", span.trace_id(), span.span_id()));
    }
    let (mut entries, mut room) = (0, LONGEST_BAGGAGE);
    for (key, (value, _metadata)) in context.baggage() {
        let value = percent_encoded(value.as_str());
        let length = key.as_str().len() + value.len();
        // What cannot be the name of a header cannot be sent, and whoever tries ends the request.
        if is_token(key.as_str()) && length <= room && entries < MOST_ENTRIES {
            (entries, room) = (entries + 1, room - length);
            headers.set(&format!("{PREFIX}{key}"), value);
        }
    }
}
