//! How much one span holds: the specification's span limits, with what they keep out counted in the data.

use super::Callsite;
use crate::wire::{self, Items, Payload};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The specification's limits of spans. What a limit keeps out is counted in the span's own data
/// (`dropped_attributes_count` and its siblings).
///
/// ```
/// use otelier::config::{Limits, Telemetry};
///
/// let mut limits = Limits::default();
/// limits.events = 1000;
/// let settings = Telemetry::default().with_limits(limits);
/// assert_eq!(settings.limits.attributes, 128);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest value of a string attribute, in characters; of a longer one the start is kept. Environment:
    /// `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, else `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`. Default: 1,024; the
    /// specification has none.
    pub attribute_value_length: usize,
    /// The most attributes of a span. Environment: `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, else
    /// `OTEL_ATTRIBUTE_COUNT_LIMIT`. Default: 128.
    pub attributes: usize,
    /// The most events of a span. Environment: `OTEL_SPAN_EVENT_COUNT_LIMIT`. Default: 128.
    pub events: usize,
    /// The most links of a span. Environment: `OTEL_SPAN_LINK_COUNT_LIMIT`. Default: 128.
    pub links: usize,
    /// The most attributes of an event. Environment: `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`. Default: 128.
    pub event_attributes: usize,
    /// The most attributes of a link. Environment: `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT`. Default: 128.
    pub link_attributes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attribute_value_length: wire::DEFAULT_MAX_STR,
            attributes: 128,
            events: 128,
            links: 128,
            event_attributes: 128,
            link_attributes: 128,
        }
    }
}

static ATTRIBUTES: AtomicUsize = AtomicUsize::new(128);
static EVENTS: AtomicUsize = AtomicUsize::new(128);
static LINKS: AtomicUsize = AtomicUsize::new(128);
static EVENT_ATTRIBUTES: AtomicUsize = AtomicUsize::new(128);
static LINK_ATTRIBUTES: AtomicUsize = AtomicUsize::new(128);

pub(crate) fn set_limits(limits: &Limits) {
    wire::set_max_str(limits.attribute_value_length);
    ATTRIBUTES.store(limits.attributes, Relaxed);
    EVENTS.store(limits.events, Relaxed);
    LINKS.store(limits.links, Relaxed);
    EVENT_ATTRIBUTES.store(limits.event_attributes, Relaxed);
    LINK_ATTRIBUTES.store(limits.link_attributes, Relaxed);
}

#[inline(always)]
pub(super) fn attributes() -> usize {
    ATTRIBUTES.load(Relaxed)
}

pub(super) fn events() -> usize {
    EVENTS.load(Relaxed)
}

pub(crate) fn links() -> usize {
    LINKS.load(Relaxed)
}

pub(super) fn event_attributes() -> usize {
    EVENT_ATTRIBUTES.load(Relaxed)
}

pub(super) fn link_attributes() -> usize {
    LINK_ATTRIBUTES.load(Relaxed)
}

/// What one more item is.
#[derive(Clone, Copy, Debug)]
pub(super) enum New<'a> {
    Attribute(&'a str),
    Event,
    Link,
}

impl New<'_> {
    fn index(self) -> u16 {
        match self {
            Self::Attribute(_) => wire::dropped::ATTRIBUTES,
            Self::Event => wire::dropped::EVENTS,
            Self::Link => wire::dropped::LINKS,
        }
    }
}

/// Whether a span with these items takes one more.
///
/// Values that a later one has overwritten are removed if that is what makes room, so that recording one attribute in an
/// endless loop does not fill the memory. Returns how many words the items have now.
pub(super) fn admit(items: &mut [u64], callsite: &Callsite, new: New<'_>) -> (usize, bool) {
    let words = items.len();
    match new {
        New::Event => (words, Items(items).filter(|item| is_event(item.tag)).count() < events()),
        New::Link => (words, Items(items).filter(|item| item.tag == wire::LINK).count() < links()),
        New::Attribute(key) => {
            let attributes = |items: &[u64]| Items(items).filter(|item| is_attribute(item.tag)).count();
            if attributes(items) < self::attributes() {
                return (words, true);
            }
            let words = remove_overwritten(items, callsite);
            let items = &items[..words];
            let known = Items(items).any(|item| key_of(&item, callsite) == Some(key));
            (words, known || attributes(items) < self::attributes())
        }
    }
}

/// Adds one to the number of what was kept out; `false` if there is no such number among the items yet.
pub(super) fn count_dropped(items: &mut [u64], new: New<'_>) -> bool {
    let head = wire::header(wire::DROPPED, new.index(), 0);
    let mut at = 0;
    while let Some(&word) = items.get(at) {
        if word == head {
            if let Some(count) = items.get_mut(at + 1) {
                *count += 1;
            }
            return true;
        }
        at += 1 + wire::payload_words(word);
    }
    false
}

