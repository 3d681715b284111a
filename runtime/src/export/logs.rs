//! Exceptions as the SDK's log records, and any `LogExporter` as an exporter of ours.

use super::sdk::{SCOPE, time, type_name};
use super::{Accepted, Batch, Exporter, Exporting, Severity, Signal};
use crate::record::{Event, Key as RecordKey, SpanRecord, Value};
use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity as OtelSeverity};
use opentelemetry::{InstrumentationScope, Key, SpanId, TraceFlags, TraceId};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLogRecord, SdkLogger, SdkLoggerProvider};
use std::time::Duration;

/// An exporter of log records of the SDK, fed from our records.
#[derive(Debug)]
pub(crate) struct SdkLogExporter<E> {
    name: String,
    exporter: E,
    /// The one way to an empty record. It has no processors, and nothing is given to it.
    maker: SdkLogger,
}

impl<E: LogExporter> SdkLogExporter<E> {
    pub(crate) fn new(mut exporter: E, resource: &Resource) -> Self {
        exporter.set_resource(resource);
        let maker = SdkLoggerProvider::builder().with_resource(Resource::builder_empty().build()).build().logger("");
        Self { name: type_name::<E>(), exporter, maker }
    }

    /// The record as the SDK would have it.
    fn log_record(&self, exception: &Event<'_>, record: &SpanRecord<'_>, batch: &Batch) -> SdkLogRecord {
        let mut log_record = self.maker.create_log_record();
        let time = time(batch, exception.time);
        log_record.set_event_name("exception");
        log_record.set_timestamp(time);
        log_record.set_observed_timestamp(time);
        log_record.set_severity_number(match Severity::of(record, exception) {
            Severity::Debug => OtelSeverity::Debug,
            Severity::Warn => OtelSeverity::Warn,
            Severity::Error => OtelSeverity::Error,
        });
        let (trace_id, span_id) = (TraceId::from(record.trace_id), SpanId::from(record.span_id));
        log_record.set_trace_context(trace_id, span_id, Some(TraceFlags::SAMPLED));
        // The SDK's record has no place for the number of attributes that a limit has kept out.
        let _dropped = exception.attributes(|key, value| {
            let key = match key {
                RecordKey::Static(key) => Key::from_static_str(key),
                RecordKey::Borrowed(key) => Key::new(key.to_owned()),
            };
            log_record.add_attribute(key, any_value(value));
        });
        log_record
    }
}

fn any_value(value: Value<'_>) -> AnyValue {
    match value {
        Value::Int(value) => AnyValue::Int(value),
        Value::Double(value) => AnyValue::Double(value),
        Value::Bool(value) => AnyValue::Boolean(value),
        Value::Str(value) => AnyValue::String(value.to_owned().into()),
        Value::List(list) => AnyValue::ListAny(Box::new(list.values().map(any_value).collect())),
    }
}

impl<E: LogExporter> Exporter for SdkLogExporter<E> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn signal(&self) -> Signal {
        Signal::Logs
    }

    fn export<'a>(&'a self, batch: &'a Batch) -> Exporting<'a> {
        let mut log_records: Vec<(SdkLogRecord, &InstrumentationScope)> = Vec::new();
        batch.records().for_each(|record| {
            let scope = record.callsite.scope.unwrap_or(&SCOPE);
            record.exceptions(|exception| log_records.push((self.log_record(&exception, &record, batch), scope)));
        });
        Box::pin(async move {
            let log_records: Vec<_> = log_records.iter().map(|(log_record, scope)| (log_record, *scope)).collect();
            self.exporter.export(LogBatch::new(&log_records)).await.map_err(|error| error.to_string())?;
            Ok(Accepted::default())
        })
    }

    fn shutdown(&self, timeout: Duration) -> Result<(), String> {
        self.exporter.shutdown_with_timeout(timeout).map_err(|error| error.to_string())
    }
}
