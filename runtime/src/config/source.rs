//! Reading settings from environment variables.

use super::{ExceptionSignal, Limits, OldNames, Otlp, OtlpLogs, Protocol, Sampler, Telemetry};
use crate::ConfigError;
use otelier_spec::suggest;
use std::fmt;
use std::time::Duration;

/// Environment variables, of the process or of a test.
pub struct Variables {
    read: Box<Read>,
}

type Read = dyn Fn(&str) -> Option<String>;

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables")
    }
}

impl Variables {
    /// Those of this process. A value that is not UTF-8 is read with replacement characters, so that the check of the
    /// value reports it.
    pub fn of_the_process() -> Self {
        Self { read: Box::new(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())) }
    }

    /// Those of a list, for tests.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            read: Box::new(move |name| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())),
        }
    }

    /// The value without blanks around it, unless it is empty: the specification treats an empty variable as one that is not
    /// set.
    ///
    /// ```
    /// use otelier::config::Variables;
    ///
    /// let variables = Variables::of([("OTEL_SERVICE_NAME", " shop "), ("OTEL_TRACES_SAMPLER", "")]);
    /// assert_eq!(variables.get("OTEL_SERVICE_NAME").as_deref(), Some("shop"));
    /// assert_eq!(variables.get("OTEL_TRACES_SAMPLER"), None);
    /// ```
    pub fn get(&self, name: &str) -> Option<String> {
        (self.read)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The first of these that is set, with its name.
    fn first<'a>(&self, names: &[&'a str]) -> Option<(&'a str, String)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }
}

fn refuse(problems: &mut ConfigError, name: &str, value: &str, expected: &str) {
    problems.push(format_args!("`{name}` is `{value}`; expected {expected}"));
}

fn milliseconds(variables: &Variables, names: &[&str], to: &mut Duration, problems: &mut ConfigError) {
    if let Some((name, value)) = variables.first(names) {
        *to = milliseconds_of(name, &value, problems).unwrap_or(*to);
    }
}

fn milliseconds_of(name: &str, value: &str, problems: &mut ConfigError) -> Option<Duration> {
    match value.parse::<u64>() {
        Ok(value) if value > 0 => Some(Duration::from_millis(value)),
        _ => {
            refuse(problems, name, value, "a whole number of milliseconds above 0");
            None
        }
    }
}

fn count(variables: &Variables, name: &str, to: &mut usize, problems: &mut ConfigError) {
    if let Some(value) = variables.get(name) {
        match value.parse::<usize>() {
            Ok(value) if value > 0 => *to = value,
            _ => refuse(problems, name, &value, "a whole number above 0"),
        }
    }
}

/// A limit, which may be 0; the first of the names that is set counts.
fn limit(variables: &Variables, names: &[&str], to: &mut usize, problems: &mut ConfigError) {
    if let Some((name, value)) = variables.first(names) {
        match value.parse() {
            Ok(value) => *to = value,
            Err(_) => refuse(problems, name, &value, "a whole number"),
        }
    }
}

fn limits(variables: &Variables, problems: &mut ConfigError) -> Limits {
    let mut limits = Limits::default();
    let lengths = ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
    let counts = ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"];
    limit(variables, &lengths, &mut limits.attribute_value_length, problems);
    limit(variables, &counts, &mut limits.attributes, problems);
    limit(variables, &["OTEL_SPAN_EVENT_COUNT_LIMIT"], &mut limits.events, problems);
    limit(variables, &["OTEL_SPAN_LINK_COUNT_LIMIT"], &mut limits.links, problems);
    limit(variables, &["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"], &mut limits.event_attributes, problems);
    limit(variables, &["OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"], &mut limits.link_attributes, problems);
    limits
}

