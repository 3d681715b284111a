//! A finished span as exporters see it.

use super::{Callsite, flag};
use crate::wire::{self, Items, Payload};

/// One finished span, borrowed from a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanRecord<'a> {
    pub(crate) callsite: &'static Callsite,
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    /// 0 for the root of a trace.
    pub(crate) parent_span_id: u64,
    /// Ticks of [`crate::clock`].
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(super) flags: u8,
    pub(super) items: &'a [u64],
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

/// A list of values of one type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List<'a>(&'a [u64]);

impl<'a> List<'a> {
    pub(crate) fn values(self) -> impl Iterator<Item = Value<'a>> {
        Items(self.0).filter_map(|item| Value::of(item.tag, item.payload))
    }
}

impl<'a> Value<'a> {
    fn of(tag: u8, payload: Payload<'a>) -> Option<Self> {
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
pub(crate) enum Event<'a> {
    User { name: &'static str, ticks: u64, keys: &'static [&'static str], items: &'a [u64] },
    Exception { ticks: u64, error: Error<'a> },
}

impl<'a> Event<'a> {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::User { name, .. } => name,
            Self::Exception { .. } => "exception",
        }
    }

    pub(crate) fn ticks(&self) -> u64 {
        match self {
            Self::User { ticks, .. } | Self::Exception { ticks, .. } => *ticks,
        }
    }

    /// Calls `f` with every attribute of the event.
    pub(crate) fn attributes(&self, mut f: impl FnMut(&'static str, Value<'a>)) {
        match *self {
            Self::User { keys, items, .. } => {
                for item in Items(items) {
                    if let (Some(key), Some(value)) =
                        (keys.get(usize::from(item.index)), Value::of(item.tag, item.payload))
                    {
                        f(key, value);
                    }
                }
            }
            Self::Exception { error, .. } => {
                f("exception.type", Value::Str(error.exception_type));
                if let Some(message) = error.message {
                    f("exception.message", Value::Str(message));
                }
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
    /// An expected error does not make the span an error.
    pub(crate) expected: bool,
}

/// What became of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status<'a> {
    Unset,
    Error(&'a str),
}

impl<'a> SpanRecord<'a> {
    pub(crate) fn parent_is_remote(&self) -> bool {
        self.flags & flag::REMOTE_PARENT != 0
    }

    fn items(&self) -> Items<'a> {
        Items(self.items)
    }

    /// Calls `f` with every attribute, each key once: the schema's constants, what was recorded (the last value of a key
    /// that was recorded twice), and what the outcome adds.
    pub(crate) fn attributes(&self, mut f: impl FnMut(&'static str, Value<'a>)) {
        let constants = self.callsite.schema.map_or(&[][..], |schema| schema.constants);
        for (key, value) in constants {
            f(key, Value::Str(value));
        }
        let panicked = self.flags & flag::PANIC != 0;
        let mut error_type = None;
        let mut recorded_error_type = false;
        let mut items = self.items();
        while let Some(item) = items.next() {
            if item.tag == wire::ERROR {
                error_type = error(item.index, item.payload).map(|error| error.1.error_type);
            } else if item.tag == wire::CANCELLED {
                f("otelier.cancelled", Value::Bool(true));
            } else if let Some(value) = Value::of(item.tag, item.payload) {
                let Some(&key) = self.callsite.keys.get(usize::from(item.index)) else { continue };
                // What the user says of the error is more exact than its type, but nobody foresees a panic.
                let is_error_type = key == "error.type";
                let overwritten = is_error_type && panicked
                    || constants.iter().any(|(constant, _)| *constant == key)
                    || Items(items.0).any(|later| {
                        Value::of(later.tag, later.payload).is_some()
                            && self.callsite.keys.get(usize::from(later.index)) == Some(&key)
                    });
                if !overwritten {
                    recorded_error_type |= is_error_type;
                    f(key, value);
                }
            }
        }
        if panicked {
            f("error.type", Value::Str("panic"));
        } else if let Some(error_type) = error_type.filter(|_| !recorded_error_type) {
            f("error.type", Value::Str(error_type));
        }
    }

    /// The events in the order they happened.
    pub(crate) fn events(&self) -> impl Iterator<Item = Event<'a>> {
        let keys = self.callsite.keys;
        self.items().filter_map(move |item| match (item.tag, item.payload) {
            (wire::EVENT, Payload::Words([ticks, items @ ..])) => {
                Some(Event::User { name: keys.get(usize::from(item.index))?, ticks: *ticks, keys, items })
            }
            (wire::ERROR, payload) => {
                error(item.index, payload).map(|(ticks, error)| Event::Exception { ticks, error })
            }
            _ => None,
        })
    }

    pub(crate) fn status(&self) -> Status<'a> {
        let last = self.items().filter(|item| item.tag == wire::ERROR).last();
        match last.and_then(|item| error(item.index, item.payload)) {
            Some((_, error)) if !error.expected => Status::Error(error.message.unwrap_or_default()),
            _ if self.flags & flag::PANIC != 0 => Status::Error("panicked"),
            _ => Status::Unset,
        }
    }

    /// The `tracestate` header of the trace, if it has one.
    pub(crate) fn trace_state(&self) -> Option<&'a str> {
        self.items().find_map(|item| match (item.tag, item.payload) {
            (wire::TRACE_STATE, Payload::Str(state)) => Some(state),
            _ => None,
        })
    }

    /// The span's name; built from the schema's pattern where it has placeholders.
    pub(crate) fn name(&self) -> std::borrow::Cow<'static, str> {
        let Some(schema) = self.callsite.schema.filter(|_| !self.callsite.named) else {
            return self.callsite.name.into();
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
            if key == wanted {
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

/// The time and the parts of an `ERROR` item; see `outcome` for how it is written.
fn error<'a>(index: u16, payload: Payload<'a>) -> Option<(u64, Error<'a>)> {
    let Payload::Words([ticks, words @ ..]) = payload else { return None };
    let mut parts = Items(words).map(|item| match item.payload {
        Payload::Str(text) => Some(text),
        _ => None,
    });
    let error_type = parts.next()??;
    let exception_type = parts.next()??;
    let message = parts.next().flatten();
    Some((*ticks, Error { error_type, exception_type, message, expected: index == super::outcome::EXPECTED }))
}
