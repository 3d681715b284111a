//! Every variable: which setting a good value has effect on, and what is said of a bad one.

use super::*;
use otelier_spec::suggest;
use std::collections::BTreeSet;

fn read(variables: &[(&str, &str)]) -> Environment {
    environment(&Variables::of_list(variables))
}

/// The value at a path such as `a.b[0].c`, and the variable it is from.
fn found(tree: &Node, path: &str) -> Option<(String, String)> {
    let mut node = tree;
    for part in path.split('.') {
        let (key, index) = part.split_once('[').map_or((part, None), |(key, rest)| (key, rest.strip_suffix(']')));
        node = node.get(key)?;
        if let Some(index) = index {
            node = node.items().get(index.parse::<usize>().ok()?)?;
        }
    }
    Some((shown(node), node.origin.to_string()))
}

fn shown(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Number(value) => format!("{value:?}"),
        Value::Text(value) => value.clone(),
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let entries = entries.iter().map(|entry| format!("{}: {}", entry.key, shown(&entry.node)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

const SPANS: &str = "tracer_provider.processors[0].batch";
const LOGS: &str = "logger_provider.processors[0].batch";
const METRICS: &str = "meter_provider.readers[0].periodic";

/// A variable, a good value, the setting below `root`, what is there then, and a bad value with what is expected instead;
/// no bad value: every text is good.
struct Case(&'static str, &'static str, &'static str, &'static str, &'static str, Option<(&'static str, &'static str)>);

const WHOLE: Option<(&str, &str)> = Some(("5s", "a whole number"));
const COUNT: Option<(&str, &str)> = Some(("0", "a whole number of at least 1"));
const SHARE: Option<(&str, &str)> = Some(("1.5", "a number from 0.0 to 1.0"));
const SWITCH: Option<(&str, &str)> = Some(("1", "`true` or `false`"));

const CASES: &[Case] = &[
    Case("OTEL_SDK_DISABLED", "TRUE", "", "disabled", "true", SWITCH),
    Case(
        "OTEL_LOG_LEVEL",
        "Debug",
        "",
        "log_level",
        "debug",
        Some(("loud", "`trace`, `debug`, `info`, `warn`, `error` or `fatal`")),
    ),
    Case("OTEL_SERVICE_NAME", "shop", "", "resource.attributes[0]", "{name: service.name, value: shop}", None),
    Case(
        "OTEL_RESOURCE_ATTRIBUTES",
        "team=data%20platform",
        "",
        "resource.attributes_list",
        "team=data%20platform",
        Some(("team", "pairs such as `deployment.environment.name=production`")),
    ),
    Case(
        "OTEL_PROPAGATORS",
        "b3, baggage,b3",
        "",
        "propagator.composite_list",
        "b3,baggage",
        Some(("b4", "a list of `tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger` or `none`")),
    ),
    Case("OTEL_PROPAGATORS", "none", "", "propagator.composite_list", "none", None),
    Case(
        "OTEL_SEMCONV_STABILITY_OPT_IN",
        "http",
        "",
        "instrumentation/development.general.stability_opt_in_list",
        "http",
        None,
    ),
    Case("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "10", "", "attribute_limits.attribute_value_length_limit", "10", WHOLE),
    Case("OTEL_ATTRIBUTE_COUNT_LIMIT", "0", "", "attribute_limits.attribute_count_limit", "0", WHOLE),
    Case(
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "10",
        "tracer_provider.limits",
        "attribute_value_length_limit",
        "10",
        WHOLE,
    ),
    Case("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "11", "tracer_provider.limits", "attribute_count_limit", "11", WHOLE),
    Case(
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "0",
        "tracer_provider.limits",
        "event_count_limit",
        "0",
        Some(("-1", "a whole number")),
    ),
    Case("OTEL_SPAN_LINK_COUNT_LIMIT", "12", "tracer_provider.limits", "link_count_limit", "12", WHOLE),
    Case(
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "13",
        "tracer_provider.limits",
        "event_attribute_count_limit",
        "13",
        WHOLE,
    ),
    Case("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "14", "tracer_provider.limits", "link_attribute_count_limit", "14", WHOLE),
    Case(
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "15",
        "logger_provider.limits",
        "attribute_value_length_limit",
        "15",
        WHOLE,
    ),
    Case("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "16", "logger_provider.limits", "attribute_count_limit", "16", WHOLE),
    Case(
        "OTEL_TRACES_SAMPLER",
        "always_on",
        "tracer_provider",
        "sampler",
        "{always_on: null}",
        Some((
            "ratio",
            "`adaptive`, `always_off`, `always_on`, `jaeger_remote`, `parentbased_always_off`, `parentbased_always_on`, \
                         `parentbased_jaeger_remote`, `parentbased_traceidratio` or `traceidratio`",
        )),
    ),
    Case("OTEL_TRACES_SAMPLER", "ALWAYS_OFF", "tracer_provider", "sampler", "{always_off: null}", None),
    Case(
        "OTEL_TRACES_SAMPLER",
        "traceidratio",
        "tracer_provider",
        "sampler",
        "{trace_id_ratio_based: {ratio: 1.0}}",
        None,
    ),
    Case(
        "OTEL_TRACES_SAMPLER",
        "parentbased_always_on",
        "tracer_provider",
        "sampler",
        "{parent_based: {root: {always_on: null}}}",
        None,
    ),
    Case(
        "OTEL_TRACES_SAMPLER",
        "parentbased_always_off",
        "tracer_provider",
        "sampler",
        "{parent_based: {root: {always_off: null}}}",
        None,
    ),
    Case(
        "OTEL_TRACES_SAMPLER",
        "parentbased_traceidratio",
        "tracer_provider",
        "sampler",
        "{parent_based: {root: {trace_id_ratio_based: {ratio: 1.0}}}}",
        None,
    ),
    Case("OTEL_TRACES_SAMPLER", "adaptive", "tracer_provider", "sampler", "{otelier/adaptive: {}}", None),
    Case("OTEL_BSP_SCHEDULE_DELAY", "250", SPANS, "schedule_delay", "250", WHOLE),
    Case("OTEL_BSP_EXPORT_TIMEOUT", "0", SPANS, "export_timeout", "0", WHOLE),
    Case("OTEL_BSP_MAX_QUEUE_SIZE", "4096", SPANS, "max_queue_size", "4096", COUNT),
    Case("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "64", SPANS, "max_export_batch_size", "64", COUNT),
    Case("OTEL_BLRP_SCHEDULE_DELAY", "250", LOGS, "schedule_delay", "250", WHOLE),
    Case("OTEL_BLRP_EXPORT_TIMEOUT", "9", LOGS, "export_timeout", "9", WHOLE),
    Case("OTEL_BLRP_MAX_QUEUE_SIZE", "4096", LOGS, "max_queue_size", "4096", COUNT),
    Case("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "64", LOGS, "max_export_batch_size", "64", COUNT),
    Case("OTEL_METRIC_EXPORT_INTERVAL", "1000", METRICS, "interval", "1000", COUNT),
    Case("OTEL_METRIC_EXPORT_TIMEOUT", "0", METRICS, "timeout", "0", WHOLE),
    Case(
        "OTEL_METRICS_EXEMPLAR_FILTER",
        "always_off",
        "meter_provider",
        "exemplar_filter",
        "always_off",
        Some(("some", "`always_on`, `always_off` or `trace_based`")),
    ),
    Case("OTEL_TRACES_EXPORTER", "console", SPANS, "exporter", "{console: null}", None),
    Case("OTEL_METRICS_EXPORTER", "console", METRICS, "exporter", "{console: null}", None),
    Case("OTEL_LOGS_EXPORTER", "console", LOGS, "exporter", "{console: null}", None),
    Case(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http://a:1/",
        SPANS,
        "exporter.otlp_http.endpoint",
        "http://a:1/v1/traces",
        None,
    ),
    Case(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "http://a:1/x",
        SPANS,
        "exporter.otlp_http.endpoint",
        "http://a:1/x",
        None,
    ),
    Case("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://a:1/x", LOGS, "exporter.otlp_http.endpoint", "http://a:1/x", None),
    Case(
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "http://a:1/x",
        METRICS,
        "exporter.otlp_http.endpoint",
        "http://a:1/x",
        None,
    ),
    Case(
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "grpc",
        SPANS,
        "exporter",
        "{otlp_grpc: {}}",
        Some(("http", "`grpc`, `http/protobuf` or `http/json`")),
    ),
    Case(
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "http/json",
        SPANS,
        "exporter",
        "{otlp_http: {encoding: json}}",
        Some(("json", "`grpc`, `http/protobuf` or `http/json`")),
    ),
    Case(
        "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
        "grpc",
        LOGS,
        "exporter",
        "{otlp_grpc: {}}",
        Some(("json", "`grpc`, `http/protobuf` or `http/json`")),
    ),
    Case(
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
        "grpc",
        METRICS,
        "exporter",
        "{otlp_grpc: {}}",
        Some(("json", "`grpc`, `http/protobuf` or `http/json`")),
    ),
    Case("OTEL_EXPORTER_OTLP_HEADERS", "a=b", SPANS, "exporter.otlp_http.headers_list", "a=b", None),
    Case("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=b", SPANS, "exporter.otlp_http.headers_list", "a=b", None),
    Case("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=b", LOGS, "exporter.otlp_http.headers_list", "a=b", None),
    Case("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=b", METRICS, "exporter.otlp_http.headers_list", "a=b", None),
    Case("OTEL_EXPORTER_OTLP_TIMEOUT", "900", SPANS, "exporter.otlp_http.timeout", "900", WHOLE),
    Case("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0", SPANS, "exporter.otlp_http.timeout", "0", WHOLE),
    Case("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "900", LOGS, "exporter.otlp_http.timeout", "900", WHOLE),
    Case("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "900", METRICS, "exporter.otlp_http.timeout", "900", WHOLE),
    Case(
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "gzip",
        SPANS,
        "exporter.otlp_http.compression",
        "gzip",
        Some(("zip", "`gzip`, `zstd` or `none`")),
    ),
    Case(
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "none",
        SPANS,
        "exporter.otlp_http.compression",
        "none",
        Some(("zip", "`gzip`, `zstd` or `none`")),
    ),
    Case(
        "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
        "gzip",
        LOGS,
        "exporter.otlp_http.compression",
        "gzip",
        Some(("zip", "`gzip`, `zstd` or `none`")),
    ),
    Case(
        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
        "gzip",
        METRICS,
        "exporter.otlp_http.compression",
        "gzip",
        Some(("zip", "`gzip`, `zstd` or `none`")),
    ),
    Case("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca", SPANS, "exporter.otlp_http.tls.ca_file", "/ca", None),
    Case("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/ca", SPANS, "exporter.otlp_http.tls.ca_file", "/ca", None),
    Case("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "/ca", LOGS, "exporter.otlp_http.tls.ca_file", "/ca", None),
    Case("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "/ca", METRICS, "exporter.otlp_http.tls.ca_file", "/ca", None),
    Case("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key", SPANS, "exporter.otlp_http.tls.key_file", "/key", None),
    Case("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/key", SPANS, "exporter.otlp_http.tls.key_file", "/key", None),
    Case("OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", "/key", LOGS, "exporter.otlp_http.tls.key_file", "/key", None),
    Case("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "/key", METRICS, "exporter.otlp_http.tls.key_file", "/key", None),
    Case("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/own", SPANS, "exporter.otlp_http.tls.cert_file", "/own", None),
    Case(
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        "/own",
        SPANS,
        "exporter.otlp_http.tls.cert_file",
        "/own",
        None,
    ),
    Case("OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", "/own", LOGS, "exporter.otlp_http.tls.cert_file", "/own", None),
    Case(
        "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
        "/own",
        METRICS,
        "exporter.otlp_http.tls.cert_file",
        "/own",
        None,
    ),
    Case(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "LowMemory",
        METRICS,
        "exporter.otlp_http.temporality_preference",
        "low_memory",
        Some(("low", "`cumulative`, `delta` or `lowmemory`")),
    ),
    Case(
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "base2_exponential_bucket_histogram",
        METRICS,
        "exporter.otlp_http.default_histogram_aggregation",
        "base2_exponential_bucket_histogram",
        Some(("linear", "`explicit_bucket_histogram` or `base2_exponential_bucket_histogram`")),
    ),
    // Names that others gave their variables.
    Case("OTEL_ENABLED", "false", "", "disabled", "true", SWITCH),
    Case(
        "OTEL_BACKEND",
        "console",
        SPANS,
        "exporter",
        "{console: null}",
        Some(("file", "`console`, `jaeger`, `otlp` or `none`")),
    ),
    Case("OTEL_BACKEND", "jaeger", SPANS, "exporter", "{otlp_http: {}}", None),
    Case("OTEL_EXPORTER_ENDPOINT", "http://a:1", SPANS, "exporter.otlp_http.endpoint", "http://a:1/v1/traces", None),
    Case(
        "OTEL_SAMPLING_RATE",
        "0.1",
        "tracer_provider",
        "sampler",
        "{parent_based: {root: {trace_id_ratio_based: {ratio: 0.1}}}}",
        SHARE,
    ),
    Case("OTEL_SERVICE_VERSION", "2.0", "", "resource.attributes[0]", "{name: service.version, value: 2.0}", None),
    Case(
        "DEPLOYMENT_ENV",
        "test",
        "",
        "resource.attributes[0]",
        "{name: deployment.environment.name, value: test}",
        None,
    ),
    Case("ENVIRONMENT", "test", "", "resource.attributes[0]", "{name: deployment.environment.name, value: test}", None),
    Case("OTEL_AUTO_INSTRUMENT", "false", "", "distribution.otelier.hooks", "none", SWITCH),
    Case("OTEL_PERFORMANCE_MONITORING", "false", "", "distribution.otelier.span_metrics", "false", SWITCH),
    // Ours.
    Case(
        "OTELIER_RESOURCE_DETECTORS",
        "host, kubernetes",
        "",
        "resource.detection/development.detectors",
        "[{host: null}, {otelier/kubernetes: null}]",
        Some(("ec2", "`host`, `process`, `container`, `kubernetes` or `service`")),
    ),
    Case(
        "OTELIER_RESOURCE_INCLUDED",
        "host.*,k8s.*",
        "resource.detection/development",
        "attributes.included",
        "[host.*, k8s.*]",
        None,
    ),
    Case(
        "OTELIER_RESOURCE_EXCLUDED",
        "host.id",
        "resource.detection/development",
        "attributes.excluded",
        "[host.id]",
        None,
    ),
    Case("OTELIER_SPAN_TYPES", "true", "", "distribution.otelier.span_types", "true", SWITCH),
    Case("OTELIER_PANIC_MESSAGES", "False", "", "distribution.otelier.panic_messages", "false", SWITCH),
    Case("OTELIER_SPAN_METRICS", "false", "", "distribution.otelier.span_metrics", "false", SWITCH),
    Case(
        "OTELIER_OLD_NAMES",
        "retail, lakehouse",
        "",
        "distribution.otelier.old_names",
        "[retail, lakehouse]",
        Some(("store", "a list of `lakehouse`, `build_tracer` or `retail`")),
    ),
    Case(
        "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN",
        "logs,logs/dup",
        "",
        "distribution.otelier.exception_signal",
        "logs/dup",
        Some(("LOGS", "a list of `logs` or `logs/dup`")),
    ),
    Case(
        "OTELIER_SHUTDOWN_TIMEOUT",
        "900",
        "",
        "distribution.otelier.shutdown_timeout",
        "900",
        Some(("0", "a whole number of milliseconds from 1 to 86400000")),
    ),
    Case("OTELIER_SDK_METRICS", "true", "", "distribution.otelier.sdk_metrics", "true", SWITCH),
    Case(
        "OTELIER_RETRY_MAX_ELAPSED",
        "0",
        "",
        "distribution.otelier.retry.max_elapsed",
        "0",
        Some(("604800001", "a whole number of milliseconds from 0 to 604800000")),
    ),
    Case(
        "OTELIER_CORRELATION_HEADER",
        "X-Request-Id",
        "",
        "distribution.otelier.correlation.header",
        "X-Request-Id",
        None,
    ),
    Case("OTELIER_DISK_BUFFER", "/var/a b", "", "distribution.otelier.disk_buffer.directory", "/var/a b", None),
];

/// Variables whose wrong values are errors: passing them over would lose what the specification knows nothing of.
fn is_ours(name: &str) -> bool {
    name.starts_with("OTELIER_") || name == "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN"
}

/// Log records are there only if somebody asks for them.
fn opted_in(name: &str) -> Vec<(&'static str, &'static str)> {
    const NAME: &str = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN";
    let mut variables = if name == NAME { Vec::new() } else { vec![(NAME, "logs")] };
    // Certificates of all signals are for those that go to `https`.
    if ["CERTIFICATE", "CLIENT_KEY"].iter().any(|what| name.ends_with(what)) {
        variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a:1"));
    }
    variables
}

#[test]
fn every_variable_has_its_effect() {
    for Case(name, value, root, key, expected, _) in CASES {
        let path = if root.is_empty() { (*key).to_owned() } else { format!("{root}.{key}") };
        let mut with = opted_in(name);
        with.push((name, value));
        let environment = read(&with);
        assert!(environment.warnings.is_empty(), "{name}={value}: {:?}", environment.warnings);
        assert!(environment.errors.problems().is_empty(), "{name}={value}: {}", environment.errors);
        let (shown, _) = found(&environment.tree, &path).unwrap_or_else(|| panic!("{name}: nothing at {path}"));
        assert_eq!(shown, *expected, "{name}={value}");
    }
}

#[test]
fn a_value_that_cannot_be_used_counts_as_not_set_and_is_said() {
    for Case(name, _, root, key, _, bad) in CASES {
        let Some((value, expected)) = bad else { continue };
        let path = if root.is_empty() { (*key).to_owned() } else { format!("{root}.{key}") };
        let without = opted_in(name);
        let with: Vec<_> = without.iter().copied().chain([(*name, *value)]).collect();
        let environment = read(&with);
        let said = if is_ours(name) { environment.errors.problems() } else { &environment.warnings[..] };
        let sentence = format!("`{name}` is `{value}`; expected {expected}");
        assert!(said.iter().any(|problem| problem.sentence().starts_with(&sentence)), "{sentence}\n{said:?}");
        assert_eq!(environment.warnings.len() + environment.errors.problems().len(), 1, "{name}");
        // What is no truth value is false; anything else is as if it were not there.
        if *bad != SWITCH || is_ours(name) {
            let (with, without) = (found(&environment.tree, &path), found(&read(&without).tree, &path));
            // Which detectors there are is said in any case.
            assert!(with == without || *name == "OTELIER_RESOURCE_DETECTORS", "{name}");
        }
    }
}

#[test]
fn a_value_knows_its_variable() {
    let tree = read(&[("OTEL_BSP_SCHEDULE_DELAY", "250"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1")]).tree;
    let origin = |path: &str| found(&tree, path).unwrap().1;
    assert_eq!(origin("tracer_provider.processors[0].batch.schedule_delay"), "$OTEL_BSP_SCHEDULE_DELAY");
    assert_eq!(
        origin("tracer_provider.processors[0].batch.exporter.otlp_http.endpoint"),
        "$OTEL_EXPORTER_OTLP_ENDPOINT"
    );
    assert_eq!(origin("file_format"), "default");
}

#[test]
fn what_is_said_for_one_signal_wins_if_it_can_be_used() {
    let timeout = |own: &str| {
        let tree = read(&[("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", own), ("OTEL_EXPORTER_OTLP_TIMEOUT", "900")]).tree;
        found(&tree, "tracer_provider.processors[0].batch.exporter.otlp_http.timeout").unwrap().0
    };
    assert_eq!(timeout("700"), "700");
    assert_eq!(timeout("7s"), "900");
    assert_eq!(timeout(""), "900");
}

#[test]
fn what_would_lose_telemetry_in_silence_is_an_error() {
    let cases = [
        (
            "OTEL_TRACES_EXPORTER",
            "otlp,xyz",
            "`OTEL_TRACES_EXPORTER` has `xyz`; expected a list of `otlp`, `console`, `none` or `zipkin`",
        ),
        (
            "OTEL_METRICS_EXPORTER",
            "statsd",
            "`OTEL_METRICS_EXPORTER` has `statsd`; expected a list of `otlp`, `console`, `none` or `prometheus`",
        ),
        ("OTEL_TRACES_SAMPLER", "xray", "`OTEL_TRACES_SAMPLER` is `xray`; no sampler here asks AWS X-Ray"),
        ("OTEL_PROPAGATORS", "xray,b3", "`OTEL_PROPAGATORS` is `xray,b3`; there is no propagator `xray` here"),
        ("OTEL_ENTITIES", "service{}", "`OTEL_ENTITIES` is `service{}`; this version has no entities"),
    ];
    for (name, value, expected) in cases {
        let errors = read(&[(name, value)]).errors;
        assert!(
            errors.problems().len() == 1 && errors.problems()[0].sentence().starts_with(expected),
            "{name}: {errors}"
        );
    }
    let jaeger =
        read(&[("OTEL_BACKEND", "jaeger"), ("OTEL_EXPORTER_ENDPOINT", "http://jaeger:14268/api/traces")]).errors;
    assert!(jaeger.problems()[0].sentence().contains("http://jaeger:4318"), "{jaeger}");
}

#[test]
fn a_sampler_that_asks_a_server_has_its_settings_in_one_variable() {
    let read_with = |sampler, argument| {
        let all = read(&[("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
        let said: Vec<_> = all.warnings.iter().map(|warning| warning.sentence().to_owned()).collect();
        let errors: Vec<_> = all.errors.problems().iter().map(|error| error.sentence().to_owned()).collect();
        (found(&all.tree, "tracer_provider.sampler").unwrap().0, said, errors)
    };
    let initial = |ratio| format!("initial_sampler: {{trace_id_ratio_based: {{ratio: {ratio}}}}}");
    let usual = format!("{{endpoint: http://localhost:5778/sampling, {}}}", initial("0.001"));
    assert_eq!(
        read_with("jaeger_remote", ""),
        (format!("{{jaeger_remote/development: {usual}}}"), Vec::new(), Vec::new())
    );
    let all = " endpoint=http://a:5778 , pollingIntervalMs=5000,initialSamplingRate=0.25,";
    let expected = format!("{{endpoint: http://a:5778, interval: 5000, {}}}", initial("0.25"));
    assert_eq!(
        read_with("parentbased_jaeger_remote", all),
        (format!("{{parent_based: {{root: {{jaeger_remote/development: {expected}}}}}}}"), Vec::new(), Vec::new())
    );
    let wrong = "endpoint=http://user:secret@a,pollingIntervalMs=9,initialSamplingRate=2,interval=5,0.25";
    let keys = "expected `endpoint`, `pollingIntervalMs` or `initialSamplingRate`, with `=` and a value";
    let (sampler, said, errors) = read_with("Jaeger_Remote", wrong);
    assert_eq!((sampler, errors), (format!("{{jaeger_remote/development: {usual}}}"), Vec::new()));
    assert_eq!(
        said,
        [
            "`OTEL_TRACES_SAMPLER_ARG` has `endpoint=http://***********@a`; expected a URL without credentials"
                .to_owned(),
            "`OTEL_TRACES_SAMPLER_ARG` has `pollingIntervalMs=9`; expected a whole number of at least 10".to_owned(),
            "`OTEL_TRACES_SAMPLER_ARG` has `initialSamplingRate=2`; expected a number from 0.0 to 1.0".to_owned(),
            format!("`OTEL_TRACES_SAMPLER_ARG` has `interval=5`; {keys}"),
            format!("`OTEL_TRACES_SAMPLER_ARG` has `0.25`; {keys}"),
        ]
    );
    let (_, said, errors) = read_with("jaeger_remote", "endpoint=http://localhost:14250,initialSamplingRate=0.25");
    assert_eq!(said, [""; 0]);
    assert_eq!(
        errors,
        [
            "`OTEL_TRACES_SAMPLER_ARG` has `endpoint=http://localhost:14250`; expected the URL of Jaeger's HTTP service, such as \
             `http://localhost:5778/sampling`; its gRPC service, on port 14250, is not asked"
        ]
    );
}

#[test]
fn certificates_of_all_signals_are_for_those_that_go_to_https() {
    let ca = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca");
    let secure = read(&[ca, ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://a:1")]);
    assert_eq!(found(&secure.tree, &format!("{SPANS}.exporter.otlp_http.tls.ca_file")).unwrap().0, "/ca");
    assert_eq!(found(&secure.tree, &format!("{METRICS}.exporter.otlp_http.tls")), None, "they go to localhost");
    assert!(secure.warnings.is_empty());
    let plain = read(&[ca]);
    assert_eq!(found(&plain.tree, &format!("{SPANS}.exporter.otlp_http.tls")), None);
    assert!(plain.warnings[0].sentence().starts_with("`OTEL_EXPORTER_OTLP_CERTIFICATE` has no effect on spans"));
}

#[test]
fn nothing_is_refused_while_telemetry_is_disabled() {
    let wrong = ("OTEL_TRACES_EXPORTER", "xyz");
    assert_eq!(read(&[wrong, ("OTEL_SDK_DISABLED", "true")]).errors.problems().len(), 0);
    assert_eq!(read(&[wrong, ("OTEL_SDK_DISABLED", "false")]).errors.problems().len(), 1);
}

#[test]
fn what_is_said_of_log_records_matters_only_if_there_are_some() {
    let wrong = [("OTEL_LOGS_EXPORTER", "otlp,file"), ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "1s")];
    let quiet = read(&wrong);
    assert_eq!((quiet.warnings.len(), quiet.errors.problems().len()), (0, 0));
    let asked = read(&[wrong[0], wrong[1], ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs")]);
    assert_eq!((asked.warnings.len(), asked.errors.problems().len()), (1, 1));
}

#[test]
fn opentelemetrys_own_names_win_over_those_of_others() {
    let tree = read(&[
        ("OTEL_SDK_DISABLED", "false"),
        ("OTEL_ENABLED", "false"),
        ("OTEL_TRACES_SAMPLER", "always_on"),
        ("OTEL_SAMPLING_RATE", "0.1"),
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_BACKEND", "otlp"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.version=1"),
        ("OTEL_SERVICE_VERSION", "2"),
    ])
    .tree;
    let value = |path: &str| found(&tree, path).map(|(value, _)| value);
    assert_eq!(value("disabled").as_deref(), Some("false"));
    assert_eq!(value("tracer_provider.sampler").as_deref(), Some("{always_on: null}"));
    assert_eq!(value("tracer_provider.processors").as_deref(), Some("[{batch: {exporter: {console: null}}}]"));
    assert_eq!(value("resource.attributes"), None);
}

#[test]
fn with_strictness_every_warning_is_an_error() {
    let environment = read(&[("OTEL_BSP_SCHEDULE_DELAY", "5s"), ("OTELIER_STRICT", "true")]);
    assert!(environment.warnings.is_empty());
    assert_eq!(environment.errors.problems(), ["`OTEL_BSP_SCHEDULE_DELAY` is `5s`; expected a whole number"]);
}

#[test]
fn values_of_headers_are_never_said() {
    for name in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"] {
        let environment = read(&[(name, "api-key"), ("OTELIER_STRICT", "true")]);
        assert!(!format!("{:?} {:?}", environment.errors, environment.warnings).contains("api-key"));
    }
}

#[test]
fn what_messages_say_of_a_value_is_short_on_one_line_and_without_passwords() {
    let wrong = [
        ("OTEL_EXPORTER_ENDPOINT", "http://user:secret@jaeger:14268/api/traces"),
        ("OTEL_LOG_LEVEL", "http://user:secret@host"),
        ("OTEL_TRACES_SAMPLER", "\u{1b}[31mred"),
        ("OTELIER_OLD_NAMES", "a\nb"),
    ];
    let long = "x".repeat(100_000);
    let environment = read(&[&wrong[..], &[("OTEL_BSP_SCHEDULE_DELAY", &long), ("OTELIER_STRICT", "true")]].concat());
    assert_eq!(environment.errors.problems().len(), 5, "{}", environment.errors);
    for problem in environment.errors.problems() {
        let sentence = problem.sentence();
        assert!(!sentence.contains("secret") && !sentence.contains(char::is_control), "{sentence:?}");
        assert!(sentence.len() < 400, "{sentence}");
    }
}

#[test]
fn an_exporter_by_its_new_and_its_old_name_is_there_once() {
    let exporters = |list: &str| {
        let tree = read(&[("OTEL_TRACES_EXPORTER", list)]).tree;
        let processors = tree.get("tracer_provider").and_then(|provider| provider.get("processors")).unwrap();
        let name = |item: &Node| item.get("batch")?.get("exporter")?.entries().first().map(|entry| entry.key.clone());
        processors.items().iter().filter_map(name).collect::<Vec<_>>()
    };
    assert_eq!(exporters("logging,otlp,console"), ["otlp_http", "console"]);
    assert_eq!(exporters("console,otlp,logging"), ["console", "otlp_http"]);
    assert_eq!(exporters("logging"), ["console"]);
    // A list of nothing is not set.
    assert_eq!(exporters(" , "), ["otlp_http"]);
}

#[test]
fn the_path_of_a_signal_stands_before_the_query_of_the_endpoint() {
    let tree = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://host:1/base/?key=1")]).tree;
    let endpoint = found(&tree, "tracer_provider.processors[0].batch.exporter.otlp_http.endpoint").unwrap().0;
    assert_eq!(endpoint, "http://host:1/base/v1/traces?key=1");
}

#[test]
fn debug_of_settings_hides_what_may_be_secret() {
    let variables = Variables::of([
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://host:1?key=secret"),
    ]);
    let settings = crate::config::Settings::from_variables(&variables).unwrap();
    assert!(!format!("{settings:?} {settings:#?}").contains("secret"));
}

#[test]
fn there_is_a_case_for_every_variable_that_is_read() {
    let (variables, names) = Variables::recording(&[
        ("OTEL_TRACES_EXPORTER", "otlp,zipkin"),
        ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
        ("OTEL_TRACES_SAMPLER", "adaptive"),
    ]);
    environment(&variables);
    let mut read: BTreeSet<String> = names.borrow().clone();
    let special = [
        "OTELIER_STRICT",
        "OTEL_ENTITIES",
        "OTEL_TRACES_SAMPLER_ARG",
        "OTEL_CPU_THRESHOLD",
        "OTEL_MEMORY_THRESHOLD",
        "OTEL_HIGH_VOLUME_SAMPLE_RATE",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        "OTEL_EXPORTER_PROMETHEUS_PORT",
    ];
    for name in special.into_iter().chain(CASES.iter().map(|case| case.0)) {
        read.remove(name);
    }
    // Of gRPC alone; the test below has them.
    read.retain(|name| !name.ends_with("_INSECURE"));
    assert_eq!(read, BTreeSet::new(), "{}", suggest::list(read.iter().map(String::as_str)));
}

const ZIPKIN: [(&str, &str); 3] = [
    ("OTEL_TRACES_EXPORTER", "zipkin"),
    ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://z:9411/api/v2/spans"),
    ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "7"),
];

#[test]
fn variables_of_zipkin_are_settings_of_its_exporter() {
    let telemetry = |with: &[(&str, &str)]| {
        let settings = crate::config::Settings::from_variables(&Variables::of_list(with));
        let telemetry = settings.unwrap_or_else(|error| panic!("{with:?}: {error}")).telemetry;
        (telemetry.exporters, telemetry.warnings)
    };
    let zipkin = |url: &str, timeout| {
        let zipkin = crate::config::Zipkin::to(url).with_timeout(std::time::Duration::from_millis(timeout));
        vec![crate::config::Exporter::Zipkin(zipkin)]
    };
    const DEFAULT: &str = "http://localhost:9411/api/v2/spans";
    assert_eq!(telemetry(&ZIPKIN).0, zipkin("http://z:9411/api/v2/spans", 7));
    assert_eq!(telemetry(&ZIPKIN[..1]).0, zipkin(DEFAULT, 10_000));
    assert_eq!(telemetry(&[ZIPKIN[0], ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "0")]).0, zipkin(DEFAULT, 0));
    let (exporters, warnings) = telemetry(&[ZIPKIN[0], ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "5s")]);
    assert_eq!((exporters, warnings.len()), (zipkin(DEFAULT, 10_000), 1));
    assert!(warnings[0].sentence().contains("`OTEL_EXPORTER_ZIPKIN_TIMEOUT` is `5s`; expected a whole number"));
}

#[test]
fn the_table_of_variables_has_those_that_are_read_and_no_others() {
    let (variables, names) = Variables::recording(&[
        ("OTEL_TRACES_EXPORTER", "otlp,zipkin"),
        ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
        ("OTEL_TRACES_SAMPLER", "adaptive"),
    ]);
    // The adaptive sampler and both exporters may be refused; what they read is read all the same.
    let _ = crate::config::Settings::from_variables(&variables);
    let mut read: BTreeSet<String> = names.borrow().clone();
    // Names that are looked at only where others say nothing.
    let (variables, names) = Variables::recording(&[]);
    crate::config::Settings::from_variables(&variables).unwrap();
    read.extend(names.borrow().iter().cloned());
    let table = otelier_spec::variables::ALL.iter().filter(|variable| variable.is_read());
    let table: BTreeSet<String> = table.map(|variable| variable.name.to_owned()).collect();
    let strange: Vec<&String> = read.difference(&table).collect();
    let missed: Vec<&String> = table.difference(&read).collect();
    assert!(strange.is_empty(), "read and not in the table: {strange:?}");
    assert!(missed.is_empty(), "in the table and not read: {missed:?}");
}

#[test]
fn without_variables_there_are_the_propagators_of_the_specification() {
    use crate::config::{Propagator, Settings};
    let propagators = |variables: &[(&str, &str)]| {
        Settings::from_variables(&Variables::of_list(variables)).unwrap().telemetry.propagators
    };
    assert_eq!(propagators(&[]), Propagator::DEFAULT);
    assert_eq!(propagators(&[("OTEL_PROPAGATORS", "none")]), []);
}

#[test]
fn samplers_exporters_and_transports_have_settings_of_their_own() {
    let value = |variables: &[(&str, &str)], path: &str| found(&read(variables).tree, path).map(|(value, _)| value);
    let adaptive = [
        ("OTEL_TRACES_SAMPLER", "adaptive"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
        ("OTEL_CPU_THRESHOLD", "80"),
        ("OTEL_MEMORY_THRESHOLD", "85"),
        ("OTEL_HIGH_VOLUME_SAMPLE_RATE", "0.2"),
    ];
    assert_eq!(
        value(&adaptive, "tracer_provider.sampler.otelier/adaptive").as_deref(),
        Some("{ratio: 0.1, cpu_threshold: 80.0, memory_threshold: 85.0, high_volume_ratio: 0.2}")
    );
    assert_eq!(
        value(&ZIPKIN, &format!("{SPANS}.exporter.otelier/zipkin")).as_deref(),
        Some("{endpoint: http://z:9411/api/v2/spans, timeout: 7}")
    );
    let prometheus = [
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "9465"),
    ];
    assert_eq!(
        value(&prometheus, "meter_provider.readers[0].pull.exporter.prometheus/development").as_deref(),
        Some("{host: 127.0.0.1, port: 9465}")
    );
    let grpc = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_INSECURE", "true")];
    assert_eq!(value(&grpc, &format!("{SPANS}.exporter.otlp_grpc")).as_deref(), Some("{tls: {insecure: true}}"));
    let grpc = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1")];
    assert_eq!(value(&grpc, &format!("{SPANS}.exporter.otlp_grpc")).as_deref(), Some("{endpoint: http://a:1}"));
}

#[test]
fn what_variables_say_is_what_a_file_may_say() {
    let cases = CASES.iter().map(|Case(name, value, ..)| {
        let mut with = opted_in(name);
        with.push((name, value));
        // A key and its certificate are given together.
        for (one, other) in [("_CLIENT_KEY", "_CLIENT_CERTIFICATE"), ("_CLIENT_CERTIFICATE", "_CLIENT_KEY")] {
            let other = name.replace(one, other);
            let case = CASES.iter().find(|case| name.ends_with(one) && case.0 == other);
            with.extend(case.map(|case| (case.0, case.1)));
        }
        (*name, *value, with)
    });
    let zipkin = ZIPKIN[1..].iter().map(|(name, value)| (*name, *value, ZIPKIN.to_vec()));
    for (name, value, with) in zipkin.chain(cases) {
        let mut problems = ConfigError::default();
        let mut tree = read(&with).tree;
        // No exporter at all is an empty list here, which a file cannot write.
        super::super::check(&tree, &super::super::keys::CONFIGURATION, &mut problems);
        assert!(problems.problems().is_empty(), "{name}={value}: {problems}");
        put(&mut tree, "disabled", plain("no"));
        super::super::check(&tree, &super::super::keys::CONFIGURATION, &mut problems);
        assert_eq!(problems.problems().len(), 1, "{name}");
    }
}
