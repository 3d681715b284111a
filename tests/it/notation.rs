//! Spans of both sides as text in one notation, a fact to a line. It is written without any conversion of the libraries,
//! so that it can judge them too. Numbers of floating point show their bits, so that every `NaN` counts.

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue as WireKeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::trace::SpanData;
use std::fmt::Debug;
use std::time::{SystemTime, UNIX_EPOCH};

fn list<T>(values: &[T], one: impl Fn(&T) -> String) -> String {
    format!("[{}]", values.iter().map(one).collect::<Vec<_>>().join(", "))
}

pub(crate) fn seen_value(value: &Value) -> String {
    let double = |value: &f64| format!("double {:#x}", value.to_bits());
    let string = |value: &str| format!("string {value:?}");
    match value {
        Value::Bool(value) => format!("bool {value}"),
        Value::I64(value) => format!("int {value}"),
        Value::F64(value) => double(value),
        Value::String(value) => string(value.as_str()),
        Value::Array(Array::Bool(values)) => list(values, |value| format!("bool {value}")),
        Value::Array(Array::I64(values)) => list(values, |value| format!("int {value}")),
        Value::Array(Array::F64(values)) => list(values, double),
        Value::Array(Array::String(values)) => list(values, |value| string(value.as_str())),
        other => panic!("a new kind of value: {other:?}"),
    }
}

pub(crate) fn wire_value(value: &AnyValue) -> String {
    match value.value.as_ref().expect("a value") {
        any_value::Value::BoolValue(value) => format!("bool {value}"),
        any_value::Value::IntValue(value) => format!("int {value}"),
        any_value::Value::DoubleValue(value) => format!("double {:#x}", value.to_bits()),
        any_value::Value::StringValue(value) => format!("string {value:?}"),
        any_value::Value::ArrayValue(array) => list(&array.values, wire_value),
        other => panic!("a value of a kind that is never recorded: {other:?}"),
    }
}

pub(crate) fn seen_attributes(attributes: &[KeyValue]) -> Vec<String> {
    attributes.iter().map(|item| format!("{} = {}", item.key, seen_value(&item.value))).collect()
}

pub(crate) fn wire_attributes(attributes: &[WireKeyValue]) -> Vec<String> {
    let value = |item: &WireKeyValue| wire_value(item.value.as_ref().expect("a value"));
    attributes.iter().map(|item| format!("{} = {}", item.key, value(item))).collect()
}

fn unix_nanos(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).expect("after 1970").as_nanos()
}

fn facts<const N: usize>(facts: [(&str, &dyn Debug); N]) -> Vec<String> {
    facts.map(|(name, fact)| format!("{name}: {fact:?}")).into()
}

pub(crate) fn seen(span: &SpanData) -> Vec<String> {
    let context = &span.span_context;
    let parent = span.parent_span_id;
    let parent = if parent == SpanId::INVALID { Vec::new() } else { parent.to_bytes().to_vec() };
    let remote = if span.parent_span_is_remote { 0x200 } else { 0 };
    let kind = match span.span_kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    };
    let status = match &span.status {
        Status::Unset => (0, String::new()),
        Status::Ok => (1, String::new()),
        Status::Error { description } => (2, description.to_string()),
    };
    let mut lines = facts([
        ("name", &span.name),
        ("trace", &context.trace_id().to_bytes().to_vec()),
        ("span", &context.span_id().to_bytes().to_vec()),
        ("parent", &parent),
        ("state", &context.trace_state().header()),
        ("flags", &(u32::from(context.trace_flags().to_u8()) | 0x100 | remote)),
        ("kind", &kind),
        ("start", &unix_nanos(span.start_time)),
        ("end", &unix_nanos(span.end_time)),
        ("status", &status),
        ("dropped", &(span.dropped_attributes_count, span.events.dropped_count, span.links.dropped_count)),
        ("links", &span.links.len()),
    ]);
    lines.extend(seen_attributes(&span.attributes));
    for event in span.events.iter() {
        lines.push(format!("event {:?} at {}", event.name, unix_nanos(event.timestamp)));
        lines.extend(seen_attributes(&event.attributes));
    }
    lines
}

pub(crate) fn wire(span: &Span) -> Vec<String> {
    let status = span.status.as_ref().map_or((0, String::new()), |status| (status.code, status.message.clone()));
    let mut lines = facts([
        ("name", &span.name),
        ("trace", &span.trace_id),
        ("span", &span.span_id),
        ("parent", &span.parent_span_id),
        ("state", &span.trace_state),
        ("flags", &span.flags),
        ("kind", &span.kind),
        ("start", &span.start_time_unix_nano),
        ("end", &span.end_time_unix_nano),
        ("status", &status),
        ("dropped", &(span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count)),
        ("links", &span.links.len()),
    ]);
    lines.extend(wire_attributes(&span.attributes));
    for event in &span.events {
        lines.push(format!("event {:?} at {}", event.name, event.time_unix_nano));
        lines.extend(wire_attributes(&event.attributes));
    }
    lines
}