impl Telemetry {
    /// Reads `variables` instead of the process's environment; see [`from_env`](Self::from_env).
    ///
    /// # Errors
    ///
    /// One sentence for every variable whose value cannot be used, all at once.
    ///
    /// ```
    /// use otelier::config::{Telemetry, Variables};
    ///
    /// let error = Telemetry::from_variables(&Variables::of([
    ///     ("OTEL_TRACES_SAMPLER", "trace_id_ratio"),
    ///     ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
    /// ]))
    /// .unwrap_err();
    /// assert_eq!(error.problems().len(), 2);
    /// ```
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        let mut problems = ConfigError::default();
        let mut telemetry = Self {
            // The specification: only "true", in any case, means true.
            disabled: variables.get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")),
            service_name: variables.get("OTEL_SERVICE_NAME"),
            resource_attributes: resource_attributes(variables, &mut problems),
            sampler: sampler(variables, &mut problems),
            limits: limits(variables, &mut problems),
            old_names: old_names(variables, &mut problems),
            span_types: switch(variables, "OTELIER_SPAN_TYPES", false, &mut problems),
            panic_messages: switch(variables, "OTELIER_PANIC_MESSAGES", true, &mut problems),
            exception_signal: exception_signal(variables, &mut problems),
            span_metrics: switch(variables, "OTELIER_SPAN_METRICS", true, &mut problems),
            ..Self::default()
        };
        let batch = &mut telemetry.batch;
        milliseconds(variables, &["OTEL_BSP_SCHEDULE_DELAY"], &mut batch.schedule_delay, &mut problems);
        milliseconds(variables, &["OTEL_BSP_EXPORT_TIMEOUT"], &mut batch.export_timeout, &mut problems);
        count(variables, "OTEL_BSP_MAX_QUEUE_SIZE", &mut batch.max_queue_size, &mut problems);
        count(variables, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", &mut batch.max_export_batch_size, &mut problems);
        exporters(variables, &mut telemetry, &mut problems);
        problems.into_result()?;
        Ok(telemetry)
    }
}

fn old_names(variables: &Variables, problems: &mut ConfigError) -> Vec<OldNames> {
    const NAME: &str = "OTELIER_OLD_NAMES";
    let Some(list) = variables.get(NAME) else { return Vec::new() };
    let found =
        list.split(',').map(str::trim).map(|word| OldNames::ALL.into_iter().find(|system| system.as_str() == word));
    found.collect::<Option<_>>().unwrap_or_else(|| {
        let known = suggest::list(OldNames::ALL.iter().map(|system| system.as_str()));
        refuse(problems, NAME, &list, &format!("a list of {known}"));
        Vec::new()
    })
}

fn switch(variables: &Variables, name: &str, default: bool, problems: &mut ConfigError) -> bool {
    let Some(value) = variables.get(name) else { return default };
    let on = value.eq_ignore_ascii_case("true");
    if !on && !value.eq_ignore_ascii_case("false") {
        refuse(problems, name, &value, "`true` or `false`");
        return default;
    }
    on
}

/// A list, because the specification's variable for other migrations is one. What is in none of its values would leave the
/// exceptions where they are without a word, so it is refused.
fn exception_signal(variables: &Variables, problems: &mut ConfigError) -> ExceptionSignal {
    const NAME: &str = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN";
    let mut signal = ExceptionSignal::default();
    let Some(list) = variables.get(NAME) else { return signal };
    for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match word {
            "logs/dup" => signal = ExceptionSignal::Both,
            "logs" if signal == ExceptionSignal::Both => {}
            "logs" => signal = ExceptionSignal::Logs,
            _ => {
                refuse(problems, NAME, &list, "a list of `logs` or `logs/dup`");
                return ExceptionSignal::default();
            }
        }
    }
    signal
}

fn exporters(variables: &Variables, telemetry: &mut Telemetry, problems: &mut ConfigError) {
    const NAME: &str = "OTEL_TRACES_EXPORTER";
    const KNOWN: [&str; 3] = ["console", "none", "otlp"];
    let value = variables.get(NAME).unwrap_or_else(|| "otlp".to_owned());
    for exporter in value.split(',').map(str::trim) {
        match exporter {
            "otlp" => telemetry.otlp = Some(otlp(variables, telemetry.exception_signal, problems)),
            "console" => telemetry.console = true,
            "none" => {}
            _ => refuse(problems, NAME, &value, &format!("a list of {}", suggest::list(KNOWN))),
        }
    }
}

fn otlp(variables: &Variables, signal: ExceptionSignal, problems: &mut ConfigError) -> Otlp {
    let spans = Transport::of("TRACES", variables, problems);
    let mut otlp = Otlp {
        endpoint: variables.get("OTEL_EXPORTER_OTLP_ENDPOINT"),
        traces_endpoint: variables.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ..Otlp::default()
    };
    otlp.headers = spans.headers.clone().unwrap_or_default();
    otlp.timeout = spans.timeout.unwrap_or(otlp.timeout);
    otlp.protocol = spans.protocol.unwrap_or_default();
    let mut of_logs = ConfigError::default();
    otlp.logs = otlp_logs(variables, &spans, &mut of_logs);
    if signal.in_logs() {
        problems.absorb(of_logs);
    }
    otlp
}

