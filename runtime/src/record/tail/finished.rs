//! Records as the rules look at them.

use super::super::old_names::Extras;
use super::super::sampling::{randomness_in, threshold_in};
use super::super::view::{Value, constants, keyed};
use super::super::{Callsite, Priority, SpanRecord, flag, head_bits};
use super::Root;
use super::policy::Subject;
use crate::clock;
use crate::record::Records;
use crate::record::chunk::HEAD_WORDS;
use crate::record::outbox::length_of;
use crate::wire::{self, Items};
use otelier_spec::Kind;
use std::time::{SystemTime, UNIX_EPOCH};

/// A record, of which only what is asked for is read.
#[derive(Clone, Copy)]
pub(super) struct Finished<'a> {
    words: &'a [u64],
    callsite: &'static Callsite,
}

/// What is not quiet in the first word of a record.
const LOUD: u64 = (flag::FAILED | flag::PANIC | flag::UNIX | flag::UNIX_END) as u64;

/// What of these records follows those of quiet spans of this trace below its root, all of the kind and, if there is a `site`, of
/// the call site; records of others may be among what follows. Mostly this is all that is looked at.
#[inline]
pub(super) fn after_quiet(mut words: &[u64], trace: (u64, u64), site: Option<usize>, ticks: u64) -> &[u64] {
    const OTHERS: u64 = LOUD | (flag::KIND_MASK << flag::KIND_SHIFT) as u64 | head_bits::LOCAL_ROOT;
    let (site, mask) = site.map_or((0, 0), |site| (site as u64, u64::MAX));
    while let Some(head) = words.first_chunk::<{ HEAD_WORDS }>() {
        let differs = head[0] & OTHERS | (head[1] ^ site) & mask | head[2] ^ trace.0 | head[3] ^ trace.1;
        // A clock that ran backwards is looked at more closely.
        if differs != 0 || head[7].wrapping_sub(head[6]) >= ticks {
            break;
        }
        let Some(rest) = words.get(length_of(head[0])..) else { break };
        words = rest;
    }
    words
}

impl<'a> Finished<'a> {
    #[inline]
    pub(super) fn of(words: &'a [u64]) -> Option<Self> {
        Some(Self { words, callsite: super::super::view::callsite_of(words)? })
    }

    /// Whether it has neither failed nor taken so many ticks.
    #[inline]
    pub(super) fn is_quiet(&self, ticks: u64) -> bool {
        self.words[0] & LOUD == 0 && self.words[7].saturating_sub(self.words[6]) < ticks
    }

    /// The address of its call site.
    #[inline]
    fn address(&self) -> usize {
        std::ptr::from_ref(self.callsite).addr()
    }

    /// Its [site](Subject::site). Items are looked through only where they may have attributes that bear their names.
    #[inline]
    pub(super) fn plain_site(&self, may_be_keyed: bool) -> Option<usize> {
        // Attributes that bear their names are not the call site's.
        let is_plain = self.has_own_kind() && !(may_be_keyed && wire::has_keyed(self.items()));
        is_plain.then(|| self.address())
    }

    #[inline]
    fn has_own_kind(&self) -> bool {
        self.words[0] as u8 >> flag::KIND_SHIFT & flag::KIND_MASK == 0
    }

    fn whole(&self) -> Option<SpanRecord<'a>> {
        Records::from_words(self.words).next()
    }

    /// Whether the attribute with this key, as it was recorded, is as `is` says: the last of several values counts, and before them
    /// the schema's own.
    fn has_recorded(&self, key: &str, is: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        let of_schema = self.callsite.schema.map_or(&[][..], |schema| schema.constants);
        if let Some((_, value)) = of_schema.iter().find(|(found, _)| *found == key) {
            return is(Value::Str(wire::cut_to_limit(value)));
        }
        // Of most items the name is enough.
        let mut last = None;
        wire::each_header(self.items(), |tag, index, from| {
            let may_be_it = || tag == wire::KEYED || tag <= wire::LIST && self.callsite.key(index) == Some(key);
            if may_be_it() {
                let item = Items(from).next();
                let it = item.and_then(|item| keyed(self.callsite, &item)).filter(|(found, _)| found.as_str() == key);
                last = it.map(|(_, value)| value).or(last);
            }
        });
        let constant = || constants(self.callsite).find(|(found, _)| *found == key).map(|(_, value)| value);
        last.or_else(constant).is_some_and(is)
    }

    fn items(&self) -> &'a [u64] {
        self.words.get(HEAD_WORDS..).unwrap_or_default()
    }
}

