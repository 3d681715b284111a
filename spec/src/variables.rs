//! The environment variables that OpenTelemetry's specification and otelier know.

use crate::suggest;

/// An environment variable that somebody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// Which signals it is about.
    pub signal: Signal,
    /// What its value must be.
    pub kind: Kind,
    /// The value if nobody gives one; `None`: there is none, or that of the variable for all signals.
    pub default: Option<&'static str>,
    /// Whose it is, and whether it is still the name.
    pub status: Status,
}

/// Which signals a [`Variable`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// All of them.
    General,
    /// Spans.
    Traces,
    /// Metrics.
    Metrics,
    /// Log records.
    Logs,
}

/// What the value of a [`Variable`] must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number from 0.
    Count,
    /// A number.
    Number,
    /// A whole number of milliseconds.
    Milliseconds,
    /// One of some words.
    Word,
    /// Words with commas between.
    List,
    /// `key1=value1,key2=value2`, with percent-encoded values.
    Pairs,
    /// As [`Pairs`](Self::Pairs), with values that must not be shown.
    Secrets,
    /// A URL.
    Url,
    /// A file.
    Path,
    /// Any text.
    Text,
}

/// Whose a [`Variable`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The specification's.
    Current,
    /// Otelier's.
    Own,
    /// It was the specification's; this is its name now.
    Old(&'static str),
    /// Another system's, which is read where the specification's or otelier's own name for it says nothing; `None`: there is
    /// no such name.
    Other(Option<&'static str>),
}

impl Signal {
    /// The word in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::General => "all",
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }
}

impl Kind {
    /// What is expected, in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "`true` or `false`",
            Self::Count => "whole number",
            Self::Number => "number",
            Self::Milliseconds => "milliseconds",
            Self::Word => "word",
            Self::List => "list",
            Self::Pairs => "`key=value` list",
            Self::Secrets => "`key=value` list, secret",
            Self::Url => "URL",
            Self::Path => "file",
            Self::Text => "text",
        }
    }
}

impl Variable {
    /// Whether otelier reads it. Of old names it reads one; `otelier doctor` tells of the others.
    ///
    /// ```
    /// use otelier_spec::variables::find;
    ///
    /// assert!(find("OTEL_ENTITIES").is_some_and(|variable| variable.is_read()));
    /// assert!(find("OTEL_EXPORTER_JAEGER_ENDPOINT").is_some_and(|variable| !variable.is_read()));
    /// ```
    pub fn is_read(&self) -> bool {
        !matches!(self.status, Old(_)) || self.name == "OTEL_EXPERIMENTAL_CONFIG_FILE"
    }
}

/// The variable of this name.
pub fn find(name: &str) -> Option<&'static Variable> {
    ALL.iter().find(|variable| variable.name == name)
}

/// The variable that `name` was probably meant to be: one whose name is not old. None if `name` is known.
///
/// ```
/// use otelier_spec::variables::meant;
///
/// assert_eq!(meant("OTEL_TRACE_SAMPLER"), Some("OTEL_TRACES_SAMPLER"));
/// assert_eq!(meant("OTEL_TRACES_SAMPLER"), None);
/// ```
pub fn meant(name: &str) -> Option<&'static str> {
    if find(name).is_some() {
        return None;
    }
    // These names are long and alike, so only near ones are meant: three letters of forty, not ten.
    let current =
        ALL.iter().filter(|variable| !matches!(variable.status, Old(_) | Other(_))).map(|variable| variable.name);
    let near = suggest::did_you_mean(name, current)?;
    (suggest::distance(name, near) <= 3).then_some(near)
}

const fn row(
    name: &'static str,
    signal: Signal,
    kind: Kind,
    default: Option<&'static str>,
    status: Status,
) -> Variable {
    Variable { name, signal, kind, default, status }
}

use Kind::*;
use Signal::*;
use Status::*;

