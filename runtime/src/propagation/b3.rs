//! Zipkin's headers, as one or as several.

use super::ids::{Remote, hex_of};
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::SpanContext;

const ONE: &str = "b3";
const TRACE: &str = "x-b3-traceid";
const SPAN: &str = "x-b3-spanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";

/// The headers of the form with several. The id of the parent's parent is read by nobody and so not written.
pub(super) const FIELDS: [&str; 4] = [TRACE, SPAN, SAMPLED, FLAGS];

/// Headers without one of which no span is named.
#[cfg(feature = "tower")]
pub(super) const NEEDED: [&str; 2] = [ONE, TRACE];

/// How Zipkin's own documents spell them, for carriers that know case.
const DOCUMENTED: [&str; 5] = ["B3", "X-B3-TraceId", "X-B3-SpanId", "X-B3-Sampled", "X-B3-Flags"];

/// The longest header: two ids, the decision as a word, and an id of the parent.
const LONGEST: usize = 32 + 1 + 16 + 1 + 5 + 1 + 16;

/// Whether a span is sampled.
#[derive(Clone, Copy, PartialEq)]
enum Decision {
    No,
    Yes,
    Debug,
}

impl Decision {
    fn of(text: &str) -> Option<Self> {
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        if is("1") || is("true") {
            Some(Self::Yes)
        } else if is("0") || is("false") {
            Some(Self::No)
        } else {
            is("d").then_some(Self::Debug)
        }
    }
}

fn remote(trace: &str, span: &str, decision: Decision) -> Option<Remote> {
    let trace = hex_of(trace, 32).or_else(|| hex_of(trace, 16))?;
    let span = hex_of(span, 16)? as u64;
    Remote::new(trace, span, decision != Decision::No, decision == Decision::Debug)
}

/// Reads either form: the single header, and if it names no span, the others.
pub(super) fn extract(headers: &dyn Extractor) -> Option<Remote> {
    get(headers, ONE).and_then(of_one).or_else(|| of_several(headers))
}

fn get<'a>(headers: &'a dyn Extractor, name: &str) -> Option<&'a str> {
    let documented = DOCUMENTED.iter().find(|documented| documented.eq_ignore_ascii_case(name));
    let value = headers.get(name).or_else(|| headers.get(documented?))?.trim();
    (value.len() <= LONGEST).then_some(value)
}

/// `{trace id}-{span id}`, then `-{decision}`, then `-{id of the parent}`.
fn of_one(value: &str) -> Option<Remote> {
    let mut parts = value.split('-');
    let (trace, span) = (parts.next()?, parts.next()?);
    let decision = match parts.next() {
        Some(text) => Decision::of(text)?,
        None => Decision::No,
    };
    if let Some(parent) = parts.next() {
        hex_of(parent, 16)?;
    }
    parts.next().is_none().then(|| remote(trace, span, decision))?
}

fn of_several(headers: &dyn Extractor) -> Option<Remote> {
    let decision = match (get(headers, FLAGS), get(headers, SAMPLED)) {
        (Some("1"), _) => Decision::Debug,
        (_, Some(text)) => Decision::of(text)?,
        (_, None) => Decision::No,
    };
    remote(get(headers, TRACE)?, get(headers, SPAN)?, decision)
}

pub(super) fn inject_one(span: &SpanContext, is_debug: bool, headers: &mut dyn Injector) {
    if span.is_valid() {
        let decision = match (is_debug, span.is_sampled()) {
            (true, _) => "d",
            (false, true) => "1",
            (false, false) => "0",
        };
        headers.set(ONE, format!("{}-{}-{decision}", span.trace_id(), span.span_id()));
    }
}

pub(super) fn inject_several(span: &SpanContext, is_debug: bool, headers: &mut dyn Injector) {
    if !span.is_valid() {
        return;
    }
    headers.set(TRACE, span.trace_id().to_string());
    headers.set(SPAN, span.span_id().to_string());
    // The flag for debugging stands in place of the decision, which it implies.
    let (name, value) = match (is_debug, span.is_sampled()) {
        (true, _) => (FLAGS, "1"),
        (false, true) => (SAMPLED, "1"),
        (false, false) => (SAMPLED, "0"),
    };
    headers.set(name, value.to_owned());
}