impl Subject for Finished<'_> {
    #[inline]
    fn failed(&self) -> bool {
        self.words[0] as u8 & (flag::FAILED | flag::PANIC) != 0
    }

    #[inline]
    fn nanos(&self) -> u64 {
        let (flags, start, end) = (self.words[0] as u8, self.words[6], self.words[7]);
        match (flags & flag::UNIX != 0, flags & flag::UNIX_END != 0) {
            (false, false) => (clock::seconds_in(end.saturating_sub(start)) * 1e9) as u64,
            (true, _) => end.saturating_sub(start),
            (false, true) => nanos_to_unix(start, end),
        }
    }

    fn schema(&self) -> &str {
        self.callsite.schema.map_or("", |schema| schema.id)
    }

    fn with_name(&self, f: &mut dyn FnMut(&str)) {
        if let Some(record) = self.whole() {
            f(&record.name());
        }
    }

    fn kind(&self) -> Kind {
        self.whole().map_or(self.callsite.kind, |record| record.kind())
    }

    fn priority(&self) -> Priority {
        self.callsite.priority
    }

    fn has(&self, key: &str, is: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        if !is_added(key) && !Extras::current().old_names() {
            return self.has_recorded(key, is);
        }
        let mut found = false;
        // As it is exported: what an error adds counts, too, and of a key that was recorded twice the last value.
        if let Some(record) = self.whole() {
            record.attributes(|found_key, value| found |= found_key.as_str() == key && is(value));
        }
        found
    }

    fn has_event(&self, name: &str) -> bool {
        let mut found = false;
        if let Some(record) = self.whole() {
            record.events(|event| found |= event.name.as_str() == name);
        }
        found
    }

    fn may_have(&self, key: &str) -> bool {
        let callsite = self.callsite;
        let is_watched = callsite.watch.is_some_and(|watch| {
            key == "operation.type" || watch.verdict.as_ref().is_some_and(|verdict| verdict.key == key)
        });
        is_watched
            || is_added(key)
            || Extras::current().old_names()
            || callsite.schema.is_some_and(|schema| schema.attributes.iter().any(|attribute| attribute.name == key))
            || callsite.keys.contains(&key)
            || constants(callsite).any(|(found, _)| found == key)
    }

    #[inline]
    fn site(&self) -> Option<usize> {
        self.plain_site(true)
    }
}

/// Whether the end of a span may add such an attribute: an error, a watch, what is exported beside the schema's names.
fn is_added(key: &str) -> bool {
    matches!(key.as_bytes().first(), Some(b'e' | b'f' | b'o' | b'p'))
        && ["error.", "failure.", "otelier.", "performance."].iter().any(|start| key.starts_with(start))
}

/// How long a span took that began on our clock and ended on another's.
#[cold]
fn nanos_to_unix(start: u64, end: u64) -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64);
    let ago = clock::seconds_in(clock::now().saturating_sub(start)) * 1e9;
    end.saturating_sub(unix.saturating_sub(ago as u64))
}

/// What the head had to say, if this is the record of a local root.
#[inline]
pub(super) fn of_root(words: &[u64]) -> Option<Root> {
    if words[0] & head_bits::LOCAL_ROOT == 0 {
        return None;
    }
    let grounds = head_bits::grounds_of(words[0]);
    if words[0] as u8 & flag::REMOTE_PARENT == 0 {
        return Some(Root { grounds, is_unknown: false, is_remote: false });
    }
    // The parent's threshold, or the one that was told here.
    let told = state_of(words).and_then(threshold_in);
    Some(Root { grounds, is_unknown: told.is_none(), is_remote: true })
}

/// The randomness that the record's trace was given, if it is not in its id.
#[inline]
pub(super) fn randomness_of(words: &[u64]) -> Option<u64> {
    // A state is what is written first.
    let first = *words.get(HEAD_WORDS)?;
    if first as u8 == wire::TRACE_STATE { state_of(words).and_then(randomness_in) } else { None }
}

fn state_of(words: &[u64]) -> Option<&str> {
    Records::from_words(words).next()?.own_trace_state()
}
