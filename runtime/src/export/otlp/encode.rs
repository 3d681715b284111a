//! Records straight to OTLP protobuf: `ExportTraceServiceRequest` and `ExportLogsServiceRequest` of opentelemetry-proto
//! 1.x.
//!
//! The field numbers stand beside each write; the tests decode the bytes with `opentelemetry-proto` and compare the
//! spans with what the SDK's `SpanData` says.

#[cfg(feature = "metrics")]
pub(crate) mod metrics;

use crate::export::scopes::{self, remoteness};
use crate::export::sdk::{SCOPE_NAME, SCOPE_VERSION};
use crate::export::{Batch, Severity, Signal};
use crate::record::{Event, Link, SpanRecord, Status, Value};
use opentelemetry::{Array, InstrumentationScope, Value as OtelValue};

/// Appends protobuf fields to a buffer.
#[derive(Debug, Default)]
struct Writer(Vec<u8>);

/// Wire types of protobuf.
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

impl Writer {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn tag(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn int(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.varint(value);
    }

    fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, FIXED64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn fixed32(&mut self, field: u32, value: u32) {
        self.tag(field, FIXED32);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes a nested message; its length is put in front once it is known.
    fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.tag(field, BYTES);
        let at = self.0.len();
        // Most messages are shorter than 128 bytes, and then their length needs this one byte.
        self.0.push(0);
        write(self);
        let length = self.0.len() - at - 1;
        if length < 0x80 {
            self.0[at] = length as u8;
            return;
        }
        let mut prefix = Writer::default();
        prefix.varint(length as u64);
        self.0.splice(at..=at, prefix.0);
    }

    /// `KeyValue`: key = 1, value = 2.
    fn key_value(&mut self, field: u32, key: &str, value: impl FnOnce(&mut Self)) {
        self.message(field, |writer| {
            writer.bytes(1, key.as_bytes());
            writer.message(2, value);
        });
    }

    /// The `oneof` of `AnyValue`: string = 1, bool = 2, int = 3, double = 4, array = 5.
    fn value(&mut self, value: Value<'_>) {
        match value {
            Value::Str(text) => self.bytes(1, text.as_bytes()),
            Value::Bool(value) => self.int(2, value.into()),
            Value::Int(value) => self.int(3, value as u64),
            Value::Double(value) => self.fixed64(4, value.to_bits()),
            Value::List(list) => self.message(5, |writer| {
                for value in list.values() {
                    writer.message(1, |writer| writer.value(value));
                }
            }),
        }
    }

    /// The same for a value of the API, as resources have them.
    fn otel_value(&mut self, value: &OtelValue) {
        match value {
            OtelValue::Bool(value) => self.value(Value::Bool(*value)),
            OtelValue::I64(value) => self.value(Value::Int(*value)),
            OtelValue::F64(value) => self.value(Value::Double(*value)),
            OtelValue::String(text) => self.value(Value::Str(text.as_str())),
            OtelValue::Array(array) => self.message(5, |writer| writer.otel_array(array)),
            // The enum may grow; what is new is at least readable.
            other => self.bytes(1, other.as_str().as_bytes()),
        }
    }

    fn otel_array(&mut self, array: &Array) {
        let mut one = |value: Value<'_>| self.message(1, |writer| writer.value(value));
        match array {
            Array::Bool(values) => values.iter().for_each(|value| one(Value::Bool(*value))),
            Array::I64(values) => values.iter().for_each(|value| one(Value::Int(*value))),
            Array::F64(values) => values.iter().for_each(|value| one(Value::Double(*value))),
            Array::String(values) => values.iter().for_each(|value| one(Value::Str(value.as_str()))),
            other => one(Value::Str(&other.to_string())),
        }
    }

    /// A count that is left out where it is 0, as protobuf has it.
    fn count(&mut self, field: u32, count: u32) {
        if count > 0 {
            self.int(field, count.into());
        }
    }

    fn span(&mut self, record: &SpanRecord<'_>, batch: &Batch) {
        self.bytes(1, &record.trace_id.to_be_bytes());
        self.bytes(2, &record.span_id.to_be_bytes());
        if let Some(state) = record.trace_state() {
            self.bytes(3, state.as_bytes());
        }
        if record.parent_span_id != 0 {
            self.bytes(4, &record.parent_span_id.to_be_bytes());
        }
        self.bytes(5, record.name().as_bytes());
        self.int(6, record.kind() as u64);
        self.fixed64(7, batch.unix_nanos(record.start()));
        self.fixed64(8, batch.unix_nanos(record.end()));
        let dropped = record.attributes(|key, value| self.key_value(9, key.as_str(), |writer| writer.value(value)));
        self.count(10, dropped);
        let dropped = record.events(|event| self.event(&event, batch));
        self.count(12, dropped);
        let dropped = record.links(|link| self.link(&link));
        self.count(14, dropped);
        match record.status() {
            Status::Unset => {}
            // `Status`: message = 2, code = 3 (1 is fine, 2 is an error).
            Status::Ok => self.message(15, |writer| writer.int(3, 1)),
            Status::Error(message) => self.message(15, |writer| {
                if !message.is_empty() {
                    writer.bytes(2, message.as_bytes());
                }
                writer.int(3, 2);
            }),
        }
        self.fixed32(16, 1 | remoteness(record.parent_is_remote()));
    }

    /// `Span.Event`: time = 1, name = 2, attributes = 3, dropped attributes = 4.
    fn event(&mut self, event: &Event<'_>, batch: &Batch) {
        self.message(11, |writer| {
            writer.fixed64(1, batch.unix_nanos(event.time));
            writer.bytes(2, event.name.as_str().as_bytes());
            let dropped =
                event.attributes(|key, value| writer.key_value(3, key.as_str(), |writer| writer.value(value)));
            writer.count(4, dropped);
        });
    }

    /// `Span.Link`: trace id = 1, span id = 2, trace state = 3, attributes = 4, dropped attributes = 5, flags = 6.
    fn link(&mut self, link: &Link<'_>) {
        self.message(13, |writer| {
            writer.bytes(1, &link.trace_id.to_be_bytes());
            writer.bytes(2, &link.span_id.to_be_bytes());
            if !link.state.is_empty() {
                writer.bytes(3, link.state.as_bytes());
            }
            let dropped = link.attributes(|key, value| writer.key_value(4, key.as_str(), |writer| writer.value(value)));
            writer.count(5, dropped);
            writer.fixed32(6, u32::from(link.flags) | remoteness(link.is_remote));
        });
    }

    /// `InstrumentationScope`: name = 1, version = 2, attributes = 3.
    fn scope(&mut self, scope: Option<&InstrumentationScope>) {
        let Some(scope) = scope else {
            self.bytes(1, SCOPE_NAME.as_bytes());
            return self.bytes(2, SCOPE_VERSION.as_bytes());
        };
        if !scope.name().is_empty() {
            self.bytes(1, scope.name().as_bytes());
        }
        if let Some(version) = scope.version() {
            self.bytes(2, version.as_bytes());
        }
        for attribute in scope.attributes() {
            self.key_value(3, attribute.key.as_str(), |writer| writer.otel_value(&attribute.value));
        }
    }

    /// `LogRecord`: time = 1, severity = 2, attributes = 6, dropped attributes = 7, flags = 8, trace id = 9, span id = 10,
    /// observed time = 11, event name = 12.
    fn exception(&mut self, exception: &Event<'_>, record: &SpanRecord<'_>, batch: &Batch) {
        let time = batch.unix_nanos(exception.time);
        self.fixed64(1, time);
        self.int(2, Severity::of(record, exception) as u64);
        let dropped = exception.attributes(|key, value| self.key_value(6, key.as_str(), |writer| writer.value(value)));
        self.count(7, dropped);
        // Only what is sampled is recorded.
        self.fixed32(8, 1);
        self.bytes(9, &record.trace_id.to_be_bytes());
        self.bytes(10, &record.span_id.to_be_bytes());
        // Who makes a record has seen it at the moment it speaks of.
        self.fixed64(11, time);
        self.bytes(12, exception.name.as_str().as_bytes());
    }

    /// `ScopeSpans` or `ScopeLogs`: scope = 1, spans or log records = 2, schema_url = 3.
    fn of_scope(&mut self, signal: Signal, batch: &Batch, scope: Option<&InstrumentationScope>) {
        self.message(2, |writer| {
            writer.message(1, |writer| writer.scope(scope));
            for record in batch.records().filter(|record| scopes::is_same(record.callsite.scope, scope)) {
                match signal {
                    Signal::Spans => writer.message(2, |writer| writer.span(&record, batch)),
                    Signal::Logs => record.exceptions(|exception| {
                        writer.message(2, |writer| writer.exception(&exception, &record, batch));
                    }),
                    // No batch of spans carries metrics.
                    Signal::Metrics => {}
                }
            }
            if let Some(url) = scope.and_then(InstrumentationScope::schema_url) {
                writer.bytes(3, url.as_bytes());
            }
        });
    }
}

/// The request that carries this signal of the batch.
pub(crate) fn request(signal: Signal, batch: &Batch) -> Vec<u8> {
    let room = match signal {
        Signal::Spans => batch.words.len() * 12,
        Signal::Logs | Signal::Metrics => 0,
    };
    let mut writer = Writer(Vec::with_capacity(room + 512));
    // `ResourceSpans` or `ResourceLogs`: resource = 1, scope_spans or scope_logs = 2, schema_url = 3.
    writer.message(1, |writer| {
        writer.message(1, |writer| {
            for (key, value) in batch.resource.iter() {
                writer.key_value(1, key.as_str(), |writer| writer.otel_value(value));
            }
        });
        for scope in scopes::of(signal, batch) {
            writer.of_scope(signal, batch, scope);
        }
        if let Some(url) = batch.resource.schema_url() {
            writer.bytes(3, url.as_bytes());
        }
    });
    writer.0
}
