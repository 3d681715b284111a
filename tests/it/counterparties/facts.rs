//! A span as a map of facts, so that two of them are compared field by field, whatever language they went through.

use crate::notation::{seen_value, wire_value};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope as WireScope, KeyValue as WireKeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource as WireResource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// What is known about one span: `name`, `attribute app.list`, `event 0 time` and so on.
pub(super) type Facts = BTreeMap<String, String>;

/// Spans by their ids, in hexadecimal digits.
pub(super) type Spans = BTreeMap<String, Facts>;

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) fn put(facts: &mut Facts, name: impl Into<String>, value: impl ToString) {
    let name = name.into();
    let before = facts.insert(name.clone(), value.to_string());
    assert!(before.is_none(), "{name} is there twice: {before:?}");
}

/// Adds a text in quotes.
pub(super) fn quote(facts: &mut Facts, name: impl Into<String>, text: impl Debug) {
    put(facts, name, format!("{text:?}"));
}

fn unix_nanos(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).expect("after 1970").as_nanos()
}

fn seen_attributes<'a>(facts: &mut Facts, prefix: &str, attributes: impl IntoIterator<Item = &'a KeyValue>) {
    attributes.into_iter().for_each(|one| put(facts, format!("{prefix}attribute {}", one.key), seen_value(&one.value)));
}

fn wire_attributes(facts: &mut Facts, prefix: &str, attributes: &[WireKeyValue]) {
    for one in attributes {
        put(facts, format!("{prefix}attribute {}", one.key), wire_value(one.value.as_ref().expect("a value")));
    }
}

fn flags(context: &SpanContext, is_remote: bool) -> u32 {
    u32::from(context.trace_flags().to_u8()) | 0x100 | if is_remote { 0x200 } else { 0 }
}

/// What a memory exporter has seen of a span.
pub(super) fn seen(span: &SpanData, resource: &Resource) -> Facts {
    let mut facts = Facts::new();
    let context = &span.span_context;
    quote(&mut facts, "name", &span.name);
    put(&mut facts, "trace", hex(&context.trace_id().to_bytes()));
    put(&mut facts, "span", hex(&context.span_id().to_bytes()));
    let parent = span.parent_span_id;
    put(&mut facts, "parent", if parent == SpanId::INVALID { String::new() } else { hex(&parent.to_bytes()) });
    put(&mut facts, "state", context.trace_state().header());
    put(&mut facts, "flags", format!("{:#x}", flags(context, span.parent_span_is_remote)));
    let kind = match span.span_kind {
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    };
    put(&mut facts, "kind", kind);
    put(&mut facts, "start", unix_nanos(span.start_time));
    put(&mut facts, "end", unix_nanos(span.end_time));
    let (code, message) = match &span.status {
        Status::Unset => ("unset", ""),
        Status::Ok => ("ok", ""),
        Status::Error { description } => ("error", &**description),
    };
    put(&mut facts, "status code", code);
    quote(&mut facts, "status message", message);
    put(&mut facts, "dropped attributes", span.dropped_attributes_count);
    put(&mut facts, "dropped events", span.events.dropped_count);
    put(&mut facts, "dropped links", span.links.dropped_count);
    seen_attributes(&mut facts, "", &span.attributes);
    for (number, event) in span.events.iter().enumerate() {
        let prefix = format!("event {number} ");
        quote(&mut facts, format!("{prefix}name"), &event.name);
        put(&mut facts, format!("{prefix}time"), unix_nanos(event.timestamp));
        put(&mut facts, format!("{prefix}dropped"), event.dropped_attributes_count);
        seen_attributes(&mut facts, &prefix, &event.attributes);
    }
    for (number, link) in span.links.iter().enumerate() {
        let (prefix, to) = (format!("link {number} "), &link.span_context);
        put(&mut facts, format!("{prefix}trace"), hex(&to.trace_id().to_bytes()));
        put(&mut facts, format!("{prefix}span"), hex(&to.span_id().to_bytes()));
        put(&mut facts, format!("{prefix}state"), to.trace_state().header());
        put(&mut facts, format!("{prefix}flags"), format!("{:#x}", flags(to, to.is_remote())));
        put(&mut facts, format!("{prefix}dropped"), link.dropped_attributes_count);
        seen_attributes(&mut facts, &prefix, &link.attributes);
    }
    seen_scope(&mut facts, &span.instrumentation_scope);
    for (key, value) in resource.iter() {
        put(&mut facts, format!("resource attribute {key}"), seen_value(value));
    }
    quote(&mut facts, "resource schema", resource.schema_url().unwrap_or_default());
    facts
}

