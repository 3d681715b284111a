//! Records straight to Zipkin's JSON, version 2, and the exporter that posts it.
//!
//! The mapping is the specification's (`trace/sdk_exporters/zipkin.md`, and `common/mapping-to-non-otlp.md` for scopes and
//! for what was dropped). It says nothing of the resource, whose attributes are tags here, as in most other SDKs. What
//! Zipkin has no place for is left out: links, and the trace state.

use super::json::Json;
use super::otlp::Poster;
use super::sdk::{SCOPE_NAME, SCOPE_VERSION};
use super::{Accepted, Batch, Exporter, Exporting};
use crate::ConfigError;
use crate::config::Zipkin;
use crate::record::{Event, Key, SpanRecord, Status, Value};
use opentelemetry::{Array, InstrumentationScope, Value as OtelValue};
use otelier_spec::Kind;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// The exporter these settings ask for; what is wrong with them goes to `problems`.
pub(crate) fn exporter(zipkin: &Zipkin, problems: &mut ConfigError) -> Option<Arc<dyn Exporter>> {
    let mut found = ConfigError::default();
    let poster = Poster::new(zipkin, &mut found);
    problems.absorb(found);
    poster.map(|poster| Arc::new(ZipkinExporter(poster)) as _)
}

#[derive(Debug)]
struct ZipkinExporter(Poster);

impl Exporter for ZipkinExporter {
    fn name(&self) -> String {
        format!("zipkin {}", self.0.url())
    }

    fn export<'a>(&'a self, batch: &'a Batch) -> Exporting<'a> {
        let request = request(batch);
        // Zipkin takes a request whole or not at all.
        Box::pin(async move {
            let posted = self.0.post(request).await;
            posted.map(|()| Accepted::default()).map_err(|error| error.to_string())
        })
    }
}

/// The list of spans that carries the batch.
fn request(batch: &Batch) -> Vec<u8> {
    let resource = Resource::of(&batch.resource);
    let mut json = Json::with_capacity(batch.words.len() * 32 + 512);
    json.list(|json| {
        for record in batch.records() {
            json.object(|json| span(json, &record, batch, &resource));
        }
    });
    json.into_bytes()
}

/// What all spans of a batch have in common, as text.
struct Resource {
    service: String,
    /// Everything else.
    tags: Vec<(String, String)>,
}

impl Resource {
    fn of(resource: &opentelemetry_sdk::Resource) -> Self {
        let (mut service, mut tags) = (String::new(), Vec::new());
        for (key, value) in resource.iter() {
            let text = otel_text(value).into_owned();
            if key.as_str() == "service.name" {
                service = text;
            } else {
                tags.push((key.as_str().to_owned(), text));
            }
        }
        if service.is_empty() {
            service.push_str("unknown_service");
        }
        // The resource has no order of its own.
        tags.sort_unstable();
        Self { service, tags }
    }
}

fn span<'a>(json: &mut Json, record: &SpanRecord<'a>, batch: &Batch, resource: &Resource) {
    let (start, end) = (batch.unix_nanos(record.start()), batch.unix_nanos(record.end()));
    let mut attributes = Vec::new();
    let mut dropped = Dropped { attributes: 0, events: 0, links: 0 };
    dropped.attributes = record.attributes(|key, value| attributes.push((key.as_str(), value)));
    dropped.links = record.links(|_| {});
    let mut events = Vec::new();
    dropped.events = record.events(|event| events.push(event));

    json.key("traceId").id(&record.trace_id.to_be_bytes());
    if record.parent_span_id != 0 {
        json.key("parentId").id(&record.parent_span_id.to_be_bytes());
    }
    json.key("id").id(&record.span_id.to_be_bytes());
    let kind = match record.kind() {
        Kind::Server => Some("SERVER"),
        Kind::Client => Some("CLIENT"),
        Kind::Producer => Some("PRODUCER"),
        Kind::Consumer => Some("CONSUMER"),
        Kind::Internal => None,
    };
    if let Some(kind) = kind {
        json.key("kind").string(kind);
    }
    json.key("name").string(&record.name());
    json.key("timestamp").integer(start / 1000);
    // 0 would say that nobody knows.
    json.key("duration").integer((end.saturating_sub(start) / 1000).max(1));
    json.key("localEndpoint").object(|json| json.key("serviceName").string(&resource.service));
    if matches!(record.kind(), Kind::Client | Kind::Producer) {
        remote_endpoint(json, &attributes);
    }
    if !events.is_empty() {
        json.key("annotations").list(|json| {
            for event in &events {
                json.object(|json| {
                    json.key("timestamp").integer(batch.unix_nanos(event.time) / 1000);
                    json.key("value").string(&annotation(event));
                });
            }
        });
    }
    json.key("tags").object(|json| tags(json, record, &attributes, &dropped, resource));
}