/// Every variable: the specification's, otelier's own, the specification's old names, and those of other systems.
#[rustfmt::skip]
pub const ALL: &[Variable] = &[
    row("OTEL_CONFIG_FILE", General, Path, None, Current),
    row("OTEL_SDK_DISABLED", General, Bool, Some("false"), Current),
    row("OTEL_ENTITIES", General, List, None, Current),
    row("OTEL_RESOURCE_ATTRIBUTES", General, Pairs, None, Current),
    row("OTEL_SERVICE_NAME", General, Text, None, Current),
    row("OTEL_LOG_LEVEL", General, Word, Some("info"), Current),
    row("OTEL_PROPAGATORS", General, List, Some("tracecontext,baggage"), Current),
    row("OTEL_TRACES_SAMPLER", Traces, Word, Some("parentbased_always_on"), Current),
    row("OTEL_TRACES_SAMPLER_ARG", Traces, Text, None, Current),
    row("OTEL_TRACES_EXPORTER", Traces, List, Some("otlp"), Current),
    row("OTEL_METRICS_EXPORTER", Metrics, List, Some("otlp"), Current),
    row("OTEL_LOGS_EXPORTER", Logs, List, Some("otlp"), Current),
    row("OTEL_BSP_SCHEDULE_DELAY", Traces, Milliseconds, Some("5000"), Current),
    row("OTEL_BSP_EXPORT_TIMEOUT", Traces, Milliseconds, Some("30000"), Current),
    row("OTEL_BSP_MAX_QUEUE_SIZE", Traces, Count, Some("2048"), Current),
    row("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Traces, Count, Some("512"), Current),
    row("OTEL_BLRP_SCHEDULE_DELAY", Logs, Milliseconds, Some("1000"), Current),
    row("OTEL_BLRP_EXPORT_TIMEOUT", Logs, Milliseconds, Some("30000"), Current),
    row("OTEL_BLRP_MAX_QUEUE_SIZE", Logs, Count, Some("2048"), Current),
    row("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", Logs, Count, Some("512"), Current),
    row("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", General, Count, None, Current),
    row("OTEL_ATTRIBUTE_COUNT_LIMIT", General, Count, Some("128"), Current),
    row("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", Traces, Count, None, Current),
    row("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", Traces, Count, Some("128"), Current),
    row("OTEL_SPAN_EVENT_COUNT_LIMIT", Traces, Count, Some("128"), Current),
    row("OTEL_SPAN_LINK_COUNT_LIMIT", Traces, Count, Some("128"), Current),
    row("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", Traces, Count, Some("128"), Current),
    row("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", Traces, Count, Some("128"), Current),
    row("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", Logs, Count, None, Current),
    row("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", Logs, Count, Some("128"), Current),
    row("OTEL_EXPORTER_OTLP_ENDPOINT", General, Url, Some("http://localhost:4318"), Current),
    row("OTEL_EXPORTER_OTLP_INSECURE", General, Bool, Some("false"), Current),
    row("OTEL_EXPORTER_OTLP_CERTIFICATE", General, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_CLIENT_KEY", General, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", General, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_HEADERS", General, Secrets, None, Current),
    row("OTEL_EXPORTER_OTLP_COMPRESSION", General, Word, None, Current),
    row("OTEL_EXPORTER_OTLP_TIMEOUT", General, Milliseconds, Some("10000"), Current),
    row("OTEL_EXPORTER_OTLP_PROTOCOL", General, Word, Some("http/protobuf"), Current),
    row("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", Traces, Url, None, Current),
    row("OTEL_EXPORTER_OTLP_TRACES_INSECURE", Traces, Bool, None, Current),
    row("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", Traces, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", Traces, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", Traces, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_TRACES_HEADERS", Traces, Secrets, None, Current),
    row("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", Traces, Word, None, Current),
    row("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", Traces, Milliseconds, None, Current),
    row("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", Traces, Word, None, Current),
    row("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", Metrics, Url, None, Current),
    row("OTEL_EXPORTER_OTLP_METRICS_INSECURE", Metrics, Bool, None, Current),
    row("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", Metrics, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", Metrics, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", Metrics, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_METRICS_HEADERS", Metrics, Secrets, None, Current),
    row("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", Metrics, Word, None, Current),
    row("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", Metrics, Milliseconds, None, Current),
    row("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", Metrics, Word, None, Current),
    row("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", Logs, Url, None, Current),
    row("OTEL_EXPORTER_OTLP_LOGS_INSECURE", Logs, Bool, None, Current),
    row("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", Logs, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", Logs, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", Logs, Path, None, Current),
    row("OTEL_EXPORTER_OTLP_LOGS_HEADERS", Logs, Secrets, None, Current),
    row("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", Logs, Word, None, Current),
    row("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", Logs, Milliseconds, None, Current),
    row("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", Logs, Word, None, Current),
    row("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", Metrics, Word, Some("cumulative"), Current),
    row("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", Metrics, Word, Some("explicit_bucket_histogram"), Current),
    row("OTEL_EXPORTER_ZIPKIN_ENDPOINT", Traces, Url, Some("http://localhost:9411/api/v2/spans"), Current),
    row("OTEL_EXPORTER_ZIPKIN_TIMEOUT", Traces, Milliseconds, Some("10000"), Current),
    row("OTEL_EXPORTER_PROMETHEUS_HOST", Metrics, Text, Some("localhost"), Current),
    row("OTEL_EXPORTER_PROMETHEUS_PORT", Metrics, Count, Some("9464"), Current),
    row("OTEL_METRICS_EXEMPLAR_FILTER", Metrics, Word, Some("trace_based"), Current),
    row("OTEL_METRIC_EXPORT_INTERVAL", Metrics, Milliseconds, Some("60000"), Current),
    row("OTEL_METRIC_EXPORT_TIMEOUT", Metrics, Milliseconds, Some("30000"), Current),
    row("OTEL_SEMCONV_STABILITY_OPT_IN", General, List, None, Current),
    row("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", General, List, None, Current),
    row("OTELIER_OLD_NAMES", Traces, List, None, Own),
    row("OTELIER_PANIC_MESSAGES", Traces, Bool, Some("true"), Own),
    row("OTELIER_SPAN_METRICS", Metrics, Bool, Some("true"), Own),
    row("OTELIER_SPAN_TYPES", Traces, Bool, Some("false"), Own),
    row("OTELIER_STRICT", General, Bool, Some("false"), Own),
    row("OTELIER_SHUTDOWN_TIMEOUT", General, Milliseconds, Some("5000"), Own),
    row("OTELIER_RETRY_MAX_ELAPSED", General, Milliseconds, Some("300000"), Own),
    row("OTELIER_DISK_BUFFER", General, Path, None, Own),
    row("OTELIER_SDK_METRICS", Metrics, Bool, Some("false"), Own),
    row("OTELIER_CORRELATION_HEADER", General, Text, Some("x-correlation-id"), Own),
    row("OTELIER_RESOURCE_DETECTORS", General, List, Some("host,process,container,kubernetes,service"), Own),
    row("OTELIER_RESOURCE_INCLUDED", General, List, None, Own),
    row("OTELIER_RESOURCE_EXCLUDED", General, List, None, Own),
    row("OTEL_ENABLED", General, Bool, None, Other(Some("OTEL_SDK_DISABLED"))),
    row("OTEL_BACKEND", Traces, Word, None, Other(Some("OTEL_TRACES_EXPORTER"))),
    row("OTEL_EXPORTER_ENDPOINT", General, Url, None, Other(Some("OTEL_EXPORTER_OTLP_ENDPOINT"))),
    row("OTEL_SAMPLING_RATE", Traces, Number, None, Other(Some("OTEL_TRACES_SAMPLER"))),
    row("OTEL_SERVICE_VERSION", General, Text, None, Other(Some("OTEL_RESOURCE_ATTRIBUTES"))),
    row("DEPLOYMENT_ENV", General, Text, None, Other(Some("OTEL_RESOURCE_ATTRIBUTES"))),
    row("ENVIRONMENT", General, Text, None, Other(Some("OTEL_RESOURCE_ATTRIBUTES"))),
    row("OTEL_AUTO_INSTRUMENT", General, Bool, None, Other(None)),
    row("OTEL_CPU_THRESHOLD", Traces, Number, None, Other(None)),
    row("OTEL_MEMORY_THRESHOLD", Traces, Number, None, Other(None)),
    row("OTEL_HIGH_VOLUME_SAMPLE_RATE", Traces, Number, None, Other(None)),
    row("OTEL_PERFORMANCE_MONITORING", Metrics, Bool, None, Other(Some("OTELIER_SPAN_METRICS"))),
    row("OTEL_EXPERIMENTAL_CONFIG_FILE", General, Path, None, Old("OTEL_CONFIG_FILE")),
    row("OTEL_EXPORTER_OTLP_SPAN_INSECURE", Traces, Bool, None, Old("OTEL_EXPORTER_OTLP_TRACES_INSECURE")),
    row("OTEL_EXPORTER_OTLP_METRIC_INSECURE", Metrics, Bool, None, Old("OTEL_EXPORTER_OTLP_METRICS_INSECURE")),
    row("OTEL_EXPORTER_JAEGER_ENDPOINT", Traces, Url, None, Old("OTEL_EXPORTER_OTLP_ENDPOINT")),
    row("OTEL_EXPORTER_JAEGER_AGENT_HOST", Traces, Text, None, Old("OTEL_EXPORTER_OTLP_ENDPOINT")),
    row("OTEL_EXPORTER_JAEGER_AGENT_PORT", Traces, Count, None, Old("OTEL_EXPORTER_OTLP_ENDPOINT")),
    row("OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT", Traces, Count, None, Old("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT")),
    row("OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT", Traces, Count, None, Old("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_variable_is_there_twice_and_old_names_lead_to_current_ones() {
        for (number, variable) in ALL.iter().enumerate() {
            assert!(ALL[..number].iter().all(|other| other.name != variable.name), "{}", variable.name);
            let is_theirs = matches!(variable.status, Own | Other(_));
            assert!(variable.name.starts_with("OTEL_") || is_theirs, "{}", variable.name);
            if let Other(Some(ours)) = variable.status {
                let ours = find(ours).map(|variable| variable.status);
                assert!(matches!(ours, Some(Current | Own)), "{}", variable.name);
            }
            if let Old(instead) = variable.status {
                assert_eq!(find(instead).map(|variable| variable.status), Some(Current), "{}", variable.name);
            }
        }
    }

    #[test]
    fn misspelt_names_are_recognised_and_strange_ones_are_not() {
        for (given, expected) in [
            ("OTEL_EXPORTER_OLTP_ENDPOINT", Some("OTEL_EXPORTER_OTLP_ENDPOINT")),
            ("OTEL_SERVICENAME", Some("OTEL_SERVICE_NAME")),
            ("OTEL_BSP_SCHEDULED_DELAY", Some("OTEL_BSP_SCHEDULE_DELAY")),
            ("OTEL_JAVAAGENT_ENABLED", None),
            ("OTEL_SERVICE_NAME", None),
        ] {
            assert_eq!(meant(given), expected, "{given}");
        }
    }
}
