//! Settings as plain data; building something from them is [`init`](crate::init)'s business.

mod limits;
mod metrics;
mod source;

use std::time::Duration;

pub use crate::record::{ExceptionSignal, Limits, OldNames};
pub use limits::{Hooks, TailSampling};
pub use metrics::{
    Aggregation, AttributeKeys, CardinalityLimits, HistogramAggregation, InstrumentType, MetricExporter, MetricReader,
    Metrics, Temporality, View, ViewSelector, ViewStream,
};
pub use source::Variables;
#[cfg(feature = "_otlp")]
pub(crate) use source::percent_decoded;

/// Every setting of a pipeline.
///
/// [`from_env`](Self::from_env) reads the variables that OpenTelemetry's specification names; `default` reads nothing
/// and exports nowhere. The `with_` methods override both.
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
    /// Further attributes of the resource. Environment: `OTEL_RESOURCE_ATTRIBUTES`.
    pub resource_attributes: Vec<(String, String)>,
    /// Which traces are recorded. Environment: `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`.
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
    /// How far telemetry is wired into OpenTelemetry's global state. Default: [`Hooks::Global`].
    pub hooks: Hooks,
    /// How spans are batched.
    pub batch: Batching,
    /// Where spans go by OTLP; `None` for nowhere. Environment: `OTEL_TRACES_EXPORTER` and `OTEL_EXPORTER_OTLP_…`.
    pub otlp: Option<Otlp>,
    /// Whether each trace is printed to standard error as a tree. Environment: `OTEL_TRACES_EXPORTER=console`.
    pub console: bool,
    /// Which metrics are exported, and how; needs the feature `metrics`. YAML: `meter_provider`. Default: none.
    pub metrics: Metrics,
    /// How long [`Guard::shutdown`](crate::Guard::shutdown) and dropping the guard may take. Default: 5 s.
    pub shutdown_timeout: Duration,
}

/// How spans are batched; the specification's batch span processor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batching {
    /// The longest time a span waits before it is exported. Environment: `OTEL_BSP_SCHEDULE_DELAY`, in milliseconds.
    /// Default: 5 s.
    pub schedule_delay: Duration,
    /// How long one export may take. Environment: `OTEL_BSP_EXPORT_TIMEOUT`, in milliseconds. Default: 30 s.
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
const BYTES_PER_SPAN: usize = 512;

impl Batching {
    /// The room of the queue in bytes; a batch is not larger either.
    pub(crate) fn max_bytes(&self) -> usize {
        self.max_queue_size.saturating_mul(BYTES_PER_SPAN)
    }
}

/// Which traces are recorded. The decision is taken where a trace enters this process.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Sampler {
    /// Every trace.
    AlwaysOn,
    /// No trace.
    AlwaysOff,
    /// This share of the traces, `0.0..=1.0`, chosen by the random part of the trace id.
    TraceIdRatio(f64),
    /// The decision of the parent; where there is none, the share given, `0.0..=1.0`.
    ParentBased(f64),
}

/// Where and how spans go by OTLP, and the log records of their exceptions.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Otlp {
    /// Environment: `OTEL_EXPORTER_OTLP_PROTOCOL` or `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`. Default: `http/protobuf`.
    pub protocol: Protocol,
    /// The base URL, to which HTTP appends `/v1/traces`. Environment: `OTEL_EXPORTER_OTLP_ENDPOINT`. Default:
    /// `http://localhost:4318`, for gRPC `http://localhost:4317`.
    pub endpoint: Option<String>,
    /// A URL that is used as it is. Environment: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`.
    pub traces_endpoint: Option<String>,
    /// Headers as `key1=value1,key2=value2`, with percent-encoded values. Environment: `OTEL_EXPORTER_OTLP_HEADERS`.
    pub headers: String,
    /// How long one request may take. Environment: `OTEL_EXPORTER_OTLP_TIMEOUT`, in milliseconds. Default: 10 s.
    pub timeout: Duration,
    /// How log records go; `None`: they do not. There are some only if [`Telemetry::exception_signal`] says so. Environment:
    /// `OTEL_LOGS_EXPORTER`, a list of `none` and `otlp`. Default: as spans go.
    pub logs: Option<OtlpLogs>,
}

