//! Where the settings send each signal.

use super::Signal;
use otelier::Telemetry;
use otelier::config::{
    Batching, ExceptionSignal, Exporter, Failover, LogExporter, MetricExporter, Node, Otlp, OtlpFile, Settings, Zipkin,
};
use std::time::Duration;

/// One exporter of one signal.
pub(super) struct Lane<'a> {
    pub(super) target: Target<'a>,
    pub(super) batching: Option<&'a Batching>,
    pub(super) export_timeout: Duration,
    /// Where it is said, such as `otel.yaml:9:25` or `$OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub(super) origin: Option<String>,
}

/// Where it sends.
pub(super) enum Target<'a> {
    Otlp(&'a Otlp),
    Failover(&'a Failover),
    Zipkin(&'a Zipkin),
    File(&'a OtlpFile),
    Console,
    /// Of a later version.
    Unknown,
}

/// The exporters of a signal.
pub(super) fn of(settings: &Settings, signal: Signal) -> Vec<Lane<'_>> {
    let telemetry = &settings.telemetry;
    let usual = &telemetry.batch;
    let mut lanes: Vec<Lane<'_>> = match signal {
        Signal::Traces => telemetry.exporters.iter().map(|exporter| of_spans(exporter, usual)).collect(),
        Signal::Logs => match &telemetry.log_exporters {
            Some(exporters) => exporters.iter().map(|exporter| of_logs(exporter, usual)).collect(),
            // Log records go where spans go, if there are any.
            None if has_logs(telemetry) => {
                let spans = telemetry.exporters.iter().map(|exporter| of_spans(exporter, usual));
                let takes_logs = |lane: &Lane<'_>| !matches!(lane.target, Target::Zipkin(_) | Target::Console);
                spans.filter(takes_logs).collect()
            }
            None => Vec::new(),
        },
        Signal::Metrics => {
            let readers = telemetry.metrics.readers.iter();
            readers.map(|reader| of_metrics(&reader.exporter, reader.timeout)).collect()
        }
    };
    let origins = origins(settings, signal);
    // Of lists that are not the same nobody knows which belong together.
    if origins.len() == lanes.len() {
        lanes.iter_mut().zip(origins).for_each(|(lane, origin)| lane.origin = Some(origin));
    }
    lanes
}

/// Whether programs with these settings make log records.
pub(super) fn has_logs(telemetry: &Telemetry) -> bool {
    telemetry.exception_signal != ExceptionSignal::SpanEvents
}

fn of_spans<'a>(exporter: &'a Exporter, batching: &'a Batching) -> Lane<'a> {
    let target = match exporter {
        Exporter::Batched(exporter, batching) => return of_spans(exporter, batching),
        Exporter::Otlp(otlp) => Target::Otlp(otlp),
        Exporter::Failover(failover) => Target::Failover(failover),
        Exporter::Zipkin(zipkin) => Target::Zipkin(zipkin),
        Exporter::OtlpFile(file) => Target::File(file),
        Exporter::Console => Target::Console,
        _ => Target::Unknown,
    };
    Lane { target, batching: Some(batching), export_timeout: batching.export_timeout, origin: None }
}

fn of_logs<'a>(exporter: &'a LogExporter, batching: &'a Batching) -> Lane<'a> {
    let target = match exporter {
        LogExporter::Batched(exporter, batching) => return of_logs(exporter, batching),
        LogExporter::Otlp(otlp) => Target::Otlp(otlp),
        LogExporter::Failover(failover) => Target::Failover(failover),
        LogExporter::OtlpFile(file) => Target::File(file),
        LogExporter::Console => Target::Console,
        _ => Target::Unknown,
    };
    Lane { target, batching: Some(batching), export_timeout: batching.export_timeout, origin: None }
}

fn of_metrics(exporter: &MetricExporter, export_timeout: Duration) -> Lane<'_> {
    let target = match exporter {
        MetricExporter::Otlp(otlp) => Target::Otlp(otlp),
        MetricExporter::Failover(failover) => Target::Failover(failover),
        MetricExporter::OtlpFile(file) => Target::File(file),
        MetricExporter::Console => Target::Console,
        _ => Target::Unknown,
    };
    Lane { target, batching: None, export_timeout, origin: None }
}

/// Where each exporter of a signal is said.
fn origins(settings: &Settings, signal: Signal) -> Vec<String> {
    let (provider, kinds): (_, &[&str]) = match signal {
        Signal::Traces => ("tracer_provider.processors", &["batch", "simple"]),
        Signal::Logs => ("logger_provider.processors", &["batch", "simple"]),
        Signal::Metrics => ("meter_provider.readers", &["periodic"]),
    };
    let items = settings.get(provider).map(Node::items).unwrap_or_default();
    let exporters = items.iter().filter_map(|item| {
        let kind = item.entries().first().filter(|entry| kinds.contains(&entry.key.as_str()))?;
        kind.node.get("exporter")?.entries().first()
    });
    let endpoint = |node: &Node| node.get("endpoint").map(|endpoint| endpoint.origin.to_string());
    exporters.map(|entry| endpoint(&entry.node).unwrap_or_else(|| entry.origin.to_string())).collect()
}
