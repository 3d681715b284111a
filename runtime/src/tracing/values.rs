//! The values of fields, read before anything of ours or of the registry is held: a `Debug` of the program may make spans
//! itself.

use crate::wire;
use ::tracing::field::{Field, Visit};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use std::error::Error;
use std::fmt::{self, Write};

/// The most sources of an error that are recorded; those that lead back to themselves end here, too.
const MOST_SOURCES: usize = 16;

/// The most fields that are read of one span or event; `tracing` itself allows no more in most of its macros.
const MOST_FIELDS: usize = 256;

/// An error that a field holds, as an `exception` event has it.
#[derive(Debug)]
pub(super) struct Exception {
    pub(super) message: String,
    sources: Vec<StringValue>,
}

impl Exception {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let sources = std::iter::successors(error.source(), |&error| error.source()).take(MOST_SOURCES);
        Self {
            message: text(format_args!("{error}")),
            sources: sources.map(|source| text(format_args!("{source}")).into()).collect(),
        }
    }

    /// The attributes of the event.
    pub(super) fn attributes(self) -> impl Iterator<Item = KeyValue> {
        let sources = (!self.sources.is_empty())
            .then(|| KeyValue::new("otelier.error.sources", Value::Array(Array::String(self.sources))));
        std::iter::once(KeyValue::new("exception.message", self.message)).chain(sources)
    }
}

/// The start of a text, as long as a value may be. What does not fit is not kept, and the formatter is not told, because a
/// `Debug` may not expect that.
struct Limited {
    text: String,
    left: usize,
}

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let kept = wire::cut(text, self.left);
        // What is shorter than the limit in bytes is so in characters.
        self.left -= if kept.len() <= self.left && kept.is_ascii() { kept.len() } else { kept.chars().count() };
        self.text.push_str(kept);
        Ok(())
    }
}

/// What is displayed, up to the longest value.
pub(super) fn text(value: fmt::Arguments<'_>) -> String {
    if let Some(text) = value.as_str() {
        return wire::cut_to_limit(text).to_owned();
    }
    let mut limited = Limited { text: String::new(), left: wire::max_str() };
    // An error of the formatter is not ours to report; what it wrote so far is kept.
    let _ = limited.write_fmt(value);
    limited.text
}

/// What the fields of a span say of the span itself: see `docs/tracing.md`.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) name: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) status: Option<String>,
    pub(super) description: Option<String>,
}

/// The fields of a span.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) said: Said,
    /// By the index and the name of the field.
    pub(super) values: Vec<(u16, &'static str, Value)>,
    pub(super) errors: Vec<Exception>,
}

impl Fields {
    /// Takes what was recorded later; of two values for one field the later one counts.
    pub(super) fn update(&mut self, later: Self) {
        let Said { name, kind, status, description } = later.said;
        let said = &mut self.said;
        said.name = name.or(said.name.take());
        said.kind = kind.or(said.kind.take());
        said.status = status.or(said.status.take());
        said.description = description.or(said.description.take());
        for value in later.values {
            match self.values.iter_mut().find(|known| known.0 == value.0) {
                Some(known) => *known = value,
                None => self.values.push(value),
            }
        }
        // A field may be recorded in an endless loop.
        self.errors.extend(later.errors.into_iter().take(MOST_SOURCES.saturating_sub(self.errors.len())));
    }

    fn push(&mut self, field: &Field, value: Value) {
        if self.values.len() < MOST_FIELDS {
            self.values.push((u16::try_from(field.index()).unwrap_or(u16::MAX), field.name(), value));
        }
    }

    fn text(&mut self, field: &Field, text: String) {
        match field.name() {
            "otel.name" => self.said.name = Some(text),
            "otel.kind" => self.said.kind = Some(text),
            "otel.status_code" => self.said.status = Some(text),
            "otel.status_description" | "otel.status_message" => self.said.description = Some(text),
            _ => self.push(field, text.into()),
        }
    }
}

/// An integer as `attribute::IntAttribute` has it: the nearest that OpenTelemetry can hold.
fn nearest<T: TryInto<i64> + PartialOrd + Default>(value: T) -> i64 {
    let positive = value > T::default();
    value.try_into().unwrap_or(if positive { i64::MAX } else { i64::MIN })
}

macro_rules! numbers {
    ($push:ident) => {
        fn record_f64(&mut self, field: &Field, value: f64) {
            self.$push(field, value.into());
        }

        fn record_i64(&mut self, field: &Field, value: i64) {
            self.$push(field, value.into());
        }

        fn record_u64(&mut self, field: &Field, value: u64) {
            self.$push(field, nearest(value).into());
        }

        fn record_i128(&mut self, field: &Field, value: i128) {
            self.$push(field, nearest(value).into());
        }

        fn record_u128(&mut self, field: &Field, value: u128) {
            self.$push(field, nearest(value).into());
        }

        fn record_bool(&mut self, field: &Field, value: bool) {
            self.$push(field, value.into());
        }

        fn record_str(&mut self, field: &Field, value: &str) {
            self.text(field, wire::cut_to_limit(value).to_owned());
        }

        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.text(field, text(format_args!("{value:?}")));
        }
    };
}

impl Visit for Fields {
    numbers!(push);

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let exception = Exception::of(error);
        self.push(field, exception.message.clone().into());
        if self.errors.len() < MOST_SOURCES {
            self.errors.push(exception);
        }
    }
}

/// The fields of an event.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) message: Option<String>,
    pub(super) attributes: Vec<KeyValue>,
    /// The first error.
    pub(super) error: Option<Exception>,
    /// What a record of `log` says of where it was made.
    pub(super) target: Option<String>,
    pub(super) file: Option<String>,
    pub(super) line: Option<i64>,
}

impl Told {
    fn push(&mut self, field: &Field, value: Value) {
        match field.name() {
            "log.line" => {
                if let Value::I64(line) = value {
                    self.line = Some(line);
                }
            }
            name if self.attributes.len() < MOST_FIELDS => self.attributes.push(KeyValue::new(name, value)),
            _ => {}
        }
    }

    fn text(&mut self, field: &Field, text: String) {
        match field.name() {
            "message" => self.message = Some(text),
            "log.target" => self.target = Some(text),
            "log.file" => self.file = Some(text),
            // The target says the same, unless the program has given another one.
            "log.module_path" => {}
            _ => self.push(field, text.into()),
        }
    }
}

impl Visit for Told {
    numbers!(push);

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let exception = Exception::of(error);
        if self.error.is_none() {
            self.push(field, exception.message.clone().into());
            self.error = Some(exception);
        } else {
            self.push(field, exception.message.into());
        }
    }
}
