//! Settings as plain data; building something from them is [`init`](crate::init)'s business.

mod adaptive;
mod authorization;
pub mod describe;
mod environment;
mod exporter;
#[cfg(test)]
pub(crate) mod fuzzing;
mod jaeger_remote;
mod lakehouse;
mod limits;
mod load;
mod metrics;
mod node;
mod otlp;

mod check;
mod composable;
mod conditions;
mod correlation;
mod custom;
mod delivery;
#[cfg(feature = "config-file")]
mod document;
mod json_schema;
pub mod keys;
pub(crate) mod own;
mod percent;
mod presets;
mod probability;
mod propagator;
pub(crate) mod resource;
mod rotation;
mod rules;
mod sampler;
mod scalar;
mod settings;
mod shown;
#[cfg(feature = "config-file")]
mod substitute;
mod tail;
#[cfg(feature = "_otlp")]
pub(crate) mod url;
mod values;
mod variables;
mod wildcard;
mod zipkin;

use std::time::Duration;

pub use crate::diagnostics::LogLevel;
pub use crate::record::{ExceptionSignal, Limits, OldNames};
pub use adaptive::Adaptive;
pub use check::{check, check_with};
pub use composable::{AttributePatterns, AttributeValues, Composable, Rule, SpanParent};
pub use correlation::Correlation;
pub(crate) use correlation::{CORRELATION_ID, LONGEST as LONGEST_KEY, is_key};
pub use custom::CustomSampler;
pub use delivery::{CircuitBreaker, DiskBuffer, Failover, Retry, Sync};
#[cfg(feature = "config-file")]
pub use document::Document;
pub use exporter::{Exporter, LogExporter, OtlpFile, OutputStream};
pub use jaeger_remote::JaegerRemote;
pub use json_schema::json_schema;
pub use lakehouse::LakehouseResource;
pub use limits::Hooks;
pub use metrics::{
    Aggregation, AttributeKeys, CardinalityLimits, HistogramAggregation, InstrumentType, MetricExporter, MetricReader,
    Metrics, Prometheus, PullExporter, PullReader, Temporality, Translation, View, ViewSelector, ViewStream,
};
pub use node::{Entry, File, Node, Origin, Span, Value};
pub use otelier_macros::TelemetryConfig;
#[cfg(feature = "_otlp")]
pub(crate) use otlp::without_credentials;
pub use otlp::{Compression, Endpoint, Headers, Otlp, Protocol, Tls};
pub use own::{Loaded, Reader, Setting, Sources, TelemetryConfig};
pub(crate) use percent::{percent_decoded, percent_encoded};
pub use probability::probability_threshold;
pub use propagator::Propagator;
pub use resource::{Detector, ResourceSettings, ResourceValue};
pub use rotation::Rotation;
pub use sampler::{MAX_SAMPLER_DEPTH, ParentBased, Sampler};
pub use settings::Settings;
pub use tail::{AttributeRange, Keep, TailRule, TailSampling};
pub use variables::Variables;
pub use zipkin::Zipkin;

