//! A finished span as exporters see it.

use super::old_names::Extras;
use super::outbox::{Head, split_record};
use super::outcome::{Class, part};
use super::sampling::{Grounds, GroundsNumber, ToldState, probability_of, state_with_threshold, threshold_in};
use super::{Callsite, Constant, exceptions, flag, head_bits, limits};
use crate::wire::{self, Items, Payload, dropped, status};
use otelier_spec::Kind;
use std::borrow::Cow;

/// One finished span, borrowed from a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanRecord<'a> {
    pub(crate) callsite: &'static Callsite,
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    /// 0 for the root of a trace.
    pub(crate) parent_span_id: u64,
    start: u64,
    end: u64,
    flags: u8,
    /// The first word of the record.
    head: u64,
    items: &'a [u64],
    /// Which tags there are among the items; see [`wire::survey`].
    tags: u32,
    has_twins: bool,
}

/// The first words of a record.
#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub(super) fn head(
    callsite: &'static Callsite,
    trace: (u64, u64),
    span: u64,
    parent: u64,
    start: u64,
    end: u64,
    flags: u8,
    items: usize,
) -> Head {
    let words = (super::chunk::HEAD_WORDS + items) as u64;
    let callsite = std::ptr::from_ref(callsite).expose_provenance() as u64;
    [u64::from(flags) | words << 32, callsite, trace.0, trace.1, span, parent, start, end]
}

/// Reads records until the words end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records<'a>(&'a [u64]);

impl<'a> Records<'a> {
    /// Reads words that a thread's chunk holds, or a copy of them.
    pub(crate) fn from_words(words: &'a [u64]) -> Self {
        Self(words)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = SpanRecord<'a>;

    #[inline]
    fn next(&mut self) -> Option<SpanRecord<'a>> {
        let (record, rest) = split_record(self.0)?;
        self.0 = rest;
        let (head, items) = record.split_first_chunk::<{ super::chunk::HEAD_WORDS }>()?;
        let (tags, has_twins) = wire::survey(items);
        Some(SpanRecord {
            callsite: callsite_of(head)?,
            trace_id: u128::from(head[2]) << 64 | u128::from(head[3]),
            span_id: head[4],
            parent_span_id: head[5],
            start: head[6],
            end: head[7],
            flags: head[0] as u8,
            head: head[0],
            items,
            tags,
            has_twins,
        })
    }
}

/// The call site of a record.
#[inline]
pub(super) fn callsite_of(record: &[u64]) -> Option<&'static Callsite> {
    let [_, callsite, ..] = record else { return None };
    let callsite = std::ptr::with_exposed_provenance::<Callsite>(*callsite as usize);
    // SAFETY: `head` stored the address of a `&'static Callsite` in this word, exposing its provenance.
    Some(unsafe { &*callsite })
}

/// A moment in the life of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// Ticks of [`crate::clock`].
    Ticks(u64),
    /// Nanoseconds since 1970-01-01 UTC, from somebody who has a clock of their own.
    Unix(u64),
}

/// A key: known at compile time, or borrowed from the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    Static(&'static str),
    Borrowed(&'a str),
}

impl<'a> Key<'a> {
    pub(crate) fn as_str(self) -> &'a str {
        match self {
            Self::Static(key) => key,
            Self::Borrowed(key) => key,
        }
    }
}

/// A span of another trace, or of this one, that the span is linked to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    pub(crate) flags: u8,
    pub(crate) is_remote: bool,
    pub(crate) state: &'a str,
    items: &'a [u64],
}

impl<'a> Link<'a> {
    fn of(words: &'a [u64]) -> Option<Self> {
        let (head, items) = words.split_first_chunk::<4>()?;
        let mut items = Items(items);
        let Payload::Str(state) = items.next()?.payload else { return None };
        Some(Self {
            trace_id: u128::from(head[0]) << 64 | u128::from(head[1]),
            span_id: head[2],
            flags: head[3] as u8,
            is_remote: head[3] & LINK_IS_REMOTE != 0,
            state,
            items: items.0,
        })
    }