/// How much limits have kept out.
struct Dropped {
    attributes: u32,
    events: u32,
    links: u32,
}

/// What may say who was called, the best first, and where its port is if it is an address.
const REMOTE: [(&str, Option<&str>); 11] = [
    ("peer.service", None),
    ("server.address", None),
    ("net.peer.name", None),
    ("network.peer.address", Some("network.peer.port")),
    ("server.socket.domain", None),
    ("server.socket.address", Some("server.socket.port")),
    ("net.sock.peer.name", None),
    ("net.sock.peer.addr", Some("net.sock.peer.port")),
    ("peer.hostname", None),
    ("peer.address", None),
    ("db.name", None),
];

fn remote_endpoint(json: &mut Json, attributes: &[(&str, Value<'_>)]) {
    let get = |key: &str| attributes.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let known = |(key, port)| match get(key) {
        Some(Value::Str(text)) if !text.is_empty() => Some((text, port)),
        _ => None,
    };
    let Some((text, port)) = REMOTE.into_iter().find_map(known) else { return };
    json.key("remoteEndpoint").object(|json| {
        // A name that looks like an address stays a name: Zipkin draws its map of services from names.
        let Some(port) = port else { return json.key("serviceName").string(text) };
        match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => json.key("ipv4").string(text),
            Ok(IpAddr::V6(_)) => json.key("ipv6").string(text),
            // The path of a socket.
            Err(_) => json.key("serviceName").string(text),
        }
        if let Some(Value::Int(port @ 1..=65535)) = get(port) {
            json.key("port").integer(port);
        }
    });
}

/// The tags of one span, each name once: the first who says something of it is heard.
struct Tags<'j, 'a> {
    json: &'j mut Json,
    names: Vec<&'a str>,
}

impl<'a> Tags<'_, 'a> {
    fn add(&mut self, name: &'a str, text: &str) {
        if !self.names.contains(&name) {
            self.names.push(name);
            self.json.key(name).string(text);
        }
    }

    fn count(&mut self, name: &'a str, count: u32) {
        if count > 0 {
            self.add(name, &count.to_string());
        }
    }
}

fn tags<'a>(
    json: &mut Json,
    record: &SpanRecord<'a>,
    attributes: &[(&'a str, Value<'a>)],
    dropped: &Dropped,
    resource: &'a Resource,
) {
    let mut tags = Tags { json, names: Vec::with_capacity(attributes.len() + resource.tags.len() + 8) };
    let failed = match record.status() {
        Status::Unset => false,
        Status::Ok => {
            tags.add("otel.status_code", "OK");
            false
        }
        Status::Error(description) => {
            tags.add("otel.status_code", "ERROR");
            tags.add("error", description);
            true
        }
    };
    let scope = record.callsite.scope;
    let name = scope.map_or(SCOPE_NAME, InstrumentationScope::name);
    let version = scope.map_or(Some(SCOPE_VERSION), InstrumentationScope::version);
    // The older names must be there, too.
    for (key, text) in [
        ("otel.scope.name", Some(name)),
        ("otel.scope.version", version),
        ("otel.library.name", Some(name)),
        ("otel.library.version", version),
    ] {
        if let Some(text) = text {
            tags.add(key, text);
        }
    }
    tags.count("otel.dropped_attributes_count", dropped.attributes);
    tags.count("otel.dropped_events_count", dropped.events);
    tags.count("otel.dropped_links_count", dropped.links);
    for (key, value) in attributes {
        let text = text(*value);
        // Zipkin takes any `error` for a failure.
        if *key == "error" && !failed && text.eq_ignore_ascii_case("false") {
            continue;
        }
        tags.add(key, &text);
    }
    if let Some(scope) = scope {
        for attribute in scope.attributes() {
            tags.add(attribute.key.as_str(), &otel_text(&attribute.value));
        }
    }
    for (key, text) in &resource.tags {
        tags.add(key, text);
    }
}

