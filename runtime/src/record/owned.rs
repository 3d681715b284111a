//! Values as OpenTelemetry's API has them.

use super::view::Value;
use crate::attribute::{AnyAttribute, Slot};
use crate::wire::{Items, Scratch};
use opentelemetry::{Array, StringValue};

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