    /// Calls `f` with every attribute of the link, and returns how many a limit has kept out.
    pub(crate) fn attributes(&self, f: impl FnMut(Key<'a>, Value<'a>)) -> u32 {
        plain_attributes(&NAMELESS, self.items, limits::link_attributes(), f)
    }
}

/// A call site for items that bear their names.
static NAMELESS: Callsite = Callsite::renamed();

/// In the flags of a link: the linked span is in another process.
pub(super) const LINK_IS_REMOTE: u64 = 1 << 8;

/// The attributes of an event or a link, in the order they were recorded.
fn plain_attributes<'a>(
    callsite: &Callsite,
    items: &'a [u64],
    limit: usize,
    mut f: impl FnMut(Key<'a>, Value<'a>),
) -> u32 {
    let extras = Extras::current();
    let (mut taken, mut dropped) = (0, 0);
    for item in Items(items) {
        if item.tag == wire::DROPPED {
            dropped += count_of(&item);
        } else if let Some((key, value)) = keyed(callsite, &item) {
            if taken == limit {
                dropped += 1;
            } else {
                taken += 1;
                f(key, value);
                if extras.old_names() {
                    let is_old = |item, old| keyed(callsite, &item).is_some_and(|(key, _)| key.as_str() == old);
                    extras.each(key, value, |old, value| {
                        // Who records the old name, too, has said what belongs there.
                        if !Items(items).any(|item| is_old(item, old)) {
                            f(Key::Static(old), value);
                        }
                    });
                }
            }
        }
    }
    dropped
}

fn count_of(item: &wire::Item<'_>) -> u32 {
    match item.payload {
        Payload::Word(count) => u32::try_from(count).unwrap_or(u32::MAX),
        _ => 0,
    }
}

/// The attributes of a call site that are known at compile time, those of its schema first.
pub(super) fn constants(callsite: &'static Callsite) -> impl Iterator<Item = (&'static str, Value<'static>)> {
    let of_schema = callsite.schema.map_or(&[][..], |schema| schema.constants);
    let of_schema = of_schema.iter().map(|(key, value)| (*key, Value::Str(wire::cut_to_limit(value))));
    of_schema.chain(callsite.constants.iter().map(|(key, value)| (*key, Value::constant(value))))
}

/// The attribute that an item holds.
pub(super) fn keyed<'a>(callsite: &Callsite, item: &wire::Item<'a>) -> Option<(Key<'a>, Value<'a>)> {
    if let (wire::KEYED, Payload::Words(words)) = (item.tag, item.payload) {
        let mut parts = Items(words);
        let Payload::Str(key) = parts.next()?.payload else { return None };
        let value = parts.next()?;
        return Some((Key::Borrowed(key), Value::of(value.tag, value.payload)?));
    }
    let value = Value::of(item.tag, item.payload)?;
    Some((Key::Static(callsite.key(item.index)?), value))
}

/// The links among items.
pub(super) fn links_among<'a>(items: &'a [u64]) -> impl Iterator<Item = Link<'a>> {
    Items(items).filter_map(|item| match (item.tag, item.payload) {
        (wire::LINK, Payload::Words(words)) => Link::of(words),
        _ => None,
    })
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Int(i64),
    Double(f64),
    Bool(bool),
    Str(&'a str),
    List(List<'a>),
}

/// Calls `f` with what is recorded of a value, if anything is.
#[cfg(feature = "testing")]
pub(crate) fn recorded(value: &(impl crate::attribute::AnyAttribute + ?Sized), f: impl FnMut(Value<'_>)) {
    let scratch = wire::Scratch::new();
    value.record(crate::attribute::Slot::new(&scratch, 0));
    scratch.above(0, |words| {
        let item = Items(words).next();
        item.and_then(|item| Value::of(item.tag, item.payload)).into_iter().for_each(f);
    });
}

/// A list of values of one type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List<'a>(&'a [u64]);

impl<'a> List<'a> {
    pub(crate) fn values(self) -> impl Iterator<Item = Value<'a>> {
        Items(self.0).filter_map(|item| Value::of(item.tag, item.payload))
    }
}

impl<'a> Value<'a> {
    fn constant(constant: &Constant) -> Self {
        match *constant {
            Constant::Str(text) => Self::Str(wire::cut_to_limit(text)),
            Constant::Int(value) => Self::Int(value),
            Constant::Double(value) => Self::Double(value),
            Constant::Bool(value) => Self::Bool(value),
        }
    }

    pub(super) fn of(tag: u8, payload: Payload<'a>) -> Option<Self> {
        Some(match (tag, payload) {
            (wire::INT, Payload::Word(word)) => Self::Int(word as i64),
            (wire::DOUBLE, Payload::Word(word)) => Self::Double(f64::from_bits(word)),
            (wire::BOOL, Payload::Word(word)) => Self::Bool(word != 0),
            (wire::STR, Payload::Str(text)) => Self::Str(text),
            (wire::LIST, Payload::Words(words)) => Self::List(List(words)),
            _ => return None,
        })
    }
}

/// An event of a span: one the user recorded, or the exception of an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) name: Key<'a>,
    pub(crate) time: Time,
    kind: EventKind<'a>,
}

