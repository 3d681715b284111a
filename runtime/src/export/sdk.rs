//! Records as the SDK's `SpanData`, and any `SpanExporter` as an exporter of ours.

use super::{Accepted, Batch, Exporter, Exporting};
use crate::clock::Anchor;
use crate::record::{SpanRecord, Status as RecordStatus, Value as RecordValue};
use opentelemetry::trace::{Event, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{Array, InstrumentationScope, Key, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter, SpanLinks};
use otelier_spec::Kind;
use std::borrow::Cow;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The name under which every span is made.
pub(crate) const SCOPE_NAME: &str = "otelier";
pub(crate) const SCOPE_VERSION: &str = env!("CARGO_PKG_VERSION");

static SCOPE: LazyLock<InstrumentationScope> =
    LazyLock::new(|| InstrumentationScope::builder(SCOPE_NAME).with_version(SCOPE_VERSION).build());

fn time(anchor: &Anchor, ticks: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(anchor.unix_nanos(ticks))
}

/// The span as the SDK would have it.
pub(crate) fn span_data(record: &SpanRecord<'_>, anchor: &Anchor) -> SpanData {
    let mut attributes = Vec::new();
    record.attributes(|key, value| attributes.push(key_value(key, value)));
    let mut events = SpanEvents::default();
    for event in record.events() {
        let mut attributes = Vec::new();
        event.attributes(|key, value| attributes.push(key_value(key, value)));
        events.events.push(Event::new(event.name(), time(anchor, event.ticks()), attributes, 0));
    }
    let trace_state = record.trace_state().and_then(|state| TraceState::from_str(state).ok());
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(record.trace_id),
            SpanId::from(record.span_id),
            TraceFlags::SAMPLED,
            false,
            trace_state.unwrap_or_default(),
        ),
        parent_span_id: SpanId::from(record.parent_span_id),
        parent_span_is_remote: record.parent_is_remote(),
        span_kind: match record.callsite.kind() {
            Kind::Internal => SpanKind::Internal,
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Producer => SpanKind::Producer,
            Kind::Consumer => SpanKind::Consumer,
        },
        name: record.name(),
        start_time: time(anchor, record.start),
        end_time: time(anchor, record.end),
        attributes,
        dropped_attributes_count: 0,
        events,
        links: SpanLinks::default(),
        status: match record.status() {
            RecordStatus::Unset => Status::Unset,
            RecordStatus::Error(message) => Status::Error { description: Cow::Owned(message.to_owned()) },
        },
        instrumentation_scope: SCOPE.clone(),
    }
}

fn key_value(key: &'static str, value: RecordValue<'_>) -> KeyValue {
    let value = match value {
        RecordValue::Int(value) => Value::I64(value),
        RecordValue::Double(value) => Value::F64(value),
        RecordValue::Bool(value) => Value::Bool(value),
        RecordValue::Str(value) => Value::String(value.to_owned().into()),
        RecordValue::List(list) => Value::Array(array(list.values())),
    };
    KeyValue::new(Key::from_static_str(key), value)
}

/// A list has one type, that of its first value; the types of Rust make sure that all values are of it.
fn array<'a>(values: impl Iterator<Item = RecordValue<'a>>) -> Array {
    let values: Vec<_> = values.collect();
    macro_rules! of {
        ($variant:ident) => {
            values.iter().filter_map(|value| match value {
                RecordValue::$variant(value) => Some(*value),
                _ => None,
            })
        };
    }
    match values.first() {
        Some(RecordValue::Int(_)) => Array::I64(of!(Int).collect()),
        Some(RecordValue::Double(_)) => Array::F64(of!(Double).collect()),
        Some(RecordValue::Bool(_)) => Array::Bool(of!(Bool).collect()),
        _ => Array::String(of!(Str).map(|text| StringValue::from(text.to_owned())).collect()),
    }
}

/// An exporter of the SDK, fed from our records.
#[derive(Debug)]
pub(crate) struct SdkExporter<E> {
    name: String,
    exporter: E,
}

impl<E: SpanExporter> SdkExporter<E> {
    pub(crate) fn new(mut exporter: E, resource: &Resource) -> Self {
        exporter.set_resource(resource);
        let full = std::any::type_name::<E>();
        let name = full.split('<').next().and_then(|path| path.rsplit("::").next()).unwrap_or(full);
        Self { name: name.to_owned(), exporter }
    }
}

impl<E: SpanExporter> Exporter for SdkExporter<E> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn export<'a>(&'a self, batch: &'a Batch) -> Exporting<'a> {
        let spans = batch.records().map(|record| span_data(&record, &batch.anchor)).collect();
        Box::pin(async move {
            self.exporter.export(spans).await.map_err(|error| error.to_string())?;
            Ok(Accepted::default())
        })
    }

    fn shutdown(&self, timeout: Duration) -> Result<(), String> {
        self.exporter.shutdown_with_timeout(timeout).map_err(|error| error.to_string())
    }
}
