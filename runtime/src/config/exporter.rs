//! Where spans and log records go.

use super::{Batching, Failover, Otlp, Rotation, Telemetry, Zipkin};
use std::path::PathBuf;

/// An exporter of spans. YAML: `tracer_provider.processors[].batch.exporter`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exporter {
    /// Sends spans by OTLP. Environment: `OTEL_TRACES_EXPORTER=otlp`. YAML: `otlp_http`, `otlp_grpc`.
    Otlp(Otlp),
    /// Prints each trace to standard error as a tree. Environment: `OTEL_TRACES_EXPORTER=console`. YAML: `console`.
    Console,
    /// Writes spans as lines of OTLP JSON. YAML: `otlp_file/development`, `otelier/otlp_file`.
    OtlpFile(OtlpFile),
    /// Sends spans to Zipkin. Environment: `OTEL_TRACES_EXPORTER=zipkin`. YAML: `otelier/zipkin`.
    Zipkin(Zipkin),
    /// Sends spans to the first of several receivers that works. YAML: `otelier/failover`.
    Failover(Failover),
    /// One of the others, with batches of its own in place of [`Telemetry::batch`]. YAML: a processor of its own.
    Batched(Box<Self>, Batching),
}

/// An exporter of log records: of exceptions, if [`Telemetry::exception_signal`] asks for them. YAML:
/// `logger_provider.processors[].batch.exporter`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogExporter {
    /// Sends log records by OTLP. Environment: `OTEL_LOGS_EXPORTER=otlp`. YAML: `otlp_http`, `otlp_grpc`.
    Otlp(Otlp),
    /// Prints each log record to standard error as one line. YAML: `console`.
    Console,
    /// Writes log records as lines of OTLP JSON. YAML: `otlp_file/development`, `otelier/otlp_file`.
    OtlpFile(OtlpFile),
    /// Sends log records to the first of several receivers that works. YAML: `otelier/failover`.
    Failover(Failover),
    /// One of the others, with batches of its own in place of [`Telemetry::batch`]: those of the spans that the exceptions
    /// are of. YAML: a processor of its own. Environment: `OTEL_BLRP_…`.
    Batched(Box<Self>, Batching),
}

impl Exporter {
    /// Gives the exporter batches of its own. What the queue holds is bounded by the largest of all.
    ///
    /// ```
    /// use otelier::config::{Batching, Exporter, Otlp};
    /// use std::time::Duration;
    ///
    /// let archive = Batching::default().with_schedule_delay(Duration::from_secs(60));
    /// let telemetry = otelier::Telemetry::default()
    ///     .with_exporter(Exporter::Console)
    ///     .with_exporter(Exporter::Otlp(Otlp::to("http://archive:4318")).with_batching(archive));
    /// assert_eq!(telemetry.exporters.len(), 2);
    /// ```
    #[must_use]
    pub fn with_batching(self, batching: Batching) -> Self {
        match self {
            Self::Batched(exporter, _) => Self::Batched(exporter, batching),
            exporter => Self::Batched(Box::new(exporter), batching),
        }
    }

    /// The exporter itself, and its batching, if it has one of its own.
    pub(crate) fn parts(&self) -> (&Self, Option<&Batching>) {
        match self {
            Self::Batched(exporter, batching) => (exporter.parts().0, Some(batching)),
            exporter => (exporter, None),
        }
    }
}

impl LogExporter {
    /// Gives the exporter batches of its own.
    #[must_use]
    pub fn with_batching(self, batching: Batching) -> Self {
        match self {
            Self::Batched(exporter, _) => Self::Batched(exporter, batching),
            exporter => Self::Batched(Box::new(exporter), batching),
        }
    }

    /// The exporter itself, and its batching, if it has one of its own.
    pub(crate) fn parts(&self) -> (&Self, Option<&Batching>) {
        match self {
            Self::Batched(exporter, batching) => (exporter.parts().0, Some(batching)),
            exporter => (exporter, None),
        }
    }
}

/// Lines of OTLP JSON, one for each batch.
///
/// A file is made if it is missing and appended to if it is not; it may hold several signals, and lines of several
/// processes. One that somebody renamed or deleted is made anew for the next line. If a line cannot be written, because the
/// disk is full or the directory gone, the batch fails and is counted; later ones are tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtlpFile {
    /// YAML: `output_stream` of `otlp_file/development`, `path` of `otelier/otlp_file`. Default: [`OutputStream::Stdout`].
    pub output: OutputStream,
    /// When the file is put aside, and how many such files there are. YAML: `otelier/otlp_file`. Default: never.
    pub rotation: Option<Rotation>,
}

