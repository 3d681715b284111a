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
use crate::record::{Event, Key, Link, SpanRecord, Status, ToldState, Value};
use opentelemetry::{Array, InstrumentationScope, Value as OtelValue};

/// Appends protobuf fields to a buffer.
#[derive(Debug, Default)]
struct Writer(Vec<u8>, Explained);

/// The fields that explained last why a trace is kept: those of the next are mostly the same.
#[derive(Debug, Default)]
struct Explained {
    by: u16,
    fields: Vec<u8>,
}

/// Wire types of protobuf.
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

impl Writer {
    #[inline]
    fn varint(&mut self, value: u64) {
        // Most are lengths of names and small numbers.
        if value < 0x80 { self.0.push(value as u8) } else { self.long_varint(value) }
    }

    #[inline(never)]
    fn long_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    #[inline(always)]
    fn tag(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    /// A field's tag and a length of less than 128, which are two bytes together in most fields.
    #[inline(always)]
    fn tag_and_length(&mut self, field: u32, length: u8) {
        if field < 16 {
            self.0.extend_from_slice(&[(field << 3 | BYTES) as u8, length]);
        } else {
            self.tag(field, BYTES);
            self.0.push(length);
        }
    }

    #[inline(always)]
    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        match u8::try_from(bytes.len()) {
            Ok(length) if length < 0x80 => self.tag_and_length(field, length),
            _ => {
                self.tag(field, BYTES);
                self.varint(bytes.len() as u64);
            }
        }
        self.0.extend_from_slice(bytes);
    }

    #[inline(always)]
    fn int(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.varint(value);
    }

    #[inline(always)]
    fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, FIXED64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    #[inline(always)]
    fn fixed32(&mut self, field: u32, value: u32) {
        self.tag(field, FIXED32);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes a nested message; its length is put in front once it is known.
    #[inline]
    fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        // Most messages are shorter than 128 bytes, and then their length needs this one byte.
        self.tag_and_length(field, 0);
        let at = self.0.len() - 1;
        write(self);
        let length = self.0.len() - at - 1;
        if length < 0x80 {
            self.0[at] = length as u8;
        } else {
            self.make_room_for_length(at, length);
        }
    }

    /// Puts a length that needs more than the byte at `at` into its place.
    #[inline(never)]
    fn make_room_for_length(&mut self, at: usize, length: usize) {
        let end = self.0.len();
        // The length goes to the end first, for as many bytes as it takes, and then everything behind its place moves up.
        self.varint(length as u64);
        let taken = self.0.len() - end;
        let mut bytes = [0; 10];
        bytes[..taken].copy_from_slice(&self.0[end..]);
        self.0.copy_within(at + 1..end, at + taken);
        self.0.truncate(end + taken - 1);
        self.0[at..at + taken].copy_from_slice(&bytes[..taken]);
    }

    /// A text that is kept with zeros behind it, so that it can be copied without a look at its length.
    #[inline(always)]
    fn told(&mut self, field: u32, told: &ToldState) {
        let (bytes, length) = told.padded();
        self.tag_and_length(field, length);
        let end = self.0.len() + usize::from(length);
        self.0.extend_from_slice(bytes);
        self.0.truncate(end);
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
        if let Some(told) = record.told_alone() {
            self.told(3, told);
        } else if let Some(state) = record.trace_state() {
            self.bytes(3, state.as_bytes());
        }
        if record.parent_span_id != 0 {
            self.bytes(4, &record.parent_span_id.to_be_bytes());
        }
        self.bytes(5, record.name().as_bytes());
        self.int(6, record.kind() as u64);
        self.fixed64(7, batch.unix_nanos(record.start()));
        self.fixed64(8, batch.unix_nanos(record.end()));
        self.explain(record);
        let attribute = |key: Key<'_>, value: Value<'_>| self.key_value(9, key.as_str(), |writer| writer.value(value));
        let dropped = record.unexplained_attributes(attribute);
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

    /// Those of the attributes that say why the trace is kept.
    #[inline]
    fn explain(&mut self, record: &SpanRecord<'_>) {
        match record.explained_by() {
            Some(0) => {}
            Some(by) if by == self.1.by => self.0.extend_from_slice(&self.1.fields),
            by => self.explain_anew(record, by),
        }
    }

    #[cold]
    #[inline(never)]
    fn explain_anew(&mut self, record: &SpanRecord<'_>, by: Option<u16>) {
        let from = self.0.len();
        record.explain(|key, value| self.key_value(9, key.as_str(), |writer| writer.value(value)));
        if let Some(by) = by {
            self.1.by = by;
            self.1.fields.clear();
            self.1.fields.extend_from_slice(&self.0[from..]);
        }
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
    let mut writer = Writer(Vec::with_capacity(room + 512), Explained::default());
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