/// What log records do otherwise than `spans`, if they go by OTLP.
fn otlp_logs(variables: &Variables, spans: &Transport, problems: &mut ConfigError) -> Option<OtlpLogs> {
    const NAME: &str = "OTEL_LOGS_EXPORTER";
    let value = variables.get(NAME).unwrap_or_else(|| "otlp".to_owned());
    let exporters: Vec<&str> = value.split(',').map(str::trim).collect();
    if exporters.iter().any(|exporter| !["none", "otlp"].contains(exporter)) {
        refuse(problems, NAME, &value, "a list of `none` or `otlp`");
    }
    if !exporters.contains(&"otlp") {
        return None;
    }
    let logs = Transport::of("LOGS", variables, problems);
    let default = Otlp::default();
    Some(OtlpLogs {
        endpoint: variables.get("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"),
        protocol: (logs.protocol != spans.protocol).then(|| logs.protocol.unwrap_or(default.protocol)),
        headers: (logs.headers != spans.headers).then(|| logs.headers.unwrap_or_default()),
        timeout: (logs.timeout != spans.timeout).then(|| logs.timeout.unwrap_or(default.timeout)),
    })
}

/// What may be said for one signal or for all; what is said for one wins.
struct Transport {
    protocol: Option<Protocol>,
    headers: Option<String>,
    timeout: Option<Duration>,
}

impl Transport {
    fn of(signal: &str, variables: &Variables, problems: &mut ConfigError) -> Self {
        let first = |what: &str| {
            let own = format!("OTEL_EXPORTER_OTLP_{signal}_{what}");
            let general = format!("OTEL_EXPORTER_OTLP_{what}");
            [own, general].into_iter().find_map(|name| variables.get(&name).map(|value| (name, value)))
        };
        let protocol = first("PROTOCOL").and_then(|(name, value)| match value.as_str() {
            "grpc" => Some(Protocol::Grpc),
            "http/protobuf" => Some(Protocol::HttpProtobuf),
            _ => {
                refuse(problems, &name, &value, "`grpc` or `http/protobuf`");
                None
            }
        });
        let headers = first("HEADERS").map(|(_, value)| value);
        let timeout = first("TIMEOUT").and_then(|(name, value)| milliseconds_of(&name, &value, problems));
        Self { protocol, headers, timeout }
    }
}

fn sampler(variables: &Variables, problems: &mut ConfigError) -> Sampler {
    const NAME: &str = "OTEL_TRACES_SAMPLER";
    const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
    const KNOWN: [&str; 6] = [
        "always_off",
        "always_on",
        "parentbased_always_off",
        "parentbased_always_on",
        "parentbased_traceidratio",
        "traceidratio",
    ];
    let mut ratio = || match variables.get(ARGUMENT) {
        None => 1.0,
        Some(value) => match value.parse::<f64>() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
            _ => {
                refuse(problems, ARGUMENT, &value, "a number from 0.0 to 1.0; 0.25 keeps one trace in four");
                1.0
            }
        },
    };
    let Some(value) = variables.get(NAME) else { return Sampler::default() };
    match value.as_str() {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatio(ratio()),
        "parentbased_always_on" => Sampler::ParentBased(1.0),
        "parentbased_always_off" => Sampler::ParentBased(0.0),
        "parentbased_traceidratio" => Sampler::ParentBased(ratio()),
        _ => {
            refuse(problems, NAME, &value, &suggest::list(KNOWN));
            Sampler::default()
        }
    }
}

/// `key1=value1,key2=value2`; values are percent-encoded.
fn resource_attributes(variables: &Variables, problems: &mut ConfigError) -> Vec<(String, String)> {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let Some(list) = variables.get(NAME) else { return Vec::new() };
    let mut attributes = Vec::new();
    for pair in list.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let decoded = pair.split_once('=').and_then(|(key, value)| Some((key.trim(), percent_decoded(value.trim())?)));
        match decoded {
            Some((key, value)) if !key.is_empty() => attributes.push((key.to_owned(), value)),
            _ => refuse(problems, NAME, pair, "pairs such as `deployment.environment.name=production`"),
        }
    }
    attributes
}