/// The item that begins the count.
pub(super) fn first_dropped(new: New<'_>) -> [u64; 2] {
    [wire::header(wire::DROPPED, new.index(), 0), 1]
}

/// The same for items in a list of their own: whether they take one more; if not, counts it.
pub(super) fn admit_late(items: &mut Vec<u64>, callsite: &Callsite, new: New<'_>) -> bool {
    let (words, admitted) = admit(items, callsite, new);
    items.truncate(words);
    if !admitted && !count_dropped(items, new) {
        items.extend(first_dropped(new));
    }
    admitted
}

/// Calls `f` with the words of each item, and with what it is if there is a limit for it.
pub(super) fn each(mut words: &[u64], callsite: &Callsite, f: &mut dyn FnMut(&[u64], Option<New<'_>>)) {
    while let Some(&head) = words.first() {
        let (item, rest) = words.split_at((1 + wire::payload_words(head)).min(words.len()));
        let new = Items(item).next().and_then(|item| match item.tag {
            wire::LINK => Some(New::Link),
            // Errors are not among them: they say what became of the span, and whoever took them has counted them.
            wire::EVENT | wire::NAMED_EVENT => Some(New::Event),
            _ => key_of(&item, callsite).map(New::Attribute),
        });
        f(item, new);
        words = rest;
    }
}

fn is_event(tag: u8) -> bool {
    matches!(tag, wire::EVENT | wire::NAMED_EVENT | wire::ERROR)
}

fn is_attribute(tag: u8) -> bool {
    matches!(tag, wire::INT | wire::DOUBLE | wire::BOOL | wire::STR | wire::LIST | wire::KEYED)
}

/// The name of the attribute that an item holds.
pub(super) fn key_of<'a>(item: &wire::Item<'a>, callsite: &Callsite) -> Option<&'a str> {
    match (item.tag, item.payload) {
        (wire::KEYED, Payload::Words(words)) => match Items(words).next()?.payload {
            Payload::Str(key) => Some(key),
            _ => None,
        },
        (tag, _) if is_attribute(tag) => callsite.key(item.index),
        _ => None,
    }
}

/// Puts the last value of each attribute in the place of its first, and closes the gaps; returns how many words are left.
fn remove_overwritten(items: &mut [u64], callsite: &Callsite) -> usize {
    let words = |rest: &[u64]| rest.first().map_or(0, |head| (1 + wire::payload_words(*head)).min(rest.len()));
    let key_at = |rest: &[u64]| Items(rest).next().and_then(|item| key_of(&item, callsite).map(str::to_owned));
    let mut kept = Vec::with_capacity(items.len());
    let mut seen = Vec::new();
    let mut from = 0;
    while from < items.len() {
        let length = words(&items[from..]);
        let (mut value, next) = (from..from + length, from + length);
        from = next;
        let Some(key) = key_at(&items[value.clone()]) else {
            kept.extend_from_slice(&items[value]);
            continue;
        };
        if seen.contains(&key) {
            continue;
        }
        let mut later = next;
        while later < items.len() {
            let length = words(&items[later..]);
            if key_at(&items[later..later + length]).as_ref() == Some(&key) {
                value = later..later + length;
            }
            later += length;
        }
        kept.extend_from_slice(&items[value]);
        seen.push(key);
    }
    items[..kept.len()].copy_from_slice(&kept);
    kept.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier_spec::Kind;

    static SITE: Callsite = Callsite { keys: &["a", "b"], ..Callsite::new("test", Kind::Internal) };

    fn int(index: u16, value: u64) -> [u64; 2] {
        [wire::header(wire::INT, index, 0), value]
    }

    #[test]
    fn an_attribute_recorded_over_and_over_takes_no_more_room() {
        let mut items: Vec<u64> = (0..200).flat_map(|value| int(0, value)).collect();
        items.extend(int(1, 7));
        let (words, admitted) = admit(&mut items, &SITE, New::Attribute("c"));
        assert!(admitted);
        assert_eq!(items[..words], [int(0, 199), int(1, 7)].concat());
    }

    #[test]
    fn drops_are_counted_in_one_place() {
        let mut items = int(0, 1).to_vec();
        assert!(!count_dropped(&mut items, New::Event));
        items.extend(first_dropped(New::Event));
        items.extend(first_dropped(New::Link));
        assert!(count_dropped(&mut items, New::Event));
        assert_eq!(items[2..], [first_dropped(New::Event)[0], 2, first_dropped(New::Link)[0], 1]);
    }
}