/// Every setting of a pipeline.
///
/// [`from_env`](Self::from_env) reads the variables that OpenTelemetry's specification names; `default` reads no settings
/// and exports nowhere. The `with_` methods override both. What describes the process and its host is looked up when the
/// pipeline starts, see [`ResourceSettings::detectors`].
///
/// ```
/// use std::time::Duration;
///
/// let telemetry = otelier::Telemetry::default()
///     .with_service_name("lakehouse")
///     .with_resource_attribute("deployment.environment.name", "production")
///     .with_schedule_delay(Duration::from_secs(1));
/// assert_eq!(telemetry.batch.schedule_delay, Duration::from_secs(1));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Telemetry {
    /// Nothing is recorded. Environment: `OTEL_SDK_DISABLED`. Default: false.
    pub disabled: bool,
    /// `service.name` of the resource. Environment: `OTEL_SERVICE_NAME`. Default: `unknown_service:` and the name of the
    /// executable, as the specification has it.
    pub service_name: Option<String>,
    /// Further attributes of the resource, and which are detected. Environment: `OTEL_RESOURCE_ATTRIBUTES` and others.
    pub resource: ResourceSettings,
    /// Which traces are recorded. Environment: `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`. YAML:
    /// `tracer_provider.sampler`. Default: the parent's decision, and every trace that begins here.
    pub sampler: Sampler,
    /// Which traces are kept when they are over. Default: every one that was recorded.
    pub tail_sampling: Option<TailSampling>,
    /// How much a span holds.
    pub limits: Limits,
    /// Systems whose old names of attributes are exported beside the new ones. Environment: `OTELIER_OLD_NAMES`, a list of
    /// `lakehouse`, `build_tracer` and `retail`. Default: none.
    pub old_names: Vec<OldNames>,
    /// Whether every span of a schema is exported with its type, as the attribute `otelier.span_type`. Environment:
    /// `OTELIER_SPAN_TYPES`. Default: false.
    pub span_types: bool,
    /// Which signal carries the exceptions of errors. Environment: `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`, a list of `logs`
    /// and `logs/dup`, of which the latter wins. Default: [`ExceptionSignal::SpanEvents`].
    pub exception_signal: ExceptionSignal,
    /// Whether the message of a panic is recorded on the innermost span it ends. Environment: `OTELIER_PANIC_MESSAGES`.
    /// Default: true.
    pub panic_messages: bool,
    /// Whether operations are counted and timed where their annotations ask for `metrics`; needs the feature `metrics`.
    /// Environment: `OTELIER_SPAN_METRICS`. Default: true.
    pub span_metrics: bool,
    /// Whether the pipeline measures itself, see [`with_sdk_metrics`](Self::with_sdk_metrics). Environment:
    /// `OTELIER_SDK_METRICS`. YAML: `distribution.otelier.sdk_metrics`. Default: false.
    pub sdk_metrics: bool,
    /// How far telemetry is wired into OpenTelemetry's global state. Default: [`Hooks::Global`].
    pub hooks: Hooks,
    /// Which headers carry traces and baggage between processes. Environment: `OTEL_PROPAGATORS`. Default:
    /// [`Propagator::DEFAULT`].
    pub propagators: Vec<Propagator>,
    /// How correlation contexts go from process to process. Environment: `OTELIER_CORRELATION_HEADER`. YAML:
    /// `distribution.otelier.correlation`. Default: an id, in `x-correlation-id` and in baggage.
    pub correlation: Correlation,
    /// How spans are batched.
    pub batch: Batching,
    /// Where spans go, in this order. Environment: `OTEL_TRACES_EXPORTER` and `OTEL_EXPORTER_OTLP_…`. Default: nowhere.
    pub exporters: Vec<Exporter>,
    /// Where log records go, of which there are some only if `exception_signal` says so. Environment:
    /// `OTEL_LOGS_EXPORTER`, a list of `none` and `otlp`. Default: `None`, where spans go by OTLP or into a file.
    pub log_exporters: Option<Vec<LogExporter>>,
    /// How batches are sent again that a receiver could not take. Default: after 5 to 30 s, for 5 minutes.
    pub retry: Retry,
    /// When a receiver that fails is left alone. Default: after 5 failures in a row, for 30 s.
    pub circuit_breaker: CircuitBreaker,
    /// Where batches wait until they have arrived, if not in memory. Environment: `OTELIER_DISK_BUFFER`, a directory.
    /// Default: in memory.
    pub disk_buffer: Option<DiskBuffer>,
    /// Which metrics are exported, and how; needs the feature `metrics`. YAML: `meter_provider`. Default: none.
    pub metrics: Metrics,
    /// How long [`Guard::shutdown`](crate::Guard::shutdown) and dropping the guard may take. Default: 5 s.
    pub shutdown_timeout: Duration,
    /// How much [`diagnostics`](crate::diagnostics) says. Environment: `OTEL_LOG_LEVEL`. Default: [`LogLevel::Info`].
    pub log_level: LogLevel,
    /// What was wrong with where the settings came from and does not keep telemetry from starting, one sentence each.
    /// [`init`](crate::init) says each at level `warn`, and [`health`](crate::health) shows them.
    pub warnings: Vec<crate::Problem>,
    /// Settings of libraries that make telemetry, as they were written: for those libraries to read. YAML:
    /// `instrumentation/development`. Default: none.
    pub instrumentation: Option<Node>,
}

