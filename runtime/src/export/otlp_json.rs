//! Records straight to OTLP JSON: `ExportTraceServiceRequest` and `ExportLogsServiceRequest`, which are also `TracesData`
//! and `LogsData`.
//!
//! The mapping is that of OTLP's specification: names in lower camel case, ids in hexadecimal digits, enums as numbers,
//! 64-bit integers as texts.

use super::json::Json;
use super::scopes::{self, remoteness};
use super::sdk::{SCOPE_NAME, SCOPE_VERSION};
use super::{Batch, Severity, Signal};
use crate::record::{Event, Key, Link, SpanRecord, Status, Value};
use opentelemetry::{Array, InstrumentationScope, Value as OtelValue};

/// The request that carries this signal of the batch.
pub(crate) fn request(signal: Signal, batch: &Batch) -> Vec<u8> {
    let (resources, of_scopes) = match signal {
        Signal::Spans => ("resourceSpans", "scopeSpans"),
        // No batch of spans carries metrics.
        Signal::Logs | Signal::Metrics => ("resourceLogs", "scopeLogs"),
    };
    let room = match signal {
        Signal::Spans => batch.words.len() * 24,
        Signal::Logs | Signal::Metrics => 0,
    };
    let mut json = Json::with_capacity(room + 512);
    json.object(|json| {
        json.key(resources).list(|json| {
            json.object(|json| {
                json.resource(&batch.resource);
                json.key(of_scopes).list(|json| {
                    for scope in scopes::of(signal, batch) {
                        json.object(|json| json.of_scope(signal, batch, scope));
                    }
                });
                if let Some(url) = batch.resource.schema_url() {
                    json.key("schemaUrl").string(url);
                }
            });
        });
    });
    json.into_bytes()
}

impl Json {
    /// The key `resource` and its value.
    pub(crate) fn resource(&mut self, resource: &opentelemetry_sdk::Resource) {
        self.key("resource").object(|json| {
            json.key("attributes").list(|json| {
                resource.iter().for_each(|(key, value)| json.otel_key_value(key.as_str(), value));
            });
        });
    }

    /// The key `scope` and its value; `None` is our own.
    pub(crate) fn scope(&mut self, scope: Option<&InstrumentationScope>) {
        self.key("scope").object(|json| {
            let Some(scope) = scope else {
                json.key("name").string(SCOPE_NAME);
                return json.key("version").string(SCOPE_VERSION);
            };
            json.key("name").string(scope.name());
            if let Some(version) = scope.version() {
                json.key("version").string(version);
            }
            let mut attributes = scope.attributes().peekable();
            if attributes.peek().is_some() {
                json.key("attributes").list(|json| {
                    attributes.for_each(|attribute| json.otel_key_value(attribute.key.as_str(), &attribute.value));
                });
            }
        });
    }

    fn of_scope(&mut self, signal: Signal, batch: &Batch, scope: Option<&InstrumentationScope>) {
        self.scope(scope);
        let records = || batch.records().filter(|record| scopes::is_same(record.callsite.scope, scope));
        match signal {
            Signal::Spans => self.key("spans").list(|json| {
                records().for_each(|record| json.object(|json| json.span(&record, batch)));
            }),
            Signal::Logs | Signal::Metrics => self.key("logRecords").list(|json| {
                records().for_each(|record| {
                    record.exceptions(|exception| json.object(|json| json.exception(&exception, &record, batch)));
                });
            }),
        }
        if let Some(url) = scope.and_then(InstrumentationScope::schema_url) {
            self.key("schemaUrl").string(url);
        }
    }

    fn span(&mut self, record: &SpanRecord<'_>, batch: &Batch) {
        self.key("traceId").id(&record.trace_id.to_be_bytes());
        self.key("spanId").id(&record.span_id.to_be_bytes());
        if let Some(state) = record.trace_state() {
            self.key("traceState").string(&state);
        }
        if record.parent_span_id != 0 {
            self.key("parentSpanId").id(&record.parent_span_id.to_be_bytes());
        }
        self.key("flags").number(1 | remoteness(record.parent_is_remote()));
        self.key("name").string(&record.name());
        self.key("kind").number(record.kind() as u32);
        self.key("startTimeUnixNano").long(batch.unix_nanos(record.start()));
        self.key("endTimeUnixNano").long(batch.unix_nanos(record.end()));
        self.attributes(|f| record.attributes(f));
        let mut dropped = 0;
        self.key("events").list(|json| {
            dropped = record.events(|event| json.object(|json| json.event(&event, batch)));
        });
        self.count("droppedEventsCount", dropped);
        self.key("links").list(|json| {
            dropped = record.links(|link| json.object(|json| json.link(&link)));
        });
        self.count("droppedLinksCount", dropped);
        let (code, message) = match record.status() {
            Status::Unset => return,
            Status::Ok => (1, ""),
            Status::Error(message) => (2, message),
        };
        self.key("status").object(|json| {
            if !message.is_empty() {
                json.key("message").string(message);
            }
            json.key("code").number(code);
        });
    }

