//! Reading settings from environment variables.

use super::{
    Endpoint, ExceptionSignal, Exporter, Limits, LogExporter, OldNames, Otlp, Propagator, Protocol, Sampler, Telemetry,
    percent_decoded, resource,
};
use crate::ConfigError;
use otelier_spec::suggest;
#[cfg(test)]
use std::collections::BTreeSet;
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

    #[cfg(test)]
    pub(super) fn of_list(variables: &[(&str, &str)]) -> Self {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Self {
            read: Box::new(move |name| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())),
        }
    }

    /// The same, and the names that are read.
    #[cfg(test)]
    pub(super) fn recording(variables: &[(&str, &str)]) -> (Self, std::rc::Rc<std::cell::RefCell<BTreeSet<String>>>) {
        let names = std::rc::Rc::<std::cell::RefCell<BTreeSet<String>>>::default();
        let (inner, read) = (Self::of_list(variables), std::rc::Rc::clone(&names));
        let read = move |name: &str| {
            read.borrow_mut().insert(name.to_owned());
            (inner.read)(name)
        };
        (Self { read: Box::new(read) }, names)
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

    /// The value as it is, blanks and all.
    pub(crate) fn raw(&self, name: &str) -> Option<String> {
        (self.read)(name)
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

/// The specification: an unknown value of an enum is a warning, and as if it were not set.
fn log_level(variables: &Variables, telemetry: &mut Telemetry) {
    if let Some(value) = variables.get("OTEL_LOG_LEVEL") {
        match value.parse() {
            Ok(level) => telemetry.log_level = level,
            Err(error) => telemetry.warnings.push(format!("`OTEL_LOG_LEVEL` is `{value}`; {error}; `info` is used")),
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
            resource: resource::from_variables(variables, &mut problems),
            sampler: sampler(variables, &mut problems),
            limits: limits(variables, &mut problems),
            old_names: old_names(variables, &mut problems),
            span_types: switch(variables, "OTELIER_SPAN_TYPES", false, &mut problems),
            panic_messages: switch(variables, "OTELIER_PANIC_MESSAGES", true, &mut problems),
            exception_signal: exception_signal(variables, &mut problems),
            span_metrics: switch(variables, "OTELIER_SPAN_METRICS", true, &mut problems),
            ..Self::default()
        };
        if let Some(list) = variables.get("OTEL_PROPAGATORS") {
            telemetry.propagators = Propagator::of_list("OTEL_PROPAGATORS", &list, &mut problems);
        }
        log_level(variables, &mut telemetry);
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
    let mut exporters = Vec::new();
    for exporter in value.split(',').map(str::trim) {
        let exporter = match exporter {
            "otlp" => Exporter::Otlp(otlp(variables, telemetry, problems)),
            "console" => Exporter::Console,
            "none" => continue,
            _ => {
                refuse(problems, NAME, &value, &format!("a list of {}", suggest::list(KNOWN)));
                continue;
            }
        };
        if !exporters.contains(&exporter) {
            exporters.push(exporter);
        }
    }
    telemetry.exporters = exporters;
}

/// How spans go by OTLP; sets where log records go if that is elsewhere.
fn otlp(variables: &Variables, telemetry: &mut Telemetry, problems: &mut ConfigError) -> Otlp {
    let spans = otlp_of("TRACES", variables, problems);
    let mut of_logs = ConfigError::default();
    telemetry.log_exporters = log_exporters(variables, &spans, &mut of_logs);
    if telemetry.exception_signal.in_logs() {
        problems.absorb(of_logs);
    }
    spans
}

fn otlp_of(signal: &str, variables: &Variables, problems: &mut ConfigError) -> Otlp {
    let transport = Transport::of(signal, variables, problems);
    let exact = variables.get(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")).map(Endpoint::Exact);
    let endpoint = exact.or_else(|| variables.get("OTEL_EXPORTER_OTLP_ENDPOINT").map(Endpoint::Base));
    let mut otlp = Otlp { endpoint, protocol: transport.protocol.unwrap_or_default(), ..Otlp::default() }
        .with_headers(transport.headers.unwrap_or_default());
    otlp.timeout = transport.timeout.unwrap_or(otlp.timeout);
    otlp
}

/// Where log records go if that is not where `spans` go.
fn log_exporters(variables: &Variables, spans: &Otlp, problems: &mut ConfigError) -> Option<Vec<LogExporter>> {
    const NAME: &str = "OTEL_LOGS_EXPORTER";
    let value = variables.get(NAME).unwrap_or_else(|| "otlp".to_owned());
    let exporters: Vec<&str> = value.split(',').map(str::trim).collect();
    if exporters.iter().any(|exporter| !["none", "otlp"].contains(exporter)) {
        refuse(problems, NAME, &value, "a list of `none` or `otlp`");
    }
    if !exporters.contains(&"otlp") {
        return Some(Vec::new());
    }
    let logs = otlp_of("LOGS", variables, problems);
    let same = logs == *spans && !matches!(logs.endpoint, Some(Endpoint::Exact(_)));
    (!same).then(|| vec![LogExporter::Otlp(logs)])
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
        "parentbased_always_on" => Sampler::default(),
        "parentbased_always_off" => Sampler::parent_based(0.0),
        "parentbased_traceidratio" => Sampler::parent_based(ratio()),
        _ => {
            refuse(problems, NAME, &value, &suggest::list(KNOWN));
            Sampler::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const N: usize>(variables: [(&str, &str); N]) -> Result<Telemetry, ConfigError> {
        Telemetry::from_variables(&Variables::of(variables))
    }

    fn spans_of(telemetry: &Telemetry) -> Otlp {
        let [Exporter::Otlp(otlp)] = &telemetry.exporters[..] else { panic!("{:?}", telemetry.exporters) };
        otlp.clone()
    }

    fn logs_of(telemetry: &Telemetry) -> Otlp {
        let Some([LogExporter::Otlp(otlp)]) = telemetry.log_exporters.as_deref() else {
            panic!("{:?}", telemetry.log_exporters)
        };
        otlp.clone()
    }

    #[test]
    fn without_variables_the_specifications_defaults_hold() {
        let telemetry = read([]).unwrap();
        assert_eq!(telemetry, Telemetry { exporters: vec![Exporter::Otlp(Otlp::default())], ..Telemetry::default() });
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
            ("OTEL_PROPAGATORS", "b3multi,baggage"),
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
        assert!(telemetry.disabled && telemetry.span_types && !telemetry.panic_messages);
        assert_eq!(telemetry.old_names, [OldNames::Retail, OldNames::Lakehouse]);
        assert_eq!(telemetry.exception_signal, ExceptionSignal::Logs);
        assert_eq!(telemetry.service_name.as_deref(), Some("lakehouse"));
        assert_eq!(telemetry.resource.attributes[0], ("team".to_owned(), "data platform".into()));
        assert_eq!(telemetry.resource.attributes.len(), 2);
        assert_eq!(telemetry.propagators, [Propagator::B3Multi, Propagator::Baggage]);
        assert_eq!(telemetry.sampler, Sampler::parent_based(0.25));
        assert_eq!(telemetry.batch.schedule_delay, Duration::from_millis(250));
        assert_eq!(telemetry.batch.export_timeout, Duration::from_millis(1500));
        assert_eq!((telemetry.batch.max_queue_size, telemetry.batch.max_export_batch_size), (4096, 64));
        let [Exporter::Otlp(otlp), Exporter::Console] = &telemetry.exporters[..] else {
            panic!("{:?}", telemetry.exporters)
        };
        assert_eq!((otlp.protocol, otlp.timeout), (Protocol::Grpc, Duration::from_millis(700)));
        assert_eq!(otlp.endpoint, Some(Endpoint::Base("http://localhost:5000".to_owned())));
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
        let telemetry = read([
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "900"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "800"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=general"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=traces"),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:1"),
        ])
        .unwrap();
        let (spans, logs) = (spans_of(&telemetry), logs_of(&telemetry));
        assert_eq!((spans.protocol, &*spans.headers.text), (Protocol::HttpProtobuf, "api-key=traces"));
        assert_eq!((logs.protocol, logs.endpoint), (Protocol::Grpc, Some(Endpoint::Exact("http://logs:1".to_owned()))));
        // What is said for spans alone does not hold for log records.
        assert_eq!(logs.headers.text, "api-key=general");
        assert_eq!(logs.timeout, Duration::from_millis(900));
        assert!(!format!("{telemetry:?}").contains("api-key"), "headers are secrets");

        let telemetry = read([("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=traces")]).unwrap();
        assert_eq!(logs_of(&telemetry).headers.text, "");
        let telemetry = read([("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "7")]).unwrap();
        assert_eq!(spans_of(&telemetry).timeout, Duration::from_secs(10));
        assert_eq!(logs_of(&telemetry).timeout, Duration::from_millis(7));
        assert_eq!(read([("OTEL_LOGS_EXPORTER", "none")]).unwrap().log_exporters, Some(Vec::new()));
        assert_eq!(read([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:1")]).unwrap().log_exporters, None);
        // The URL of spans is theirs alone.
        let telemetry = read([("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1")]).unwrap();
        assert_eq!(logs_of(&telemetry).endpoint, None);
    }

    #[test]
    fn variables_of_log_records_are_checked_only_if_there_are_some() {
        const WRONG: [(&str, &str); 4] = [
            ("OTEL_LOGS_EXPORTER", "otlp,console"),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "1s"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ];
        assert_eq!(spans_of(&read(WRONG).unwrap()).timeout, Duration::from_millis(500));
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
}