/// How spans are batched; the specification's batch span processor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batching {
    /// The longest time a span waits before it is exported; 0: as soon as it has ended, or 10 ms later. Environment:
    /// `OTEL_BSP_SCHEDULE_DELAY`, in milliseconds.
    /// Default: 5 s.
    pub schedule_delay: Duration,
    /// How long one export may take; of exporters that [send again](Retry), one attempt, if their own timeout is longer.
    /// Environment: `OTEL_BSP_EXPORT_TIMEOUT`, in milliseconds. Default: 30 s.
    pub export_timeout: Duration,
    /// Room for spans that wait, in spans of 512 bytes: the queue is bounded in bytes, so it holds more small spans and
    /// fewer large ones. What does not fit is dropped and counted. Environment: `OTEL_BSP_MAX_QUEUE_SIZE`.
    /// Default: 2,048, which is 1 MiB.
    pub max_queue_size: usize,
    /// The most spans one export carries; fewer if they are so large that together they would fill the queue. Environment:
    /// `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`. Default: 512.
    pub max_export_batch_size: usize,
}

/// How many bytes one place in the queue stands for.
pub(crate) const BYTES_PER_SPAN: usize = 512;

impl Batching {
    /// Sets the longest time a span waits before it is exported; 0: as soon as it has ended. Default: 5 s.
    #[must_use]
    pub fn with_schedule_delay(mut self, delay: Duration) -> Self {
        self.schedule_delay = delay;
        self
    }

    /// Sets how long one export may take. Default: 30 s.
    #[must_use]
    pub fn with_export_timeout(mut self, timeout: Duration) -> Self {
        self.export_timeout = timeout;
        self
    }

    /// Sets the room for spans that wait, in spans of 512 bytes. Default: 2,048.
    #[must_use]
    pub fn with_max_queue_size(mut self, spans: usize) -> Self {
        self.max_queue_size = spans;
        self
    }

    /// Sets the most spans one export carries. Default: 512.
    #[must_use]
    pub fn with_max_export_batch_size(mut self, spans: usize) -> Self {
        self.max_export_batch_size = spans;
        self
    }

    fn check(&self, problems: &mut crate::ConfigError) {
        if self.max_export_batch_size == 0 {
            problems.push("the largest export batch is 0 spans; expected at least 1");
        }
        if self.max_queue_size < self.max_export_batch_size {
            problems.push(format_args!(
                "the queue holds {} spans and an export batch {}; expected a queue that holds at least one batch",
                self.max_queue_size, self.max_export_batch_size
            ));
        }
        if self.export_timeout.is_zero() {
            problems.push("the export timeout is 0; expected at least 1 ms");
        }
    }

    /// The room of the queue in bytes; a batch is not larger either.
    pub(crate) fn max_bytes(&self) -> usize {
        self.max_queue_size.saturating_mul(BYTES_PER_SPAN)
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            disabled: false,
            service_name: None,
            resource: ResourceSettings::default(),
            sampler: Sampler::default(),
            tail_sampling: None,
            limits: Limits::default(),
            old_names: Vec::new(),
            span_types: false,
            exception_signal: ExceptionSignal::default(),
            panic_messages: true,
            span_metrics: true,
            sdk_metrics: false,
            hooks: Hooks::default(),
            propagators: Propagator::DEFAULT.to_vec(),
            correlation: Correlation::default(),
            batch: Batching::default(),
            exporters: Vec::new(),
            log_exporters: None,
            retry: Retry::default(),
            circuit_breaker: CircuitBreaker::default(),
            disk_buffer: None,
            metrics: Metrics::default(),
            shutdown_timeout: Duration::from_secs(5),
            log_level: LogLevel::default(),
            warnings: Vec::new(),
            instrumentation: None,
        }
    }
}

impl Default for Batching {
    fn default() -> Self {
        Self {
            schedule_delay: Duration::from_secs(5),
            export_timeout: Duration::from_secs(30),
            max_queue_size: 2048,
            max_export_batch_size: 512,
        }
    }
}

