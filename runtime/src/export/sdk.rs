//! Records as the SDK's `SpanData`, and any `SpanExporter` as an exporter of ours.

use super::{Accepted, Batch, Exporter, Exporting};
use crate::record::{Key as RecordKey, SpanRecord, Status as RecordStatus, Time, Value as RecordValue};
use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, Key, KeyValue};
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

pub(super) static SCOPE: LazyLock<InstrumentationScope> =
    LazyLock::new(|| InstrumentationScope::builder(SCOPE_NAME).with_version(SCOPE_VERSION).build());

pub(super) fn time(batch: &Batch, time: Time) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(batch.unix_nanos(time))
}

fn text(text: RecordKey<'_>) -> Cow<'static, str> {
    match text {
        RecordKey::Static(text) => Cow::Borrowed(text),
        RecordKey::Borrowed(text) => Cow::Owned(text.to_owned()),
    }
}

fn trace_state(header: &str) -> TraceState {
    TraceState::from_str(header).unwrap_or_default()
}

/// The span as the SDK would have it.
fn span_data(record: &SpanRecord<'_>, batch: &Batch) -> SpanData {
    let mut attributes = Vec::new();
    let dropped_attributes_count = record.attributes(|key, value| attributes.push(key_value(key, value)));
    let mut events = SpanEvents::default();
    events.dropped_count = record.events(|event| {
        let mut attributes = Vec::new();
        let dropped = event.attributes(|key, value| attributes.push(key_value(key, value)));
        events.events.push(Event::new(text(event.name), time(batch, event.time), attributes, dropped));
    });
    let mut links = SpanLinks::default();
    links.dropped_count = record.links(|link| {
        let mut attributes = Vec::new();
        let dropped = link.attributes(|key, value| attributes.push(key_value(key, value)));
        let context = SpanContext::new(
            TraceId::from(link.trace_id),
            SpanId::from(link.span_id),
            TraceFlags::new(link.flags),
            link.is_remote,
            trace_state(link.state),
        );
        links.links.push(Link::new(context, attributes, dropped));
    });
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(record.trace_id),
            SpanId::from(record.span_id),
            TraceFlags::SAMPLED,
            false,
            record.trace_state().map(|state| trace_state(&state)).unwrap_or_default(),
        ),
        parent_span_id: SpanId::from(record.parent_span_id),
        parent_span_is_remote: record.parent_is_remote(),
        span_kind: match record.kind() {
            Kind::Internal => SpanKind::Internal,
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Producer => SpanKind::Producer,
            Kind::Consumer => SpanKind::Consumer,
        },
        name: record.name(),
        start_time: time(batch, record.start()),
        end_time: time(batch, record.end()),
        attributes,
        dropped_attributes_count,
        events,
        links,
        status: match record.status() {
            RecordStatus::Unset => Status::Unset,
            RecordStatus::Ok => Status::Ok,
            RecordStatus::Error(message) => Status::Error { description: Cow::Owned(message.to_owned()) },
        },
        instrumentation_scope: record.callsite.scope.unwrap_or(&SCOPE).clone(),
    }
}

/// The spans of these records.
#[cfg(feature = "testing")]
pub(crate) fn spans_of(words: Vec<u64>, anchor: crate::clock::Anchor) -> Vec<SpanData> {
    let batch = Batch {
        spans: crate::record::count_records(&words),
        words,
        anchor,
        resource: std::sync::Arc::new(Resource::builder_empty().build()),
    };
    batch.records().map(|record| span_data(&record, &batch)).collect()
}

fn key_value(key: RecordKey<'_>, value: RecordValue<'_>) -> KeyValue {
    let key = match key {
        RecordKey::Static(key) => Key::from_static_str(key),
        RecordKey::Borrowed(key) => Key::new(key.to_owned()),
    };
    KeyValue::new(key, value.owned())
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
        Self { name: type_name::<E>(), exporter }
    }
}

/// The last segment of a type's name, without its parameters.
pub(crate) fn type_name<E>() -> String {
    let full = std::any::type_name::<E>();
    full.split('<').next().and_then(|path| path.rsplit("::").next()).unwrap_or(full).to_owned()
}

impl<E: SpanExporter> Exporter for SdkExporter<E> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn export<'a>(&'a self, batch: &'a Batch) -> Exporting<'a> {
        let mut spans = Vec::with_capacity(batch.spans as usize);
        batch.records().for_each(|record| spans.push(span_data(&record, batch)));
        Box::pin(async move {
            self.exporter.export(spans).await.map_err(|error| error.to_string())?;
            Ok(Accepted::default())
        })
    }

    fn shutdown(&self, timeout: Duration) -> Result<(), String> {
        self.exporter.shutdown_with_timeout(timeout).map_err(|error| error.to_string())
    }
}
