//! From settings to exporters.

use super::collector::Supplied;
use super::lanes::Target;
use crate::ConfigError;
use crate::config::{self, Batching, Endpoint, LogExporter, Otlp, Protocol, Telemetry};
use crate::diagnostics::{self, LogLevel};
use crate::export::buffer::{BufferError, Log};
use crate::export::console::ConsoleExporter;
use crate::export::log_lines::LogLines;
use crate::export::sdk::SdkExporter;
use crate::export::{Book, Exporter, Signal, otlp_file};
#[cfg(not(all(feature = "_otlp", feature = "zipkin")))]
use crate::{config::Retry, export::delivery::Receiver};
use opentelemetry_sdk::Resource;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// An exporter, and how what it gets is batched.
pub(super) type Placed = (Target, Batching);

/// The exporters of spans and, if there are log records, theirs; what is wrong with the settings goes to `problems`.
pub(super) fn of(telemetry: &Telemetry, resource: &Resource, problems: &mut ConfigError) -> Vec<Placed> {
    let mut found: Vec<Placed> = Vec::new();
    let usual = || telemetry.batch.clone();
    for exporter in &telemetry.exporters {
        let (exporter, batching) = exporter.parts();
        let made = match exporter {
            config::Exporter::Otlp(otlp) => otlp_target(Signal::Spans, [otlp], telemetry, problems),
            config::Exporter::Failover(failover) => {
                otlp_target(Signal::Spans, &failover.exporters, telemetry, problems)
            }
            config::Exporter::Console => Some(direct(SdkExporter::new(ConsoleExporter::new(), resource))),
            config::Exporter::OtlpFile(file) => otlp_file::exporter(Signal::Spans, file, problems).map(Target::Direct),
            config::Exporter::Zipkin(zipkin) => self::zipkin(zipkin, &telemetry.retry, problems)
                .map(|receiver| Target::Receivers(Signal::Spans, vec![receiver])),
            config::Exporter::Batched(..) => None,
        };
        found.extend(made.map(|exporter| (exporter, batching.cloned().unwrap_or_else(usual))));
    }
    if !telemetry.exception_signal.in_logs() {
        return found;
    }
    for exporter in &telemetry.log_exporters() {
        let (exporter, batching) = exporter.parts();
        let made = match exporter {
            LogExporter::Otlp(otlp) if telemetry.log_exporters.is_none() && is_of_spans_alone(otlp) => {
                problems.push(
                    "spans go to a URL that is used as it is (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`), where log records \
                     cannot go; expected `log_exporters` to say where they do",
                );
                None
            }
            LogExporter::Otlp(otlp) => otlp_target(Signal::Logs, [otlp], telemetry, problems),
            LogExporter::Failover(failover) => otlp_target(Signal::Logs, &failover.exporters, telemetry, problems),
            LogExporter::Console => Some(direct(LogLines)),
            LogExporter::OtlpFile(file) => otlp_file::exporter(Signal::Logs, file, problems).map(Target::Direct),
            LogExporter::Batched(..) => None,
        };
        found.extend(made.map(|exporter| (exporter, batching.cloned().unwrap_or_else(usual))));
    }
    found
}

/// The exporters with their numbers, and with their logs if their batches wait on disk.
///
/// # Errors
///
/// If the directory of the disk buffer cannot be used.
pub(super) fn supplied(placed: Vec<Placed>, telemetry: &Telemetry) -> Result<Vec<Supplied>, ConfigError> {
    let mut numbers = [0u32; 2];
    let supplied = placed.into_iter().map(|(target, batching)| {
        let book = Arc::new(Book::new(&target.name(), target.signal(), batching.export_timeout));
        let log = match (&telemetry.disk_buffer, &target) {
            (Some(buffer), Target::Receivers(signal, _)) => {
                let (number, name) = match signal {
                    Signal::Logs => (&mut numbers[1], "logs"),
                    Signal::Spans | Signal::Metrics => (&mut numbers[0], "spans"),
                };
                *number += 1;
                let log = Log::open(buffer, &format!("{name}-{number}"))?;
                // From the start, so that who looks at once does not find that nothing was left.
                book.left_by_others.store(log.waiting().earlier_items, Relaxed);
                Some(log)
            }
            _ => None,
        };
        Ok(Supplied { target, book, batching, log })
    });
    let supplied: Vec<Supplied> = supplied.collect::<Result<_, BufferError>>().map_err(|error| {
        let mut problem = ConfigError::default();
        problem.push(format_args!("`disk_buffer` (`OTELIER_DISK_BUFFER`): {error}"));
        problem
    })?;
    if telemetry.disk_buffer.is_some() && !telemetry.disabled && supplied.iter().all(|one| one.log.is_none()) {
        diagnostics::tell(LogLevel::Warn, "Pipeline.DiskBuffer.NoExporter", || {
            "`disk_buffer` is set, but no exporter sends spans or log records by OTLP or to Zipkin, so nothing waits on disk"
                .into()
        });
    }
    Ok(supplied)
}

fn direct(exporter: impl Exporter + 'static) -> Target {
    Target::Direct(Arc::new(exporter))
}

/// The receivers of one exporter, if all of them can be used.
fn otlp_target<'a>(
    signal: Signal,
    all: impl IntoIterator<Item = &'a Otlp>,
    telemetry: &Telemetry,
    problems: &mut ConfigError,
) -> Option<Target> {
    let receivers: Vec<_> = all.into_iter().map(|otlp| self::otlp(signal, otlp, &telemetry.retry, problems)).collect();
    let receivers = receivers.into_iter().collect::<Option<Vec<_>>>()?;
    Some(Target::Receivers(signal, receivers))
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
use crate::export::otlp::receiver as otlp;

#[cfg(not(feature = "_otlp"))]
fn otlp(_: Signal, _: &Otlp, _: &Retry, problems: &mut ConfigError) -> Option<Arc<dyn Receiver>> {
    let mut missing = ConfigError::default();
    missing.push("OTLP is configured, but `otelier` was built without the features `otlp-http` and `otlp-grpc`");
    problems.absorb(missing);
    None
}

#[cfg(feature = "zipkin")]
use crate::export::zipkin::receiver as zipkin;

#[cfg(not(feature = "zipkin"))]
fn zipkin(_: &config::Zipkin, _: &Retry, problems: &mut ConfigError) -> Option<Arc<dyn Receiver>> {
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
