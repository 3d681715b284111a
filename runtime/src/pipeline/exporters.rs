//! From settings to exporters.

use crate::ConfigError;
use crate::config::{self, Batching, Endpoint, LogExporter, Otlp, Protocol, Telemetry};
use crate::export::console::ConsoleExporter;
use crate::export::log_lines::LogLines;
use crate::export::sdk::SdkExporter;
use crate::export::{Exporter, Signal, otlp_file};
use opentelemetry_sdk::Resource;
use std::sync::Arc;

/// An exporter, and how what it gets is batched.
pub(super) type Placed = (Arc<dyn Exporter>, Batching);

/// The exporters of spans and, if there are log records, theirs; what is wrong with the settings goes to `problems`.
pub(super) fn of(telemetry: &Telemetry, resource: &Resource, problems: &mut ConfigError) -> Vec<Placed> {
    let mut found: Vec<Placed> = Vec::new();
    let usual = || telemetry.batch.clone();
    for exporter in &telemetry.exporters {
        let (exporter, batching) = exporter.parts();
        let made: Option<Arc<dyn Exporter>> = match exporter {
            config::Exporter::Otlp(otlp) => self::otlp(Signal::Spans, otlp, problems),
            config::Exporter::Console => Some(Arc::new(SdkExporter::new(ConsoleExporter::new(), resource))),
            config::Exporter::OtlpFile(file) => otlp_file::exporter(Signal::Spans, file, problems),
            config::Exporter::Zipkin(zipkin) => self::zipkin(zipkin, problems),
            config::Exporter::Failover(_) | config::Exporter::Batched(..) => None,
        };
        found.extend(made.map(|exporter| (exporter, batching.cloned().unwrap_or_else(usual))));
    }
    if !telemetry.exception_signal.in_logs() {
        return found;
    }
    for exporter in &telemetry.log_exporters() {
        let (exporter, batching) = exporter.parts();
        let made: Option<Arc<dyn Exporter>> = match exporter {
            LogExporter::Otlp(otlp) if telemetry.log_exporters.is_none() && is_of_spans_alone(otlp) => {
                problems.push(
                    "spans go to a URL that is used as it is (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`), where log records \
                     cannot go; expected `log_exporters` to say where they do",
                );
                None
            }
            LogExporter::Otlp(otlp) => self::otlp(Signal::Logs, otlp, problems),
            LogExporter::Console => Some(Arc::new(LogLines)),
            LogExporter::OtlpFile(file) => otlp_file::exporter(Signal::Logs, file, problems),
            LogExporter::Failover(_) | LogExporter::Batched(..) => None,
        };
        found.extend(made.map(|exporter| (exporter, batching.cloned().unwrap_or_else(usual))));
    }
    found
}

/// The settings without exporters that would make a file.
pub(super) fn without_files(mut telemetry: Telemetry) -> Telemetry {
    telemetry.exporters.retain(|exporter| !matches!(exporter.parts().0, config::Exporter::OtlpFile(_)));
    if let Some(logs) = &mut telemetry.log_exporters {
        logs.retain(|exporter| !matches!(exporter.parts().0, LogExporter::OtlpFile(_)));
    }
    telemetry.metrics.readers.retain(|reader| !matches!(reader.exporter, config::MetricExporter::OtlpFile(_)));
    telemetry
}

/// HTTP has a path for each signal; gRPC takes them all at one URL.
fn is_of_spans_alone(otlp: &Otlp) -> bool {
    let is_exact = match &otlp.endpoint {
        // A socket has the paths of all signals.
        Some(Endpoint::Exact(url)) => !url.starts_with("unix:"),
        _ => false,
    };
    is_exact && otlp.protocol != Protocol::Grpc
}

#[cfg(feature = "_otlp")]
use crate::export::otlp::exporter as otlp;

#[cfg(not(feature = "_otlp"))]
fn otlp(_: Signal, _: &Otlp, problems: &mut ConfigError) -> Option<Arc<dyn Exporter>> {
    let mut missing = ConfigError::default();
    missing.push("OTLP is configured, but `otelier` was built without the features `otlp-http` and `otlp-grpc`");
    problems.absorb(missing);
    None
}

#[cfg(feature = "zipkin")]
use crate::export::zipkin::exporter as zipkin;

#[cfg(not(feature = "zipkin"))]
fn zipkin(_: &config::Zipkin, problems: &mut ConfigError) -> Option<Arc<dyn Exporter>> {
    let mut missing = ConfigError::default();
    missing.push(
        "spans go to Zipkin (`OTEL_TRACES_EXPORTER`, `otelier/zipkin`), but `otelier` was built without the feature `zipkin`",
    );
    problems.absorb(missing);
    None
}

#[cfg(all(test, not(feature = "zipkin")))]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_zipkin_refuses_it_once_and_names_the_feature() {
        let exporter = config::Exporter::Zipkin(config::Zipkin::default());
        let telemetry = Telemetry::default().with_exporter(exporter.clone()).with_exporter(exporter);
        let mut problems = ConfigError::default();
        assert!(of(&telemetry, &Resource::builder_empty().build(), &mut problems).is_empty());
        let [problem] = problems.problems() else { panic!("{problems}") };
        assert!(problem.sentence().ends_with("`otelier` was built without the feature `zipkin`"), "{problem}");
    }
}