impl Telemetry {
    /// Reads the file that `OTEL_CONFIG_FILE` names, or else the other variables of the environment.
    ///
    /// | variable | default | |
    /// |-|-|-|
    /// | `OTEL_CONFIG_FILE` | | a file of OpenTelemetry's declarative configuration; the others then count only where it names them, as `${NAME}` |
    /// | `OTEL_SDK_DISABLED`, `OTEL_LOG_LEVEL` | `false`, `info` | |
    /// | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | | see [`ResourceSettings`] |
    /// | `OTEL_PROPAGATORS` | `tracecontext,baggage` | see [`Propagator`] |
    /// | `OTEL_TRACES_EXPORTER` | `otlp` | a list of `otlp`, `console`, `zipkin`, `none` |
    /// | `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER` | `otlp` | the same, of metrics `prometheus`, too; there are log records only if exceptions are |
    /// | `OTEL_EXPORTER_OTLP_{ENDPOINT,PROTOCOL,HEADERS,TIMEOUT,COMPRESSION,CERTIFICATE,CLIENT_KEY,CLIENT_CERTIFICATE,INSECURE}` | see [`Otlp`] | of all signals |
    /// | `OTEL_EXPORTER_OTLP_TRACES_…`, `…_METRICS_…`, `…_LOGS_…` | as for all signals | the same, of one signal |
    /// | `OTEL_EXPORTER_PROMETHEUS_{HOST,PORT}` | `localhost`, `9464` | see [`Prometheus`] |
    /// | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | see [`Sampler`] | |
    /// | `OTEL_BSP_{SCHEDULE_DELAY,EXPORT_TIMEOUT,MAX_QUEUE_SIZE,MAX_EXPORT_BATCH_SIZE}` | see [`Batching`] | |
    /// | `OTEL_BLRP_…`, `OTEL_METRIC_EXPORT_{INTERVAL,TIMEOUT}`, `OTEL_METRICS_EXEMPLAR_FILTER` | | of log records and metrics |
    /// | `OTEL_SPAN_…_LIMIT`, `OTEL_ATTRIBUTE_…_LIMIT`, `OTEL_{EVENT,LINK}_ATTRIBUTE_COUNT_LIMIT` | see [`Limits`] | |
    /// | `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` | | `logs` or `logs/dup`: exceptions as log records, or as both |
    /// | `OTELIER_PANIC_MESSAGES`, `OTELIER_SPAN_METRICS` | `true` | what panics say; calls of annotations with `metrics` |
    /// | `OTELIER_OLD_NAMES`, `OTELIER_SPAN_TYPES` | | renamed attributes also under old names; `otelier.span_type` |
    /// | `OTELIER_RESOURCE_{DETECTORS,INCLUDED,EXCLUDED}` | all | see [`ResourceSettings`] |
    /// | `OTELIER_SHUTDOWN_TIMEOUT` | 5000 | in milliseconds |
    /// | `OTELIER_RETRY_MAX_ELAPSED` | 300000 | in milliseconds, see [`Retry`]; 0: nothing is sent again |
    /// | `OTELIER_DISK_BUFFER` | | the directory of a [`DiskBuffer`] |
    /// | `OTELIER_SDK_METRICS` | `false` | whether the pipeline [measures itself](Self::with_sdk_metrics) |
    /// | `OTELIER_CORRELATION_HEADER` | `x-correlation-id` | see [`Correlation`] |
    /// | `OTELIER_STRICT` | `false` | whether what is a warning below is an error |
    ///
    /// The names that other systems gave their variables (`OTEL_ENABLED`, `OTEL_BACKEND`, `OTEL_EXPORTER_ENDPOINT`,
    /// `OTEL_SAMPLING_RATE`, `OTEL_SERVICE_VERSION`, `ENVIRONMENT`, `DEPLOYMENT_ENV`, `OTEL_AUTO_INSTRUMENT`,
    /// `OTEL_PERFORMANCE_MONITORING`) count where OpenTelemetry's own are not set.
    ///
    /// As the specification has it, a value that cannot be used counts as not set, with a warning in
    /// [`warnings`](Self::warnings). [`Settings`] also has where each value comes from.
    ///
    /// # Errors
    ///
    /// One sentence for everything that cannot be passed over, all at once: mistakes in a file, in variables of ours, and
    /// exporters that are not here.
    pub fn from_env() -> Result<Self, crate::ConfigError> {
        Self::from_variables(&Variables::of_the_process())
    }