    fn event(&mut self, event: &Event<'_>, batch: &Batch) {
        self.key("timeUnixNano").long(batch.unix_nanos(event.time));
        self.key("name").string(event.name.as_str());
        self.attributes(|f| event.attributes(f));
    }

    fn link(&mut self, link: &Link<'_>) {
        self.key("traceId").id(&link.trace_id.to_be_bytes());
        self.key("spanId").id(&link.span_id.to_be_bytes());
        if !link.state.is_empty() {
            self.key("traceState").string(link.state);
        }
        self.attributes(|f| link.attributes(f));
        self.key("flags").number(u32::from(link.flags) | remoteness(link.is_remote));
    }

    fn exception(&mut self, exception: &Event<'_>, record: &SpanRecord<'_>, batch: &Batch) {
        let time = batch.unix_nanos(exception.time);
        self.key("timeUnixNano").long(time);
        // Who makes a record has seen it at the moment it speaks of.
        self.key("observedTimeUnixNano").long(time);
        self.key("severityNumber").number(Severity::of(record, exception) as u32);
        self.key("eventName").string(exception.name.as_str());
        self.attributes(|f| exception.attributes(f));
        // Only what is sampled is recorded.
        self.key("flags").number(1);
        self.key("traceId").id(&record.trace_id.to_be_bytes());
        self.key("spanId").id(&record.span_id.to_be_bytes());
    }

    /// The attributes that `all` gives, and the number of those it has dropped.
    fn attributes<'a>(&mut self, all: impl FnOnce(&mut dyn FnMut(Key<'a>, Value<'a>)) -> u32) {
        let mut dropped = 0;
        self.key("attributes").list(|json| {
            dropped = all(&mut |key, value| {
                json.object(|json| {
                    json.key("key").string(key.as_str());
                    json.key("value").value(value);
                });
            });
        });
        self.count("droppedAttributesCount", dropped);
    }

    /// A count that is left out where it is 0.
    fn count(&mut self, key: &str, count: u32) {
        if count > 0 {
            self.key(key).number(count);
        }
    }

    fn value(&mut self, value: Value<'_>) {
        self.object(|json| match value {
            Value::Str(text) => json.key("stringValue").string(text),
            Value::Bool(value) => json.key("boolValue").bool(value),
            Value::Int(value) => json.key("intValue").long(value),
            Value::Double(value) => json.key("doubleValue").double(value),
            Value::List(list) => json.values(|json| list.values().for_each(|value| json.value(value))),
        });
    }

    fn values(&mut self, write: impl FnOnce(&mut Self)) {
        self.key("arrayValue").object(|json| json.key("values").list(write));
    }

    /// `KeyValue` of the API, as resources and scopes have them.
    pub(crate) fn otel_key_value(&mut self, key: &str, value: &OtelValue) {
        self.object(|json| {
            json.key("key").string(key);
            json.key("value").otel_value(value);
        });
    }

    fn otel_value(&mut self, value: &OtelValue) {
        match value {
            OtelValue::Bool(value) => self.value(Value::Bool(*value)),
            OtelValue::I64(value) => self.value(Value::Int(*value)),
            OtelValue::F64(value) => self.value(Value::Double(*value)),
            OtelValue::String(text) => self.value(Value::Str(text.as_str())),
            OtelValue::Array(array) => self.object(|json| json.values(|json| json.otel_array(array))),
            // The enum may grow; what is new is at least readable.
            other => self.value(Value::Str(&other.as_str())),
        }
    }

    fn otel_array(&mut self, array: &Array) {
        match array {
            Array::Bool(values) => values.iter().for_each(|value| self.value(Value::Bool(*value))),
            Array::I64(values) => values.iter().for_each(|value| self.value(Value::Int(*value))),
            Array::F64(values) => values.iter().for_each(|value| self.value(Value::Double(*value))),
            Array::String(values) => values.iter().for_each(|value| self.value(Value::Str(value.as_str()))),
            other => self.value(Value::Str(&other.to_string())),
        }
    }
}
