//! Values and links as OpenTelemetry's API has them.

use super::view::{Link, Value};
use crate::attribute::{AnyAttribute, Slot};
use crate::wire::{Items, Scratch};
use opentelemetry::trace::{Link as OtelLink, SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry::{Array, KeyValue, StringValue};
use std::str::FromStr;

impl Value<'_> {
    /// The value as OpenTelemetry has it.
    pub(crate) fn owned(self) -> opentelemetry::Value {
        use opentelemetry::Value as Owned;
        match self {
            Self::Int(value) => Owned::I64(value),
            Self::Double(value) => Owned::F64(value),
            Self::Bool(value) => Owned::Bool(value),
            Self::Str(value) => Owned::String(value.to_owned().into()),
            Self::List(list) => Owned::Array(array(list.values())),
        }
    }
}

impl Link<'_> {
    /// The link as OpenTelemetry has it.
    pub(super) fn owned(&self) -> OtelLink {
        let mut attributes = Vec::new();
        let dropped = self.attributes(|key, value| {
            attributes.push(KeyValue::new(key.as_str().to_owned(), value.owned()));
        });
        let context = SpanContext::new(
            TraceId::from(self.trace_id),
            SpanId::from(self.span_id),
            TraceFlags::new(self.flags),
            self.is_remote,
            TraceState::from_str(self.state).unwrap_or_default(),
        );
        OtelLink::new(context, attributes, dropped)
    }
}

/// What would be recorded of a value; `None` if nothing.
pub(crate) fn owned(value: &(impl AnyAttribute + ?Sized)) -> Option<opentelemetry::Value> {
    owned_by(&mut |slot| value.record(slot))
}

/// What `write` writes.
pub(crate) fn owned_by(write: &mut dyn FnMut(Slot<'_>)) -> Option<opentelemetry::Value> {
    let scratch = Scratch::new();
    write(Slot::new(&scratch, 0));
    scratch.above(0, |words| Items(words).next().and_then(|item| Value::of(item.tag, item.payload)).map(Value::owned))
}

/// A list has one type, that of its first value; the types of Rust make sure that all values are of it.
fn array<'a>(values: impl Iterator<Item = Value<'a>>) -> Array {
    let values: Vec<_> = values.collect();
    macro_rules! of {
        ($variant:ident) => {
            values.iter().filter_map(|value| match value {
                Value::$variant(value) => Some(*value),
                _ => None,
            })
        };
    }
    match values.first() {
        Some(Value::Int(_)) => Array::I64(of!(Int).collect()),
        Some(Value::Double(_)) => Array::F64(of!(Double).collect()),
        Some(Value::Bool(_)) => Array::Bool(of!(Bool).collect()),
        _ => Array::String(of!(Str).map(|text| StringValue::from(text.to_owned())).collect()),
    }
}