/// What is different for log records by OTLP; what is `None` is as [`Otlp`] has it for spans.
///
/// While [`Telemetry::exception_signal`] asks for no log records, what the environment says of them is not checked, and
/// what cannot be used of it is passed over: it may be meant for other programs.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtlpLogs {
    /// Environment: `OTEL_EXPORTER_OTLP_LOGS_PROTOCOL`.
    pub protocol: Option<Protocol>,
    /// A URL that is used as it is. Environment: `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`. Default: [`Otlp::endpoint`], to which
    /// HTTP appends `/v1/logs`; never [`Otlp::traces_endpoint`].
    pub endpoint: Option<String>,
    /// Headers as `key1=value1,key2=value2`, with percent-encoded values. Environment: `OTEL_EXPORTER_OTLP_LOGS_HEADERS`.
    pub headers: Option<String>,
    /// How long one request may take. Environment: `OTEL_EXPORTER_OTLP_LOGS_TIMEOUT`, in milliseconds.
    pub timeout: Option<Duration>,
}

impl std::fmt::Debug for OtlpLogs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpLogs")
            .field("protocol", &self.protocol)
            .field("endpoint", &self.endpoint)
            .field("headers", &self.headers.as_deref().map(whether_set))
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// Headers often carry credentials, so their values are never printed.
fn whether_set(headers: &str) -> &'static str {
    if headers.is_empty() { "none" } else { "set" }
}

impl std::fmt::Debug for Otlp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Otlp")
            .field("protocol", &self.protocol)
            .field("endpoint", &self.endpoint)
            .field("traces_endpoint", &self.traces_endpoint)
            .field("headers", &whether_set(&self.headers))
            .field("timeout", &self.timeout)
            .field("logs", &self.logs)
            .finish()
    }
}

/// The transports of OTLP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// `http/protobuf`; needs the feature `otlp-http`, which is on by default.
    #[default]
    HttpProtobuf,
    /// `grpc`; needs the feature `otlp-grpc`.
    Grpc,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            disabled: false,
            service_name: None,
            resource_attributes: Vec::new(),
            sampler: Sampler::default(),
            tail_sampling: None,
            limits: Limits::default(),
            old_names: Vec::new(),
            span_types: false,
            exception_signal: ExceptionSignal::default(),
            panic_messages: true,
            span_metrics: true,
            hooks: Hooks::default(),
            batch: Batching::default(),
            otlp: None,
            console: false,
            metrics: Metrics::default(),
            shutdown_timeout: Duration::from_secs(5),
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

impl Default for Sampler {
    /// Follows the parent, and records every trace that begins here.
    fn default() -> Self {
        Self::ParentBased(1.0)
    }
}

impl Default for Otlp {
    fn default() -> Self {
        Self {
            protocol: Protocol::default(),
            endpoint: None,
            traces_endpoint: None,
            headers: String::new(),
            timeout: Duration::from_secs(10),
            logs: Some(OtlpLogs::default()),
        }
    }
}

impl Otlp {
    /// OTLP to this base URL, such as `http://localhost:4318`.
    pub fn to(endpoint: impl Into<String>) -> Self {
        Self { endpoint: Some(endpoint.into()), ..Self::default() }
    }

    /// Chooses the transport. Default: [`Protocol::HttpProtobuf`].
    #[must_use]
    pub fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Sets the headers, as `key1=value1,key2=value2` with percent-encoded values.
    #[must_use]
    pub fn with_headers(mut self, headers: impl Into<String>) -> Self {
        self.headers = headers.into();
        self
    }

    /// Sets how long one request may take. Default: 10 s.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets what is different for log records, or with `None` that none are sent. Default: nothing is different.
    ///
    /// ```
    /// use otelier::config::{Otlp, OtlpLogs};
    ///
    /// let mut logs = OtlpLogs::default();
    /// logs.endpoint = Some("http://localhost:9428/insert/opentelemetry/v1/logs".to_owned());
    /// let otlp = Otlp::to("http://localhost:4318").with_logs(Some(logs));
    /// # assert!(otlp.logs.is_some());
    /// ```
    #[must_use]
    pub fn with_logs(mut self, logs: Option<OtlpLogs>) -> Self {
        self.logs = logs;
        self
    }
}