fn seen_scope(facts: &mut Facts, scope: &InstrumentationScope) {
    quote(facts, "scope name", scope.name());
    quote(facts, "scope version", scope.version().unwrap_or_default());
    quote(facts, "scope schema", scope.schema_url().unwrap_or_default());
    seen_attributes(facts, "scope ", scope.attributes());
}

/// What OTLP says of a span.
pub(super) fn wire(span: &Span, scope: &WireScope, scope_schema: &str, resource: &WireResource, schema: &str) -> Facts {
    let mut facts = Facts::new();
    quote(&mut facts, "name", &span.name);
    put(&mut facts, "trace", hex(&span.trace_id));
    put(&mut facts, "span", hex(&span.span_id));
    put(&mut facts, "parent", hex(&span.parent_span_id));
    put(&mut facts, "state", &span.trace_state);
    put(&mut facts, "flags", format!("{:#x}", span.flags));
    let kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"];
    put(&mut facts, "kind", kinds[span.kind as usize]);
    put(&mut facts, "start", span.start_time_unix_nano);
    put(&mut facts, "end", span.end_time_unix_nano);
    let status = span.status.clone().unwrap_or_default();
    put(&mut facts, "status code", ["unset", "ok", "error"][status.code as usize]);
    quote(&mut facts, "status message", status.message);
    put(&mut facts, "dropped attributes", span.dropped_attributes_count);
    put(&mut facts, "dropped events", span.dropped_events_count);
    put(&mut facts, "dropped links", span.dropped_links_count);
    wire_attributes(&mut facts, "", &span.attributes);
    for (number, event) in span.events.iter().enumerate() {
        let prefix = format!("event {number} ");
        quote(&mut facts, format!("{prefix}name"), &event.name);
        put(&mut facts, format!("{prefix}time"), event.time_unix_nano);
        put(&mut facts, format!("{prefix}dropped"), event.dropped_attributes_count);
        wire_attributes(&mut facts, &prefix, &event.attributes);
    }
    for (number, link) in span.links.iter().enumerate() {
        let prefix = format!("link {number} ");
        put(&mut facts, format!("{prefix}trace"), hex(&link.trace_id));
        put(&mut facts, format!("{prefix}span"), hex(&link.span_id));
        put(&mut facts, format!("{prefix}state"), &link.trace_state);
        put(&mut facts, format!("{prefix}flags"), format!("{:#x}", link.flags));
        put(&mut facts, format!("{prefix}dropped"), link.dropped_attributes_count);
        wire_attributes(&mut facts, &prefix, &link.attributes);
    }
    quote(&mut facts, "scope name", &scope.name);
    quote(&mut facts, "scope version", &scope.version);
    quote(&mut facts, "scope schema", scope_schema);
    wire_attributes(&mut facts, "scope ", &scope.attributes);
    wire_attributes(&mut facts, "resource ", &resource.attributes);
    quote(&mut facts, "resource schema", schema);
    facts
}

/// All spans of OTLP's requests; one that came twice is a failure.
pub(super) fn spans_of<'a>(resources: impl IntoIterator<Item = &'a ResourceSpans>) -> Spans {
    let mut spans = Spans::new();
    for of in resources {
        let resource = of.resource.clone().unwrap_or_default();
        for scoped in &of.scope_spans {
            let scope = scoped.scope.clone().unwrap_or_default();
            for span in &scoped.spans {
                let facts = wire(span, &scope, &scoped.schema_url, &resource, &of.schema_url);
                let before = spans.insert(hex(&span.span_id), facts);
                assert!(before.is_none(), "a span came twice: {span:?}");
            }
        }
    }
    spans
}