/// The text with `%20` and its like replaced; `None` if a `%` stands alone or the result is not UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const N: usize>(variables: [(&str, &str); N]) -> Result<Telemetry, ConfigError> {
        Telemetry::from_variables(&Variables::of(variables))
    }

    #[test]
    fn without_variables_the_specifications_defaults_hold() {
        let telemetry = read([]).unwrap();
        assert_eq!(telemetry, Telemetry { otlp: Some(Otlp::default()), ..Telemetry::default() });
        assert_eq!(telemetry.batch.max_export_batch_size, 512);
        assert_eq!(telemetry.batch.max_queue_size, 2048);
        assert_eq!(telemetry.batch.schedule_delay, Duration::from_secs(5));
    }

    #[test]
    fn every_variable_has_its_effect() {
        let telemetry = read([
            ("OTEL_SDK_DISABLED", "TRUE"),
            ("OTELIER_OLD_NAMES", "retail, lakehouse"),
            ("OTELIER_SPAN_TYPES", "true"),
            ("OTELIER_PANIC_MESSAGES", "False"),
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs"),
            ("OTEL_SERVICE_NAME", "lakehouse"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=data%20platform, deployment.environment.name=test"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_BSP_SCHEDULE_DELAY", "250"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "1500"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "4096"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "64"),
            ("OTEL_TRACES_EXPORTER", "otlp,console"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:5000"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "700"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "900"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=abc"),
        ])
        .unwrap();
        assert!(telemetry.disabled && telemetry.console && telemetry.span_types && !telemetry.panic_messages);
        assert_eq!(telemetry.old_names, [OldNames::Retail, OldNames::Lakehouse]);
        assert_eq!(telemetry.exception_signal, ExceptionSignal::Logs);
        assert_eq!(telemetry.service_name.as_deref(), Some("lakehouse"));
        assert_eq!(telemetry.resource_attributes[0], ("team".to_owned(), "data platform".to_owned()));
        assert_eq!(telemetry.resource_attributes.len(), 2);
        assert_eq!(telemetry.sampler, Sampler::ParentBased(0.25));
        assert_eq!(telemetry.batch.schedule_delay, Duration::from_millis(250));
        assert_eq!(telemetry.batch.export_timeout, Duration::from_millis(1500));
        assert_eq!((telemetry.batch.max_queue_size, telemetry.batch.max_export_batch_size), (4096, 64));
        let otlp = telemetry.otlp.unwrap();
        assert_eq!((otlp.protocol, otlp.timeout), (Protocol::Grpc, Duration::from_millis(700)));
        assert_eq!(otlp.endpoint.as_deref(), Some("http://localhost:5000"));
        assert!(!format!("{otlp:?}").contains("abc"), "headers are secrets");
    }

    #[test]
    fn old_names_and_span_types_are_refused_with_what_is_known() {
        let error = read([("OTELIER_OLD_NAMES", "retail,store"), ("OTELIER_SPAN_TYPES", "1")]).unwrap_err();
        assert_eq!(
            error.problems(),
            [
                "`OTELIER_OLD_NAMES` is `retail,store`; expected a list of `lakehouse`, `build_tracer` or `retail`",
                "`OTELIER_SPAN_TYPES` is `1`; expected `true` or `false`"
            ]
        );
    }

    #[test]
    fn exceptions_are_opted_into_logs_by_a_list() {
        let signal = |value| read([("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", value)]).map(|read| read.exception_signal);
        for (value, expected) in [
            ("", ExceptionSignal::SpanEvents),
            (",", ExceptionSignal::SpanEvents),
            ("logs", ExceptionSignal::Logs),
            (" logs, ", ExceptionSignal::Logs),
            ("logs/dup", ExceptionSignal::Both),
            ("logs,logs/dup", ExceptionSignal::Both),
            ("logs/dup,logs", ExceptionSignal::Both),
        ] {
            assert_eq!(signal(value), Ok(expected), "{value:?}");
        }
        for value in ["log", "logs,both", "LOGS", "logs/dup/x"] {
            let expected =
                format!("`OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` is `{value}`; expected a list of `logs` or `logs/dup`");
            assert_eq!(signal(value).unwrap_err().problems(), [expected]);
        }
    }

    #[test]
    fn log_records_have_transport_variables_of_their_own() {
        let otlp = read([
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "900"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "800"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=general"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=traces"),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:1"),
        ])
        .unwrap()
        .otlp
        .unwrap();
        assert_eq!((otlp.protocol, &*otlp.headers), (Protocol::HttpProtobuf, "api-key=traces"));
        let logs = otlp.logs.clone().unwrap();
        assert_eq!((logs.protocol, logs.endpoint.as_deref()), (Some(Protocol::Grpc), Some("http://logs:1")));
        // What is said for spans alone does not hold for log records.
        assert_eq!(logs.headers.as_deref(), Some("api-key=general"));
        assert_eq!(logs.timeout, Some(Duration::from_millis(900)));
        assert!(!format!("{otlp:?}").contains("api-key"), "headers are secrets");

        let otlp = read([("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=traces")]).unwrap().otlp.unwrap();
        assert_eq!(otlp.logs.unwrap().headers.as_deref(), Some(""));
        let otlp = read([("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "7")]).unwrap().otlp.unwrap();
        assert_eq!(
            (otlp.timeout, otlp.logs.unwrap().timeout),
            (Duration::from_secs(10), Some(Duration::from_millis(7)))
        );
        assert_eq!(read([("OTEL_LOGS_EXPORTER", "none")]).unwrap().otlp.unwrap().logs, None);
    }

    #[test]
    fn variables_of_log_records_are_checked_only_if_there_are_some() {
        const WRONG: [(&str, &str); 4] = [
            ("OTEL_LOGS_EXPORTER", "otlp,console"),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "1s"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ];
        assert_eq!(read(WRONG).unwrap().otlp.unwrap().timeout, Duration::from_millis(500));
        let [a, b, c, _] = WRONG;
        let shared = ("OTEL_EXPORTER_OTLP_PROTOCOL", "json");
        let shared_timeout = ("OTEL_EXPORTER_OTLP_TIMEOUT", "0");
        let opt_in = ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs/dup");
        assert_eq!(
            read([a, b, c, opt_in]).unwrap_err().problems(),
            [
                "`OTEL_LOGS_EXPORTER` is `otlp,console`; expected a list of `none` or `otlp`",
                "`OTEL_EXPORTER_OTLP_LOGS_PROTOCOL` is `http/json`; expected `grpc` or `http/protobuf`",
                "`OTEL_EXPORTER_OTLP_LOGS_TIMEOUT` is `1s`; expected a whole number of milliseconds above 0",
            ]
        );
        assert_eq!(read([shared, shared_timeout, opt_in]).unwrap_err().problems().len(), 2, "each is said once");
    }

    #[test]
    fn limits_of_spans_win_over_the_general_ones_and_may_be_zero() {
        let limits = read([
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "10"),
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "11"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "12"),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", "0"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "13"),
            ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "14"),
            ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "15"),
        ])
        .unwrap()
        .limits;
        let found = [limits.attribute_value_length, limits.attributes, limits.events, limits.links];
        assert_eq!(found, [10, 12, 0, 13]);
        assert_eq!([limits.event_attributes, limits.link_attributes], [14, 15]);
        let error = read([("OTEL_SPAN_LINK_COUNT_LIMIT", "many")]).unwrap_err();
        assert_eq!(error.problems(), ["`OTEL_SPAN_LINK_COUNT_LIMIT` is `many`; expected a whole number"]);
    }

    #[test]
    fn every_mistake_is_reported_at_once_with_its_place() {
        let error = read([
            ("OTEL_TRACES_SAMPLER", "ratio"),
            ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team"),
        ])
        .unwrap_err();
        assert_eq!(
            error.problems(),
            [
                "`OTEL_RESOURCE_ATTRIBUTES` is `team`; expected pairs such as `deployment.environment.name=production`",
                "`OTEL_TRACES_SAMPLER` is `ratio`; expected `always_off`, `always_on`, `parentbased_always_off`, \
                 `parentbased_always_on`, `parentbased_traceidratio` or `traceidratio`",
                "`OTEL_BSP_SCHEDULE_DELAY` is `5s`; expected a whole number of milliseconds above 0",
                "`OTEL_BSP_MAX_QUEUE_SIZE` is `-1`; expected a whole number above 0",
                "`OTEL_TRACES_EXPORTER` is `zipkin`; expected a list of `console`, `none` or `otlp`",
            ]
        );
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        assert_eq!(read([("OTEL_TRACES_SAMPLER", ""), ("OTEL_BSP_SCHEDULE_DELAY", " ")]).unwrap(), read([]).unwrap());
    }

    #[test]
    fn broken_percent_encoding_is_refused() {
        assert_eq!(percent_decoded("a%20b"), Some("a b".to_owned()));
        for broken in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(percent_decoded(broken), None, "{broken}");
        }
    }
}