impl Telemetry {
    /// Reads the environment.
    ///
    /// | variable | default | |
    /// |-|-|-|
    /// | `OTEL_SDK_DISABLED` | `false` | |
    /// | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | | |
    /// | `OTEL_TRACES_EXPORTER` | `otlp` | a list of `console`, `none`, `otlp` |
    /// | `OTEL_EXPORTER_OTLP_{ENDPOINT,PROTOCOL,HEADERS,TIMEOUT}` | see [`Otlp`] | of all signals |
    /// | `OTEL_EXPORTER_OTLP_TRACES_…`, `…_LOGS_…` | as for all signals | the same four, of one signal |
    /// | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | see [`Sampler`] | |
    /// | `OTEL_BSP_{SCHEDULE_DELAY,EXPORT_TIMEOUT,MAX_QUEUE_SIZE,MAX_EXPORT_BATCH_SIZE}` | see [`Batching`] | |
    /// | `OTEL_SPAN_…_LIMIT`, `OTEL_ATTRIBUTE_…_LIMIT`, `OTEL_{EVENT,LINK}_ATTRIBUTE_COUNT_LIMIT` | see [`Limits`] | |
    /// | `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` | | `logs` or `logs/dup`: exceptions as log records, or as both |
    /// | `OTEL_LOGS_EXPORTER` | `otlp` | `none` or `otlp`; there are log records only with the variable above |
    /// | `OTELIER_PANIC_MESSAGES` | `true` | whether spans have what a panic says |
    /// | `OTELIER_SPAN_METRICS` | `true` | whether annotations with `metrics` count and time their calls |
    /// | `OTELIER_OLD_NAMES` | | `retail`, `build_tracer`, `lakehouse`: renamed attributes also under old names |
    /// | `OTELIER_SPAN_TYPES` | `false` | whether spans have `otelier.span_type` |
    ///
    /// # Errors
    ///
    /// One sentence for every variable whose value cannot be used, all at once.
    pub fn from_env() -> Result<Self, crate::ConfigError> {
        Self::from_variables(&Variables::of_the_process())
    }

    /// Sets `service.name` of the resource.
    #[must_use]
    pub fn with_service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// Adds an attribute to the resource; of two with one name the later wins.
    #[must_use]
    pub fn with_resource_attribute(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.resource_attributes.push((key.into(), value.into()));
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

    /// Sends spans by OTLP.
    #[must_use]
    pub fn with_otlp(mut self, otlp: Otlp) -> Self {
        self.otlp = Some(otlp);
        self
    }

    /// Prints each trace to standard error as a tree. Default: no.
    #[must_use]
    pub fn with_console(mut self, console: bool) -> Self {
        self.console = console;
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

    /// Checks what types cannot: ranges, and limits that contradict each other.
    pub(crate) fn check(&self, problems: &mut crate::ConfigError) {
        if let Sampler::TraceIdRatio(ratio) | Sampler::ParentBased(ratio) = self.sampler
            && !(0.0..=1.0).contains(&ratio)
        {
            problems.push(format_args!("the sampling ratio is {ratio}; expected 0.0 to 1.0"));
        }
        if let Some(tail) = &self.tail_sampling
            && !(0.0..=1.0).contains(&tail.ratio)
        {
            problems.push(format_args!("the ratio of tail sampling is {}; expected 0.0 to 1.0", tail.ratio));
        }
        self.metrics.check(problems);
        let batch = &self.batch;
        if batch.max_export_batch_size == 0 {
            problems.push("the largest export batch is 0 spans; expected at least 1");
        }
        if batch.max_queue_size < batch.max_export_batch_size {
            problems.push(format_args!(
                "the queue holds {} spans and an export batch {}; expected a queue that holds at least one batch",
                batch.max_queue_size, batch.max_export_batch_size
            ));
        }
        for (what, duration) in
            [("the schedule delay", batch.schedule_delay), ("the export timeout", batch.export_timeout)]
        {
            if duration.is_zero() {
                problems.push(format_args!("{what} is 0; expected at least 1 ms"));
            }
        }
    }
}