    /// Sets `service.name` of the resource.
    #[must_use]
    pub fn with_service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// Chooses which traces are recorded. Default: the parent's decision, or all.
    #[must_use]
    pub fn with_sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = sampler;
        self
    }

    /// Chooses which traces are kept when they are over. Default: every one that was recorded.
    #[must_use]
    pub fn with_tail_sampling(mut self, tail_sampling: TailSampling) -> Self {
        self.tail_sampling = Some(tail_sampling);
        self
    }

    /// Sets how much a span holds.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Exports renamed attributes under the names that these systems gave them, too.
    ///
    /// ```
    /// use otelier::config::{OldNames, Telemetry};
    ///
    /// let telemetry = Telemetry::default().with_old_names([OldNames::Retail]);
    /// let renames: Vec<_> = telemetry.old_names[0].renames().collect();
    /// assert!(renames.contains(&("http.status_code", "http.response.status_code")));
    /// ```
    #[must_use]
    pub fn with_old_names(mut self, systems: impl IntoIterator<Item = OldNames>) -> Self {
        self.old_names = systems.into_iter().collect();
        self
    }

    /// Exports the type of every span that has a schema, as the attribute `otelier.span_type`: by it `otelier schema check`
    /// and other tools know which schema to hold a span against. Default: no.
    #[must_use]
    pub fn with_span_types(mut self, span_types: bool) -> Self {
        self.span_types = span_types;
        self
    }

    /// Chooses how a [`CorrelationContext`](crate::CorrelationContext) goes from process to process: by which header, whether
    /// what comes in is believed, what goes into baggage. Default: [`Correlation::default`].
    ///
    /// ```
    /// use otelier::correlation::Settings;
    ///
    /// let settings = Settings::default().with_header("x-request-id");
    /// let telemetry = otelier::Telemetry::default().with_correlation(settings);
    /// assert_eq!(telemetry.correlation.header.as_deref(), Some("x-request-id"));
    /// ```
    #[must_use]
    pub fn with_correlation(mut self, correlation: Correlation) -> Self {
        self.correlation = correlation;
        self
    }

    /// Chooses which signal carries the exceptions of errors. Default: [`ExceptionSignal::SpanEvents`].
    #[must_use]
    pub fn with_exception_signal(mut self, signal: ExceptionSignal) -> Self {
        self.exception_signal = signal;
        self
    }

    /// Chooses whether what a panic says is recorded: an `exception` event with the message, the file and the line, and a
    /// stack trace if `RUST_BACKTRACE` asks for one, on the innermost span it ends. Without, spans still say that a panic
    /// ended them.
    ///
    /// A panic hook reads the message, and then calls the hook that was there before. A hook that is set after the
    /// pipeline started takes its place, unless it calls the one before in its turn. Messages may hold what users wrote;
    /// they are cut like the values of attributes.
    ///
    /// | | |
    /// |-|-|
    /// | Default | yes |
    /// | Environment | `OTELIER_PANIC_MESSAGES`: `true` or `false` |
    ///
    /// ```
    /// let telemetry = otelier::Telemetry::default().with_panic_messages(false);
    /// assert!(!telemetry.panic_messages);
    /// ```
    #[must_use]
    pub fn with_panic_messages(mut self, panic_messages: bool) -> Self {
        self.panic_messages = panic_messages;
        self
    }

    /// Records the duration of every call whose annotation asks for `metrics`, in the histogram `otelier.operation.duration`
    /// (in seconds) of OpenTelemetry's global meter provider: also of calls whose trace is not sampled. Needs the feature
    /// `metrics`. Default: yes.
    ///
    /// | attribute of the metric | |
    /// |-|-|
    /// | `operation.name` | the span's name as the annotation has it, or the function's |
    /// | `operation.type` | if the annotation has one |
    /// | `error.type` | if the operation failed; an expected error is no failure |
    /// | `otelier.cancelled` | true if the future was dropped before it was ready |
    ///
    /// ```
    /// let telemetry = otelier::Telemetry::default().with_span_metrics(false);
    /// assert!(!telemetry.span_metrics);
    /// ```
    #[must_use]
    pub fn with_span_metrics(mut self, span_metrics: bool) -> Self {
        self.span_metrics = span_metrics;
        self
    }

    /// Sets how far telemetry is wired into OpenTelemetry's global state. Default: [`Hooks::Global`].
    #[must_use]
    pub fn with_hooks(mut self, hooks: Hooks) -> Self {
        self.hooks = hooks;
        self
    }

    /// Exports metrics. The pipeline's meter provider becomes OpenTelemetry's global one with [`Hooks::Global`], so that
    /// annotations with `metrics` and all code that measures through OpenTelemetry's API are exported; with other hooks,
    /// [`Guard::meter_provider`](crate::Guard::meter_provider) has it. Needs the feature `metrics`. Default: none.
    ///
    /// ```
    /// use otelier::config::{MetricReader, Otlp};
    ///
    /// let otlp = Otlp::to("http://localhost:4318");
    /// let telemetry = otelier::Telemetry::default().with_otlp(otlp.clone()).with_metrics(MetricReader::otlp(otlp));
    /// # assert_eq!(telemetry.metrics.readers.len(), 1);
    /// ```
    #[must_use]
    pub fn with_metrics(mut self, metrics: impl Into<Metrics>) -> Self {
        self.metrics = metrics.into();
        self
    }

    /// Sets the longest time a span waits before it is exported. Default: 5 s.
    #[must_use]
    pub fn with_schedule_delay(mut self, delay: Duration) -> Self {
        self.batch.schedule_delay = delay;
        self
    }

    /// Sets how long one export may take. Default: 30 s.
    #[must_use]
    pub fn with_export_timeout(mut self, timeout: Duration) -> Self {
        self.batch.export_timeout = timeout;
        self
    }

    /// Sets the room for spans that wait, in spans of 512 bytes. Default: 2,048.
    #[must_use]
    pub fn with_max_queue_size(mut self, spans: usize) -> Self {
        self.batch.max_queue_size = spans;
        self
    }

    /// Sets the most spans one export carries. Default: 512.
    #[must_use]
    pub fn with_max_export_batch_size(mut self, spans: usize) -> Self {
        self.batch.max_export_batch_size = spans;
        self
    }

    /// Sets how long shutting down may take. Default: 5 s.
    #[must_use]
    pub fn with_shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Sets how much [`diagnostics`](crate::diagnostics) says. [`Guard::set_log_level`](crate::Guard::set_log_level)
    /// changes it at run time.
    ///
    /// | | |
    /// |-|-|
    /// | Default | `info` |
    /// | YAML | `log_level` |
    /// | Environment | `OTEL_LOG_LEVEL`: `trace`, `debug`, `info`, `warn`, `error` or `fatal` |
    ///
    /// ```
    /// use otelier::config::{LogLevel, Telemetry};
    ///
    /// let telemetry = Telemetry::default().with_log_level(LogLevel::Debug);
    /// assert_eq!(telemetry.log_level.to_string(), "debug");
    /// ```
    #[must_use]
    pub fn with_log_level(mut self, level: LogLevel) -> Self {
        self.log_level = level;
        self
    }

    /// Checks what types cannot: ranges, and limits that contradict each other.
    pub(crate) fn check(&self, problems: &mut crate::ConfigError) {
        self.sampler.check(problems);
        if let Some(tail) = &self.tail_sampling {
            tail.check(problems);
        }
        self.resource.check(problems);
        self.correlation.check(problems);
        self.metrics.check(problems);
        self.check_sdk_metrics(problems);
        self.check_delivery(problems);
        self.check_rotations(problems);
        let mut found = crate::ConfigError::default();
        self.batch.check(&mut found);
        self.exporters.iter().filter_map(|exporter| exporter.parts().1).for_each(|own| own.check(&mut found));
        let logs = self.log_exporters.iter().flatten();
        logs.filter_map(|exporter| exporter.parts().1).for_each(|own| own.check(&mut found));
        // What several have in common is said once.
        problems.absorb(found);
    }
}
