//! Spans as text that is the same in every run.

use super::tree::{SpanTree, View};
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::time::SystemTime;

/// Numbers in place of ids and times, for those who asked for them.
#[derive(Default)]
struct Numbers {
    traces: HashMap<opentelemetry::trace::TraceId, usize>,
    moments: BTreeMap<SystemTime, usize>,
}

impl Numbers {
    fn of(tree: &SpanTree) -> Self {
        let mut numbers = Self::default();
        for node in &tree.nodes {
            let next = numbers.traces.len() + 1;
            numbers.traces.entry(node.data.span_context.trace_id()).or_insert(next);
            let events = node.data.events.events.iter().map(|event| event.timestamp);
            let all = [node.data.start_time, node.data.end_time].into_iter().chain(events);
            numbers.moments.extend(all.map(|moment| (moment, 0)));
        }
        numbers.moments.values_mut().enumerate().for_each(|(number, moment)| *moment = number);
        numbers
    }

    fn moment(&self, time: SystemTime) -> usize {
        self.moments.get(&time).copied().unwrap_or_default()
    }
}

/// The lines of every span, each with the span it belongs to.
pub(super) fn lines(tree: &SpanTree) -> Vec<(usize, String)> {
    let numbers = Numbers::of(tree);
    let mut names = HashMap::new();
    for (at, node) in tree.nodes.iter().enumerate() {
        names.insert(node.data.span_context.span_id(), at);
    }
    let linked = |id: SpanId| names.get(&id).copied();
    let mut lines = Vec::new();
    for (at, node) in tree.nodes.iter().enumerate() {
        let indent = "  ".repeat(node.depth);
        let mut line = format!("{indent}{}", one_line(&node.data.name));
        if tree.view.ids {
            let trace = numbers.traces.get(&node.data.span_context.trace_id()).copied().unwrap_or_default();
            let _ = write!(line, " (trace {trace}, span {})", at + 1);
        }
        if tree.view.times {
            let (start, end) = (numbers.moment(node.data.start_time), numbers.moment(node.data.end_time));
            let _ = write!(line, " @{start}..{end}");
        }
        if node.parent.is_none() && node.data.parent_span_is_remote {
            line.push_str(" [remote parent]");
        }
        line.push_str(&said(&node.data, &tree.view));
        lines.push((at, line));
        for event in shown_events(&node.data, &tree.view) {
            let mut line = format!("{indent}  event {}", one_line(&event.name));
            if tree.view.times {
                let _ = write!(line, " @{}", numbers.moment(event.timestamp));
            }
            line.push_str(&attributes(&event.attributes));
            lines.push((at, line));
        }
        for link in &node.data.links.links {
            let to = link.span_context.span_id();
            let mut line = match linked(to) {
                Some(other) => format!("{indent}  link {}", one_line(&tree.nodes[other].data.name)),
                None => format!("{indent}  link elsewhere"),
            };
            if let Some(other) = linked(to).filter(|_| tree.view.ids) {
                let _ = write!(line, " (span {})", other + 1);
            }
            line.push_str(&attributes(&link.attributes));
            lines.push((at, line));
        }
    }
    lines
}

/// What a span looks like by itself, without what differs from run to run; for ordering.
pub(super) fn looks(data: &SpanData, view: &View) -> String {
    let mut text = format!("{}{}", data.name, said(data, view));
    for event in shown_events(data, view) {
        let _ = write!(text, "\n{}{}", event.name, attributes(&event.attributes));
    }
    text
}

/// What was an error is told by `error.type`; its message is prose, and often not the same twice.
fn shown_events<'a>(data: &'a SpanData, view: &View) -> impl Iterator<Item = &'a opentelemetry::trace::Event> {
    let errors = view.errors;
    data.events.events.iter().filter(move |event| errors || event.name != "exception")
}

/// Kind, status and attributes.
fn said(data: &SpanData, view: &View) -> String {
    let mut text = String::new();
    if data.span_kind != SpanKind::Internal {
        let _ = write!(text, " [{}]", kind(&data.span_kind));
    }
    match &data.status {
        Status::Unset => {}
        Status::Ok => text.push_str(" ✓"),
        Status::Error { description } if view.errors && !description.is_empty() => {
            let _ = write!(text, " ✗ {description:?}");
        }
        Status::Error { .. } => text.push_str(" ✗"),
    }
    text + &attributes(&data.attributes)
}

pub(super) fn kind(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

/// Sorted by key, because the order of recording is often an accident.
fn attributes(attributes: &[KeyValue]) -> String {
    let mut sorted: Vec<&KeyValue> = attributes.iter().collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let mut text = String::new();
    for attribute in sorted {
        let _ = write!(text, " {}={}", one_line(attribute.key.as_str()), value(&attribute.value));
    }
    text
}

/// A value as it is written in the text, so that values of different types look different.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::F64(value) => format!("{value:?}"),
        Value::String(value) => string(value.as_str()),
        Value::Array(Array::Bool(values)) => list(values.iter().map(bool::to_string)),
        Value::Array(Array::I64(values)) => list(values.iter().map(i64::to_string)),
        Value::Array(Array::F64(values)) => list(values.iter().map(|value| format!("{value:?}"))),
        Value::Array(Array::String(values)) => list(values.iter().map(|value| string(value.as_str()))),
        other => format!("{other:?}"),
    }
}

/// The name of a value's type.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "boolean",
        Value::I64(_) => "int",
        Value::F64(_) => "double",
        Value::String(_) => "string",
        Value::Array(Array::Bool(_)) => "boolean[]",
        Value::Array(Array::I64(_)) => "int[]",
        Value::Array(Array::F64(_)) => "double[]",
        Value::Array(Array::String(_)) => "string[]",
        _ => "value",
    }
}

fn list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

/// In quotes if it could be taken for something else.
fn string(text: &str) -> String {
    let plain = !text.is_empty()
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=' | ',' | '[' | ']' | '\\'))
        && text.parse::<f64>().is_err()
        && text.parse::<bool>().is_err();
    if plain { text.to_owned() } else { format!("{text:?}") }
}

/// A name is on one line.
fn one_line(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] }).collect()
}