/// The event's name, and its attributes if it has any: `"name": {"key":"value"}`.
fn annotation(event: &Event<'_>) -> String {
    let mut names: Vec<&str> = Vec::new();
    let attributes = written(|json| {
        json.object(|json| {
            let dropped = event.attributes(|key: Key<'_>, one| {
                let key = key.as_str();
                if !names.contains(&key) {
                    names.push(key);
                    value(json.key(key), one);
                }
            });
            const DROPPED: &str = "otel.dropped_attributes_count";
            if dropped > 0 && !names.contains(&DROPPED) {
                names.push(DROPPED);
                json.key(DROPPED).number(dropped);
            }
        });
    });
    let name = event.name.as_str();
    if names.is_empty() { name.to_owned() } else { format!("{}: {attributes}", written(|json| json.string(name))) }
}

/// JSON as a text.
fn written(write: impl FnOnce(&mut Json)) -> String {
    let mut json = Json::default();
    write(&mut json);
    String::from_utf8_lossy(&json.into_bytes()).into_owned()
}

/// A value within a text that is JSON.
fn value(json: &mut Json, one: Value<'_>) {
    match one {
        Value::Str(text) => json.string(text),
        Value::Bool(value) => json.bool(value),
        Value::Int(value) => json.integer(value),
        Value::Double(value) => json.double(value),
        Value::List(list) => json.list(|json| list.values().for_each(|one| value(json, one))),
    }
}

/// A value as a tag has it; lists are JSON.
fn text(one: Value<'_>) -> Cow<'_, str> {
    match one {
        Value::Str(text) => Cow::Borrowed(text),
        Value::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Value::Int(value) => Cow::Owned(value.to_string()),
        Value::Double(value) if value.is_finite() => Cow::Owned(format!("{value:?}")),
        Value::Double(value) if value.is_nan() => Cow::Borrowed("NaN"),
        Value::Double(value) => Cow::Borrowed(if value > 0.0 { "Infinity" } else { "-Infinity" }),
        Value::List(_) => Cow::Owned(written(|json| value(json, one))),
    }
}

/// The same for a value of the API, as resources and scopes have them.
fn otel_text(value: &OtelValue) -> Cow<'_, str> {
    let list = |write: &dyn Fn(&mut Json)| Cow::Owned(written(|json| json.list(|json| write(json))));
    match value {
        OtelValue::Bool(value) => text(Value::Bool(*value)),
        OtelValue::I64(value) => text(Value::Int(*value)),
        OtelValue::F64(value) => text(Value::Double(*value)),
        OtelValue::String(value) => Cow::Borrowed(value.as_str()),
        OtelValue::Array(Array::Bool(values)) => list(&|json| values.iter().for_each(|one| json.bool(*one))),
        OtelValue::Array(Array::I64(values)) => list(&|json| values.iter().for_each(|one| json.integer(*one))),
        OtelValue::Array(Array::F64(values)) => list(&|json| values.iter().for_each(|one| json.double(*one))),
        OtelValue::Array(Array::String(values)) => {
            list(&|json| values.iter().for_each(|one| json.string(one.as_str())))
        }
        // The enum may grow; what is new is at least readable.
        other => other.as_str(),
    }
}
