//! Starting and ending telemetry around the run.

use std::time::Duration;

use otelier::config::{Exporter, LogLevel, Metrics};
use otelier::export::MemoryExporter;
use otelier::export::tree::Trace;
use otelier::{ConfigError, Error, Guard, Pipeline, Stats};

/// More spans than any run of this example makes; a bound all the same.
const SPANS_KEPT: usize = 50_000;
/// The longest the end of the program waits for telemetry.
const SHUTDOWN: Duration = Duration::from_secs(3);
/// The longest one export may take, so that a hanging receiver cannot keep the spans from the report.
const EXPORT: Duration = Duration::from_secs(2);
/// The variables that say where spans go.
const SOURCES: [&str; 3] = ["OTEL_CONFIG_FILE", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// Telemetry that runs, or the reason why it does not.
#[derive(Debug)]
pub struct Telemetry {
    guard: Option<Guard>,
    spans: MemoryExporter,
    problems: Vec<String>,
}

/// What was recorded.
#[derive(Debug)]
pub struct Traced {
    /// The workflow's trace; nothing if telemetry is off.
    pub trace: Option<Trace>,
    /// What became of the spans.
    pub stats: Stats,
    /// One sentence for each thing that went wrong with telemetry. None of them touches the run's result.
    pub problems: Vec<String>,
}

/// Nothing leaves the process; other exporters stay.
fn remove_otlp(settings: &mut otelier::Telemetry) {
    settings.exporters.retain(|exporter| !matches!(exporter, Exporter::Otlp(_)));
    settings.log_exporters = None;
    settings.metrics = Metrics::default();
}

impl Telemetry {
    /// Starts to record. Spans are kept for the report; they also go out by OTLP if the environment names an endpoint, or
    /// a file of settings.
    ///
    /// # Errors
    ///
    /// Every setting that cannot be used. What goes wrong later costs the export, never the run.
    pub fn start() -> Result<Self, ConfigError> {
        let spans = MemoryExporter::new(SPANS_KEPT);
        let mut settings = otelier::Telemetry::from_env()?;
        let is_given = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if !SOURCES.iter().any(is_given) {
            remove_otlp(&mut settings);
        }
        if settings.service_name.is_none() {
            settings = settings.with_service_name("lakehouse");
        }
        // What did not arrive is said once, at the end.
        if !is_given(&"OTEL_LOG_LEVEL") {
            settings = settings.with_log_level(LogLevel::Off);
        }
        let longest = EXPORT.min(settings.batch.export_timeout);
        let settings = settings.with_shutdown_timeout(SHUTDOWN).with_export_timeout(longest);
        match Pipeline::new(settings).with_span_exporter(spans.clone()).start() {
            Ok(guard) => Ok(Self { guard: Some(guard), spans, problems: Vec::new() }),
            Err(Error::Config(error)) => Err(error),
            Err(error) => Ok(Self { guard: None, spans, problems: vec![error.to_string()] }),
        }
    }

    /// Ends recording, within 3 s.
    pub fn finish(self) -> Traced {
        let Self { guard, spans, mut problems } = self;
        let stats = match guard.map(Guard::shutdown) {
            Some(Ok(stats)) => stats,
            Some(Err(late)) => {
                problems.push(format!("{late}; the rest is lost"));
                *late.stats
            }
            None => Stats::default(),
        };
        for exporter in &stats.exporters {
            if let Some(error) = &exporter.last_error {
                let lost = exporter.failed + exporter.rejected;
                problems.push(format!("{lost} {} did not arrive at {}: {error}", exporter.signal, exporter.name));
            }
        }
        if stats.dropped() > 0 {
            problems.push(format!(
                "{} spans were dropped because they came faster than they could be exported",
                stats.dropped()
            ));
        }
        // The workflow is the only root; the first trace is its.
        let trace = Trace::group(spans.spans()).into_iter().next();
        Traced { trace, stats, problems }
    }
}
