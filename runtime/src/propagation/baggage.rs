//! [W3C Baggage](https://www.w3.org/TR/baggage/): names and values that go along with a trace.
//!
//! A member that is not of the format is left out, and the others count. Of two members with one name in one message the
//! last counts, as in other implementations of OpenTelemetry. What is written is of the format whatever the context holds,
//! with a `+` and an `=` in values encoded too: some read the first as a space, and some split at the second.

use crate::headers::UNREADABLE;
use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::propagation::{Extractor, Injector};
use std::borrow::Cow;

pub(super) const HEADER: &str = "baggage";

/// The limits that the recommendation asks for at least.
const LONGEST: usize = 8192;
const MOST: usize = 64;

/// The longest header that is looked at. One that is longer counts as far as this.
const LONGEST_HEADER: usize = 4 * LONGEST;

/// Adds the members that the headers have and `to` has not.
pub(super) fn add(headers: &dyn Extractor, to: &mut Option<Baggage>) {
    let Some(values) = headers.get_all(HEADER) else { return };
    let found = read(&values);
    if found.is_empty() {
        return;
    }
    let Some(baggage) = to else { return *to = Some(found) };
    for (key, (value, metadata)) in &found {
        if baggage.get(key).is_none() {
            baggage.insert_with_metadata(key.clone(), value.clone(), metadata.clone());
        }
    }
}

fn read(headers: &[&str]) -> Baggage {
    let (mut found, mut room, mut unread) = (Baggage::new(), LONGEST, LONGEST_HEADER);
    for header in headers {
        for member in header.split(',') {
            unread = unread.saturating_sub(member.len() + 1);
            if unread == 0 {
                return found;
            }
            let Some((key, value, properties)) = of_member(member) else { continue };
            let length = key.len() + 1 + value.len() + properties.len() + 1;
            // What does not fit is left out, and what is smaller may still fit.
            if length <= room && (found.len() < MOST || found.get(key).is_some()) {
                room -= length;
                found.insert_with_metadata(key.to_owned(), value.into_owned(), properties);
            }
        }
    }
    found
}

/// `{key}={value}`, and behind `;` each the properties.
fn of_member(member: &str) -> Option<(&str, Cow<'_, str>, String)> {
    let (pair, properties) = member.split_once(';').unwrap_or((member, ""));
    let (key, value) = pair.split_once('=')?;
    let (key, value) = (trimmed(key), trimmed(value));
    let is_text = !value.contains(|letter: char| letter.is_control()) && value != UNREADABLE;
    (is_token(key) && is_text).then(|| (key, decoded(value), properties_of(properties)))
}

/// The properties that are of the format, without white space: nobody but who wrote them knows what they mean.
fn properties_of(text: &str) -> String {
    let mut found = String::new();
    for property in text.split(';') {
        let (key, value) = match property.split_once('=') {
            Some((key, value)) => (trimmed(key), Some(trimmed(value))),
            None => (trimmed(property), None),
        };
        if !is_token(key) || !value.is_none_or(|value| value.bytes().all(is_octet)) {
            continue;
        }
        if !found.is_empty() {
            found.push(';');
        }
        found.push_str(key);
        if let Some(value) = value {
            found.extend(["=", value]);
        }
    }
    found
}

/// Writes the context's baggage, in the order of the names, as much as fits.
pub(super) fn inject(context: &Context, headers: &mut dyn Injector) {
    let baggage = context.baggage();
    if baggage.is_empty() {
        return;
    }
    let mut members: Vec<_> = baggage.iter().filter(|(key, _)| is_token(key.as_str())).collect();
    members.sort_unstable_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    let (mut list, mut count) = (String::new(), 0);
    for (key, (value, properties)) in members {
        let start = list.len();
        if start > 0 {
            list.push(',');
        }
        list.push_str(key.as_str());
        list.push('=');
        encode(value.as_str(), &mut list);
        let properties = properties_of(properties.as_str());
        if !properties.is_empty() {
            list.push(';');
            list.push_str(&properties);
        }
        if list.len() > LONGEST || count == MOST {
            list.truncate(start);
        } else {
            count += 1;
        }
    }
    if !list.is_empty() {
        headers.set(HEADER, list);
    }
}

/// The text with `%20` and its like replaced. A `%` that begins nothing stands for itself, and what is then not UTF-8 gets
/// the sign that says so, as the recommendation wants.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.split_first_chunk::<2>().map(|(two, _)| two.map(|digit| char::from(digit).to_digit(16)));
        if let (b'%', Some([Some(high), Some(low)])) = (first, digits) {
            bytes.push((high * 16 + low) as u8);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn encode(text: &str, to: &mut String) {
    for byte in text.bytes() {
        if is_octet(byte) && !b"%+=".contains(&byte) {
            to.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
            to.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// What may stand in a value.
fn is_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

/// What may be a name, here and in front of every header.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests;