#[derive(Clone, Copy, Debug)]
enum EventKind<'a> {
    User { callsite: &'static Callsite, items: &'a [u64] },
    Exception(Error<'a>),
}

impl<'a> Event<'a> {
    /// Whether this is the exception of an error that belongs to normal operation.
    pub(crate) fn is_expected(&self) -> bool {
        matches!(self.kind, EventKind::Exception(error) if error.class.is_expected())
    }

    /// Calls `f` with every attribute of the event, and returns how many a limit has kept out.
    pub(crate) fn attributes(&self, mut f: impl FnMut(Key<'a>, Value<'a>)) -> u32 {
        match self.kind {
            EventKind::User { callsite, items } => plain_attributes(callsite, items, limits::event_attributes(), f),
            EventKind::Exception(error) => {
                let all = [
                    // The type is text of the program and was not cut when it was recorded.
                    Some(("exception.type", Value::Str(wire::cut_to_limit(error.exception_type)))),
                    error.message.map(|message| ("exception.message", Value::Str(message))),
                    error.stacktrace.map(|stacktrace| ("exception.stacktrace", Value::Str(stacktrace))),
                    error.sources.map(|sources| ("otelier.error.sources", Value::List(sources))),
                ];
                let all = all.into_iter().flatten();
                let limit = limits::event_attributes();
                all.clone().take(limit).for_each(|(key, value)| f(Key::Static(key), value));
                all.skip(limit).count() as u32
            }
        }
    }
}

/// The error a span ended in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Error<'a> {
    /// What goes to `error.type`: of low cardinality.
    pub(crate) error_type: &'a str,
    /// The Rust type of the error.
    pub(crate) exception_type: &'a str,
    pub(crate) message: Option<&'a str>,
    stacktrace: Option<&'a str>,
    /// What caused it.
    sources: Option<List<'a>>,
    class: Class,
}

/// What became of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status<'a> {
    Unset,
    Ok,
    Error(&'a str),
}

impl<'a> SpanRecord<'a> {
    fn time(&self, word: u64) -> Time {
        if self.flags & flag::UNIX != 0 { Time::Unix(word) } else { Time::Ticks(word) }
    }

    pub(crate) fn start(&self) -> Time {
        self.time(self.start)
    }

    pub(crate) fn end(&self) -> Time {
        if self.flags & flag::UNIX_END != 0 { Time::Unix(self.end) } else { self.time(self.end) }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.flags >> flag::KIND_SHIFT & flag::KIND_MASK {
            1 => Kind::Internal,
            2 => Kind::Server,
            3 => Kind::Client,
            4 => Kind::Producer,
            5 => Kind::Consumer,
            _ => self.callsite.kind,
        }
    }

    pub(crate) fn parent_is_remote(&self) -> bool {
        self.flags & flag::REMOTE_PARENT != 0
    }