/// Where an exporter writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputStream {
    /// Standard output. YAML: `stdout`.
    #[default]
    Stdout,
    /// A file. YAML: `file:///path/to/file.jsonl`.
    File(PathBuf),
}

impl OtlpFile {
    /// Appends to this file.
    ///
    /// ```
    /// use otelier::config::{Exporter, OtlpFile};
    ///
    /// let exporter = Exporter::OtlpFile(OtlpFile::to("/var/log/spans.jsonl"));
    /// let telemetry = otelier::Telemetry::default().with_exporter(exporter);
    /// assert_eq!(telemetry.exporters.len(), 1);
    /// ```
    pub fn to(path: impl Into<PathBuf>) -> Self {
        Self { output: OutputStream::File(path.into()), rotation: None }
    }
}

impl OutputStream {
    /// What the declarative configuration says of it: `stdout`, or `file://` and an absolute path, in which `%20` and its
    /// like are replaced. `None` for anything else.
    ///
    /// ```
    /// use otelier::config::OutputStream;
    ///
    /// assert_eq!(OutputStream::parse("stdout"), Some(OutputStream::Stdout));
    /// assert_eq!(OutputStream::parse("file:///a%20b"), Some(OutputStream::File("/a b".into())));
    /// assert_eq!(OutputStream::parse("file://host/a"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        if text == "stdout" {
            return Some(Self::Stdout);
        }
        let path = text.strip_prefix("file://").filter(|path| path.starts_with('/') && path.len() > 1)?;
        super::percent_decoded(path).map(|path| Self::File(path.into()))
    }
}

impl Telemetry {
    /// Sends spans by OTLP, in place of what sent them by OTLP before. See [`with_exporter`](Self::with_exporter) for
    /// several receivers.
    #[must_use]
    pub fn with_otlp(mut self, otlp: Otlp) -> Self {
        self.exporters.retain(|exporter| !matches!(exporter.parts().0, Exporter::Otlp(_)));
        self.with_exporter(Exporter::Otlp(otlp))
    }

    /// Prints each trace to standard error as a tree. Default: no.
    #[must_use]
    pub fn with_console(mut self, console: bool) -> Self {
        self.exporters.retain(|exporter| *exporter.parts().0 != Exporter::Console);
        if console { self.with_exporter(Exporter::Console) } else { self }
    }

    /// Adds an exporter of spans. There may be several of one kind.
    ///
    /// ```
    /// use otelier::config::{Exporter, Otlp};
    ///
    /// let telemetry = otelier::Telemetry::default()
    ///     .with_exporter(Exporter::Otlp(Otlp::to("http://localhost:4318")))
    ///     .with_exporter(Exporter::Otlp(Otlp::to("http://archive:4318")));
    /// assert_eq!(telemetry.exporters.len(), 2);
    /// ```
    #[must_use]
    pub fn with_exporter(mut self, exporter: Exporter) -> Self {
        self.exporters.push(exporter);
        self
    }

    /// Sets the exporters of log records; none of them: exceptions stay on the spans. Default: OTLP and files get log
    /// records where they get spans.
    ///
    /// ```
    /// use otelier::config::{LogExporter, Otlp};
    ///
    /// let logs = Otlp::to_exactly("http://localhost:9428/insert/opentelemetry/v1/logs");
    /// let telemetry = otelier::Telemetry::default()
    ///     .with_otlp(Otlp::to("http://localhost:4318"))
    ///     .with_log_exporters([LogExporter::Otlp(logs)]);
    /// assert_eq!(telemetry.log_exporters.map(|exporters| exporters.len()), Some(1));
    /// ```
    #[must_use]
    pub fn with_log_exporters(mut self, exporters: impl IntoIterator<Item = LogExporter>) -> Self {
        self.log_exporters = Some(exporters.into_iter().collect());
        self
    }

    /// Where log records go, if there are any.
    pub(crate) fn log_exporters(&self) -> Vec<LogExporter> {
        if let Some(exporters) = &self.log_exporters {
            return exporters.clone();
        }
        let as_spans = |exporter: &Exporter| match exporter.parts().0 {
            Exporter::Otlp(otlp) => Some(LogExporter::Otlp(otlp.clone())),
            Exporter::OtlpFile(file) => Some(LogExporter::OtlpFile(file.clone())),
            Exporter::Failover(failover) => Some(LogExporter::Failover(failover.clone())),
            // Its trees say what went wrong already.
            Exporter::Console | Exporter::Batched(..) => None,
            // Zipkin knows spans alone.
            Exporter::Zipkin(_) => None,
        };
        self.exporters.iter().filter_map(as_spans).collect()
    }
}
