//! A span that was recorded before.

use crate::Priority;
use crate::record::{Subject, Value};
use crate::schema::Kind;
use opentelemetry::{Array, KeyValue, Value as Owned};

/// A finished span of a [`Simulation`](super::Simulation), as an exporter wrote it.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(clippy::exhaustive_structs)]
pub struct SimulatedSpan {
    /// What tells the process from others: each decides by itself on its part of a trace. Any text, such as what its resource is.
    pub process: String,
    /// The id of the trace.
    pub trace_id: u128,
    /// The id of the span.
    pub span_id: u64,
    /// The id of its parent; 0 if it has none.
    pub parent_span_id: u64,
    /// Whether the parent is in another process, if the span's flags say it.
    pub parent_is_remote: Option<bool>,
    /// The `tracestate`, in which samplers tell by `ot=th:…` how many traces this one stands for.
    pub trace_state: String,
    /// The span's name.
    pub name: String,
    /// The span's kind.
    pub kind: Kind,
    /// The id of its schema, exported as `otelier.span_type` if [`span_types`](crate::Telemetry::span_types) is on; empty if it is
    /// not known.
    pub schema: String,
    /// The priority of its annotation, which is not exported.
    pub priority: Priority,
    /// When it began, in nanoseconds since 1970.
    pub start: u64,
    /// When it ended, in nanoseconds since 1970.
    pub end: u64,
    /// Whether its status is an error.
    pub failed: bool,
    /// The attributes.
    pub attributes: Vec<KeyValue>,
    /// The names of its events.
    pub events: Vec<String>,
    /// How large it is as it is exported.
    pub bytes: usize,
}

impl Subject for SimulatedSpan {
    fn failed(&self) -> bool {
        self.failed
    }

    fn nanos(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    fn schema(&self) -> &str {
        &self.schema
    }

    fn with_name(&self, f: &mut dyn FnMut(&str)) {
        f(&self.name);
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn priority(&self) -> Priority {
        self.priority
    }

    fn has(&self, key: &str, is: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        let mut those = self.attributes.iter().filter(|attribute| attribute.key.as_str() == key);
        those.any(|attribute| any(&attribute.value, is))
    }

    fn has_event(&self, name: &str) -> bool {
        self.events.iter().any(|event| event == name)
    }
}

/// Whether `is` says so of a value, or of one in a list.
fn any(value: &Owned, is: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
    match value {
        Owned::Bool(value) => is(Value::Bool(*value)),
        Owned::I64(value) => is(Value::Int(*value)),
        Owned::F64(value) => is(Value::Double(*value)),
        Owned::String(value) => is(Value::Str(value.as_str())),
        Owned::Array(Array::Bool(values)) => values.iter().any(|value| is(Value::Bool(*value))),
        Owned::Array(Array::I64(values)) => values.iter().any(|value| is(Value::Int(*value))),
        Owned::Array(Array::F64(values)) => values.iter().any(|value| is(Value::Double(*value))),
        Owned::Array(Array::String(values)) => values.iter().any(|value| is(Value::Str(value.as_str()))),
        _ => false,
    }
}
