//! `tracestate`: a list of up to 32 members, each a system's own word on the trace.
//!
//! OpenTelemetry's `TraceState` holds most lists and keeps their order, but it refuses keys that level 2 allows: those with
//! several `@`, and those with more than 13 characters behind one. A list with such keys goes beside the span in the
//! context, as it came, and is written again with whatever samplers have changed.

use super::{SpanContext, TRACESTATE};
use crate::headers::are_looked_at;
use opentelemetry::Context;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{TraceId, TraceState};

/// The most members of a list.
const MOST: usize = 32;

/// The most characters of a key, and of a value.
const LONGEST_WORD: usize = 256;

/// The longest list that is passed on. The recommendation wants 512 characters at least; a longer list than this would
/// take half of what many servers allow for all headers together.
const LONGEST: usize = 4096;

/// The members that go first where a list is too long.
const LARGE: usize = 128;

/// The longest header that is looked at: more white space than this, nobody means.
const LONGEST_HEADER: usize = 32 * 1024;

type Member<'a> = (&'a str, &'a str);

/// A list that OpenTelemetry's type cannot hold.
#[derive(Debug)]
pub(super) struct Whole {
    trace: TraceId,
    /// What the type holds of it.
    held: TraceState,
    members: Vec<(String, String)>,
}

/// The list that came with this trace.
pub(super) fn read(headers: &dyn Extractor, trace: TraceId) -> (TraceState, Option<Whole>) {
    let members = if are_looked_at(headers) {
        headers.get(TRACESTATE).and_then(|value| members(&[value]))
    } else {
        headers.get_all(TRACESTATE).and_then(|values| members(&values))
    };
    let members = members.unwrap_or_default();
    if members.is_empty() {
        return (TraceState::NONE, None);
    }
    if let Ok(held) = TraceState::from_key_value(members.iter().copied()) {
        return (held, None);
    }
    let held = members.iter().copied().filter(|(key, _)| can_be_held(key));
    let held = TraceState::from_key_value(held).unwrap_or_default();
    let members = members.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    (held.clone(), Some(Whole { trace, held, members }))
}

fn can_be_held(key: &str) -> bool {
    TraceState::from_key_value([(key, "")]).is_ok()
}

/// The list that goes out with this span; empty if there is none.
pub(super) fn written(context: &Context, span: &SpanContext) -> String {
    let now = span.trace_state();
    match context.get::<Whole>().filter(|whole| whole.trace == span.trace_id()) {
        None => text_of(&fitting(valid(now.into_iter()))),
        Some(whole) if whole.held == *now => text_of(&fitting(valid(whole.iter()))),
        Some(whole) => {
            // What samplers have put in stands in front.
            let fresh = now.into_iter().filter(|(key, value)| whole.held.get(key) != Some(*value));
            let still = whole.iter().filter(|(key, value)| now.get(key) == Some(*value) || !can_be_held(key));
            text_of(&fitting(valid(fresh.chain(still))))
        }
    }
}

impl Whole {
    fn iter(&self) -> impl Iterator<Item = Member<'_>> {
        self.members.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// The members of a list that came in these headers; `None` if it is not of the format.
fn members<'a>(headers: &[&'a str]) -> Option<Vec<Member<'a>>> {
    if headers.iter().map(|header| header.len()).sum::<usize>() > LONGEST_HEADER {
        return None;
    }
    let mut found = Vec::new();
    let mut count = 0;
    for member in headers.iter().flat_map(|header| header.split(',')) {
        let member = member.trim_matches([' ', '\t']);
        if member.is_empty() {
            continue;
        }
        let (key, value) = member.split_once('=').filter(|(key, value)| is_key(key) && is_value(value))?;
        count += 1;
        if count > MOST {
            return None;
        }
        // The first is the latest.
        if found.iter().all(|(known, _)| *known != key) {
            found.push((key, value));
        }
    }
    Some(fitting(found))
}

/// What of these may be sent: programs can put anything into OpenTelemetry's type.
fn valid<'a>(members: impl Iterator<Item = Member<'a>>) -> Vec<Member<'a>> {
    members.filter(|(key, value)| is_key(key) && is_value(value)).take(MOST).collect()
}

/// Without the members that make the list too long: large ones first, from the end.
fn fitting(mut members: Vec<Member<'_>>) -> Vec<Member<'_>> {
    let length = |(key, value): &Member<'_>| key.len() + 1 + value.len();
    let mut total = members.iter().map(length).sum::<usize>() + members.len().saturating_sub(1);
    while total > LONGEST {
        let Some(last) = members.len().checked_sub(1) else { break };
        let at = members.iter().rposition(|member| length(member) > LARGE).unwrap_or(last);
        total -= length(&members.remove(at)) + 1;
    }
    members
}

fn text_of(members: &[Member<'_>]) -> String {
    let mut text = String::new();
    for (key, value) in members {
        if !text.is_empty() {
            text.push(',');
        }
        text.extend([*key, "=", *value]);
    }
    text
}

fn is_key(key: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (length, key) = (key.len(), key.as_bytes());
    (1..=LONGEST_WORD).contains(&length)
        && is_first(key[0])
        && key.iter().all(|byte| is_first(*byte) || b"_-*/@".contains(byte))
}

/// Printable, without `,` and `=`, and not with a space at its end.
fn is_value(value: &str) -> bool {
    let is_printable = |byte: u8| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=';
    (1..=LONGEST_WORD).contains(&value.len()) && value.bytes().all(is_printable) && !value.ends_with(' ')
}

#[cfg(test)]
mod tests;