    fn items(&self) -> Items<'a> {
        Items(self.items)
    }

    /// The items if there is one with one of these tags, else none.
    fn items_with(&self, tags: &[u8]) -> Items<'a> {
        let wanted = tags.iter().fold(0u32, |wanted, tag| wanted | 1 << tag);
        Items(if self.tags & wanted != 0 { self.items } else { &[] })
    }

    /// Calls `f` with every attribute, each key once: the schema's constants, what was recorded (the last value of a key
    /// that was recorded twice), and what the outcome adds. Returns how many a limit has kept out.
    pub(crate) fn attributes(&self, mut f: impl FnMut(Key<'a>, Value<'a>)) -> u32 {
        self.explain(&mut f);
        self.unexplained_attributes(f)
    }

    /// The same without [what explains](Self::explain) why the trace is kept.
    pub(crate) fn unexplained_attributes(&self, mut f: impl FnMut(Key<'a>, Value<'a>)) -> u32 {
        let extras = Extras::current();
        if extras.span_type()
            && let Some(schema) = self.callsite.schema
        {
            f(Key::Static("otelier.span_type"), Value::Str(schema.id));
        }
        if !extras.old_names() {
            return self.own_attributes(f);
        }
        let recorded = |key: &str| self.items().any(|item| limits::key_of(&item, self.callsite) == Some(key));
        self.own_attributes(|key, value| {
            f(key, value);
            extras.each(key, value, |old, value| {
                if !recorded(old) {
                    f(Key::Static(old), value);
                }
            });
        })
    }

    /// The attributes without what is exported beside them.
    fn own_attributes(&self, mut f: impl FnMut(Key<'a>, Value<'a>)) -> u32 {
        let (mut taken, mut dropped, limit) = (0, 0, limits::attributes());
        let mut give = |dropped: &mut u32, key, value| {
            if taken == limit {
                *dropped += 1;
            } else {
                taken += 1;
                f(key, value);
            }
        };
        let constants = self.callsite.schema.map_or(&[][..], |schema| schema.constants);
        for (key, value) in constants {
            give(&mut dropped, Key::Static(key), Value::Str(wire::cut_to_limit(value)));
        }
        // Names of a call site are different from each other and from its constants; only what came through an API may clash.
        let (has_twins, has_keyed) = (self.has_twins, self.tags & 1 << wire::KEYED != 0);
        let is_of_context = |item: &wire::Item<'_>| (item.tag, item.index) == (wire::KEYED, wire::OF_CONTEXT);
        let recorded = |key: &str| {
            self.items().any(|item| limits::key_of(&item, self.callsite) == Some(key) && !is_of_context(&item))
        };
        let panicked = self.flags & flag::PANIC != 0;
        let mut recorded_error_type = false;
        for (key, value) in self.callsite.constants {
            let is_given = constants.iter().any(|(constant, _)| constant == key) || has_keyed && recorded(key);
            // Nobody foresees a panic; see below.
            let is_error_type = *key == "error.type";
            if !(is_given || is_error_type && panicked) {
                recorded_error_type |= is_error_type;
                give(&mut dropped, Key::Static(key), Value::constant(value));
            }
        }
        const SPECIAL: u32 = 1 << wire::KEYED | 1 << wire::ERROR | 1 << wire::CANCELLED | 1 << wire::DROPPED;
        if !has_twins && !panicked && self.tags & SPECIAL == 0 && constants.is_empty() {
            for (key, value) in self.items().filter_map(|item| keyed(self.callsite, &item)) {
                give(&mut dropped, key, value);
            }
            return dropped;
        }
        let mut failed = None;
        let mut before = 0;
        let mut items = self.items();
        while let Some(item) = items.next() {
            let seen = &self.items[..before];
            before = self.items.len() - items.0.len();
            if item.tag == wire::ERROR {
                failed = error(item.index, item.payload).map(|(_, error)| error);
            } else if item.tag == wire::CANCELLED {
                give(&mut dropped, Key::Static("otelier.cancelled"), Value::Bool(true));
            } else if item.tag == wire::DROPPED && item.index == dropped::ATTRIBUTES {
                dropped += count_of(&item);
            } else if let Some((key, value)) = keyed(self.callsite, &item) {
                let is_same = |other: &wire::Item<'_>| limits::key_of(other, self.callsite) == Some(key.as_str());
                // What the user says of the error is more exact than its type, but nobody foresees a panic.
                let is_error_type = key.as_str() == "error.type";
                let is_constant = constants.iter().any(|(constant, _)| *constant == key.as_str());
                let own = || self.callsite.constants.iter().any(|(constant, _)| *constant == key.as_str());
                let is_overwritten = is_of_context(&item) && own();
                if is_error_type && panicked || is_constant || is_overwritten {
                    continue;
                }
                recorded_error_type |= is_error_type;
                if !has_twins && !has_keyed {
                    give(&mut dropped, key, value);
                } else if !Items(seen).any(|item| is_same(&item)) {
                    // Attributes stand in the order of their first values, and have their last.
                    let last = Items(items.0).filter(is_same).last();
                    let value = last.and_then(|item| keyed(self.callsite, &item)).map_or(value, |(_, value)| value);
                    give(&mut dropped, key, value);
                }
            }
        }
        if panicked {
            give(&mut dropped, Key::Static("error.type"), Value::Str(wire::cut_to_limit("panic")));
        } else if let Some(Error { error_type, class, .. }) = failed {
            if !recorded_error_type {
                give(&mut dropped, Key::Static("error.type"), Value::Str(wire::cut_to_limit(error_type)));
            }
            // Here, too, what the user says is more exact.
            let said = |key: &str| {
                let is_constant = constants.iter().any(|(constant, _)| *constant == key);
                is_constant || self.callsite.constants.iter().any(|(constant, _)| *constant == key) || recorded(key)
            };
            for (key, text) in class.texts().filter(|(key, _)| !said(key)) {
                give(&mut dropped, Key::Static(key), Value::Str(text));
            }
            if class.is_retryable() && !said("failure.retryable") {
                give(&mut dropped, Key::Static("failure.retryable"), Value::Bool(true));
            }
        }
        dropped
    }

    /// Calls `f` with the events in the order they happened, and returns how many a limit has kept out.
    pub(crate) fn events(&self, mut f: impl FnMut(Event<'a>)) -> u32 {
        let callsite = self.callsite;
        let (mut taken, mut dropped, limit, on_spans) = (0, 0, limits::events(), exceptions::on_spans());
        for item in self.items_with(&[wire::EVENT, wire::NAMED_EVENT, wire::ERROR, wire::DROPPED]) {
            let event = match (item.tag, item.payload) {
                (wire::EVENT, Payload::Words([time, items @ ..])) => callsite.key(item.index).map(|name| Event {
                    name: Key::Static(name),
                    time: self.time(*time),
                    kind: EventKind::User { callsite, items },
                }),
                (wire::NAMED_EVENT, Payload::Words([time, items @ ..])) => {
                    let is_panic = item.index & wire::OF_PANIC != 0;
                    named_event(self.time_of_event(&item, *time), items).filter(|_| on_spans || !is_panic)
                }
                (wire::ERROR, _) if on_spans => self.exception(&item),
                (wire::DROPPED, _) if item.index == dropped::EVENTS => {
                    dropped += count_of(&item);
                    None
                }
                _ => None,
            };
            if let Some(event) = event {
                if taken == limit {
                    dropped += 1;
                } else {
                    taken += 1;
                    f(event);
                }
            }
        }
        dropped
    }

    /// Calls `f` with the exceptions that are log records.
    pub(crate) fn exceptions(&self, f: impl FnMut(Event<'a>)) {
        if exceptions::in_logs() {
            self.items_with(&[wire::ERROR, wire::NAMED_EVENT]).filter_map(|item| self.exception(&item)).for_each(f);
        }
    }

    fn time_of_event(&self, item: &wire::Item<'a>, time: u64) -> Time {
        if item.index & wire::UNIX_TIME != 0 { Time::Unix(time) } else { self.time(time) }
    }

    /// The exception that an item holds: that of an error, or of a panic.
    fn exception(&self, item: &wire::Item<'a>) -> Option<Event<'a>> {
        if let (wire::NAMED_EVENT, Payload::Words([time, items @ ..])) = (item.tag, item.payload)
            && item.index & wire::OF_PANIC != 0
        {
            return named_event(self.time_of_event(item, *time), items);
        }
        let (time, error) = if item.tag == wire::ERROR { error(item.index, item.payload)? } else { return None };
        // Where nothing was returned there is no error, and so no exception.
        if error.class.is_absent() {
            return None;
        }
        Some(Event { name: Key::Static("exception"), time: self.time(time), kind: EventKind::Exception(error) })
    }

    /// Calls `f` with the links, and returns how many a limit has kept out.
    pub(crate) fn links(&self, mut f: impl FnMut(Link<'a>)) -> u32 {
        let mut dropped = 0;
        for item in self.items_with(&[wire::LINK, wire::DROPPED]) {
            match (item.tag, item.payload) {
                (wire::LINK, Payload::Words(words)) => Link::of(words).into_iter().for_each(&mut f),
                (wire::DROPPED, _) if item.index == dropped::LINKS => dropped += count_of(&item),
                _ => {}
            }
        }
        dropped
    }

    /// What was said last and weighs most: a status that was set wins over what became of the function.
    pub(crate) fn status(&self) -> Status<'a> {
        let mut found = Status::Unset;
        let mut said = status::UNSET;
        for item in self.items_with(&[wire::STATUS, wire::ERROR]) {
            match (item.tag, item.payload) {
                // "Ok" is final, as the specification has it.
                (wire::STATUS, Payload::Str(description)) if said != status::OK => {
                    said = item.index;
                    found = match said {
                        status::OK => Status::Ok,
                        status::ERROR => Status::Error(description),
                        _ => found,
                    };
                }
                (wire::ERROR, payload) if said == status::UNSET => {
                    found = match error(item.index, payload) {
                        Some((_, error)) if !error.class.is_expected() => {
                            Status::Error(error.message.unwrap_or_default())
                        }
                        _ => Status::Unset,
                    };
                }
                _ => {}
            }
        }
        match found {
            Status::Unset if self.flags & flag::PANIC != 0 => Status::Error("panicked"),
            found => found,
        }
    }

    /// Why the trace is kept, if there is something to say of it.
    fn grounds(&self) -> Option<&'static Grounds> {
        Grounds::of(head_bits::grounds_of(self.head))
    }

    /// What [`explain`](Self::explain) says depends on this number alone, if there is one; with 0 it says nothing.
    #[inline]
    #[cfg_attr(not(feature = "_otlp"), allow(dead_code))]
    pub(crate) fn explained_by(&self) -> Option<GroundsNumber> {
        if self.head & head_bits::LOCAL_ROOT == 0 {
            return Some(0);
        }
        let is_alone = self.head & head_bits::DECIDED == 0 || self.tags & 1 << wire::TRACE_STATE == 0;
        is_alone.then(|| head_bits::grounds_of(self.head))
    }

    /// Calls `f` with what explains why the trace is kept, on the span with which it entered the process.
    pub(crate) fn explain(&self, mut f: impl FnMut(Key<'a>, Value<'a>)) {
        if self.head & head_bits::LOCAL_ROOT == 0 {
            return;
        }
        let Some(grounds) = self.grounds() else { return };
        f(Key::Static("otelier.sampler.reason"), Value::Str(grounds.kept.as_str()));
        if let Some(rule) = &grounds.rule {
            f(Key::Static("otelier.sampler.rule"), Value::Str(rule));
        }
        // A trace that was decided at its end stands for no fewer than its parent said.
        let told =
            (self.head & head_bits::DECIDED != 0).then(|| self.own_trace_state().and_then(threshold_in)).flatten();
        let threshold = grounds.threshold.map(|threshold| threshold.max(told.unwrap_or_default()));
        if let Some(probability) = threshold.map(probability_of) {
            f(Key::Static("otelier.sampler.probability"), Value::Double(probability));
        }
    }

    /// The [`tracestate`](Self::trace_state) of a trace of which tail sampling alone has something to tell; `None` of any other.
    #[inline]
    pub(crate) fn told_alone(&self) -> Option<&'static ToldState> {
        let is_told = self.head & head_bits::DECIDED != 0 && self.tags & 1 << wire::TRACE_STATE == 0;
        if is_told { Grounds::told_by(head_bits::grounds_of(self.head)) } else { None }
    }

    /// The `tracestate` header of the trace, if it has one; with the threshold of tail sampling, by which whoever counts spans
    /// knows how many each stands for.
    pub(crate) fn trace_state(&self) -> Option<Cow<'a, str>> {
        let Some(own) = self.own_trace_state() else { return self.told_alone().map(|told| told.text().into()) };
        if self.head & head_bits::DECIDED == 0 {
            return Some(Cow::Borrowed(own));
        }
        let threshold = self.grounds().and_then(|grounds| grounds.threshold);
        let changed = threshold.and_then(|threshold| state_with_threshold(own, threshold));
        Some(changed.map_or(Cow::Borrowed(own), Cow::Owned))
    }

    /// The `tracestate` header as it was when the span began.
    pub(super) fn own_trace_state(&self) -> Option<&'a str> {
        self.items_with(&[wire::TRACE_STATE]).find_map(|item| match (item.tag, item.payload) {
            (wire::TRACE_STATE, Payload::Str(state)) => Some(state),
            _ => None,
        })
    }

    /// The span's name: given at run time, or built from the schema's pattern where it has placeholders.
    pub(crate) fn name(&self) -> Cow<'static, str> {
        let names = self.items_with(&[wire::NAME]).filter_map(|item| match (item.tag, item.payload) {
            (wire::NAME, Payload::Str(name)) => Some(name),
            _ => None,
        });
        if let Some(name) = names.last() {
            return name.to_owned().into();
        }
        let (name, schema) = (self.callsite.name, self.callsite.schema);
        if self.callsite.pattern {
            // Without a value for a placeholder the pattern itself is the name: it says the same of all these spans.
            return self.filled(name).map_or(name.into(), Into::into);
        }
        let Some(schema) = schema.filter(|_| !self.callsite.named) else {
            return name.into();
        };
        if schema.name.is_empty() {
            return schema.id.into();
        }
        if !schema.name.contains('{') {
            return schema.name.into();
        }
        // A placeholder without a value (an `Option` that was `None`) leaves the schema's id as the name.
        self.filled(schema.name).map_or(schema.id.into(), Into::into)
    }

    fn filled(&self, pattern: &str) -> Option<String> {
        let mut name = String::with_capacity(pattern.len() + 16);
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            let (key, after) = after.split_once('}')?;
            name.push_str(before);
            name.push_str(&self.text_of(key)?);
            rest = after;
        }
        name.push_str(rest);
        Some(name)
    }

    fn text_of(&self, wanted: &str) -> Option<String> {
        let mut text = None;
        self.attributes(|key, value| {
            if key.as_str() == wanted {
                text = match value {
                    Value::Int(value) => Some(value.to_string()),
                    Value::Double(value) => Some(value.to_string()),
                    Value::Bool(value) => Some(value.to_string()),
                    Value::Str(value) => Some(value.to_owned()),
                    Value::List(_) => None,
                };
            }
        });
        text
    }
}

fn named_event<'a>(time: Time, items: &'a [u64]) -> Option<Event<'a>> {
    let mut items = Items(items);
    let Payload::Str(name) = items.next()?.payload else { return None };
    Some(Event { name: Key::Borrowed(name), time, kind: EventKind::User { callsite: &NAMELESS, items: items.0 } })
}

/// The time and the parts of an `ERROR` item; see `outcome` for how it is written.
pub(super) fn error<'a>(index: u16, payload: Payload<'a>) -> Option<(u64, Error<'a>)> {
    let Payload::Words([ticks, words @ ..]) = payload else { return None };
    let mut parts = Items(words);
    let (Payload::Str(error_type), Payload::Str(exception_type)) = (parts.next()?.payload, parts.next()?.payload)
    else {
        return None;
    };
    let class = Class(index);
    let mut error = Error { error_type, exception_type, message: None, stacktrace: None, sources: None, class };
    for item in parts {
        match (item.index, item.payload) {
            (part::MESSAGE, Payload::Str(message)) => error.message = Some(message),
            (part::STACKTRACE, Payload::Str(stacktrace)) => error.stacktrace = Some(stacktrace),
            (part::SOURCES, Payload::Words(words)) => error.sources = Some(List(words)),
            _ => {}
        }
    }
    Some((*ticks, error))
}
