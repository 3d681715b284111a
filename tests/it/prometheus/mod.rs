//! Metrics that are fetched, as Prometheus would.

pub(crate) mod parsed;
mod server;

use crate::support::turn;
use opentelemetry::{InstrumentationScope, KeyValue, global};
use otelier::config::{
    Aggregation, AttributeKeys, CardinalityLimits, Metrics, Prometheus, PullExporter, PullReader, Settings,
    Translation, Variables, View, ViewSelector,
};
use otelier::prelude::*;
use parsed::{Parsed, ask, get};
use std::io::Write;
use std::process::{Command, Stdio};

/// At a port that is free.
pub(crate) fn free() -> Prometheus {
    Prometheus::default().with_host("127.0.0.1").with_port(0)
}

fn settings(prometheus: Prometheus) -> Telemetry {
    let settings = Telemetry::default().with_service_name("it").with_metrics(PullReader::prometheus(prometheus));
    settings.with_shutdown_timeout(std::time::Duration::from_secs(60))
}

/// Where it listens.
pub(crate) fn address(telemetry: &otelier::Guard) -> String {
    let name = telemetry.stats().exporters.last().expect("an exporter").name.clone();
    let address = name.strip_prefix("prometheus http://").and_then(|rest| rest.strip_suffix("/metrics"));
    address.unwrap_or_else(|| panic!("{name}")).to_owned()
}

/// What is fetched now.
fn fetched(telemetry: &otelier::Guard) -> Parsed {
    let answer = get(&address(telemetry), "/metrics");
    assert_eq!(answer.status, 200, "{}", answer.body);
    Parsed::of(&answer.body)
}

const HOSTILE: &str = "\"}\n# TYPE evil counter\nevil 1\\\n\0\r{a=\"b\",";

fn instruments() {
    let scope = InstrumentationScope::builder("shop").with_version("1.2").with_attributes([KeyValue::new("tier", "a")]);
    let meter = global::meter_with_scope(scope.build());
    let labels = [KeyValue::new("http.method", "GET"), KeyValue::new("retry", true)];
    meter.u64_counter("orders").with_unit("{order}").with_description("All\norders \\").build().add(3, &labels);
    meter.f64_counter("cpu.time").with_unit("s").build().add(0.5, &[]);
    meter.i64_up_down_counter("queue.size").build().add(-7, &[]);
    meter.f64_gauge("load").with_unit("1").build().record(1e300, &[KeyValue::new("is", "large")]);
    let histogram = meter.f64_histogram("latency").with_unit("s").with_boundaries(vec![0.1, 1.0]).build();
    [0.05, 0.5, 7.0].into_iter().for_each(|value| histogram.record(value, &[KeyValue::new("le", "mine")]));
    meter.f64_histogram("change").with_boundaries(vec![0.0]).build().record(-1.0, &[]);
    meter.u64_histogram("exponential").build().record(80, &[]);
    meter.u64_gauge("hostile").build().record(1, &[KeyValue::new("a\"b\n", HOSTILE)]);
    meter.u64_gauge("joined").build().record(1, &[KeyValue::new("a.b", "2"), KeyValue::new("a-b", "1")]);
    meter.u64_observable_counter("observed").with_callback(|one| one.observe(u64::MAX, &[])).build();
}

fn started(prometheus: Prometheus) -> otelier::Guard {
    let exponential = View::of(ViewSelector::name("exponential")).with_aggregation(Aggregation::base2_exponential());
    let mut settings = settings(prometheus).with_resource_attribute("app.team", "data \"x\"");
    settings.metrics = settings.metrics.with_view(exponential);
    let telemetry = otelier::init(settings).expect("it starts");
    instruments();
    telemetry
}

#[test]
fn every_instrument_is_fetched_with_names_types_and_labels_of_prometheus() {
    let _turn = turn();
    let telemetry = started(free());
    let found = fetched(&telemetry);
    let expected = [
        ("change", "histogram"),
        ("cpu_time_seconds_total", "counter"),
        ("exponential", "histogram"),
        ("hostile", "gauge"),
        ("joined", "gauge"),
        ("latency_seconds", "histogram"),
        ("load_ratio", "gauge"),
        ("observed_total", "counter"),
        ("orders_total", "counter"),
        ("queue_size", "gauge"),
        ("target_info", "gauge"),
    ];
    let types: Vec<_> = found.types.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect();
    assert_eq!(types, expected);
    assert_eq!(found.helps["orders_total"], "All\\norders \\\\");
    let scope = [("otel_scope_name", "shop"), ("otel_scope_version", "1.2"), ("otel_scope_tier", "a")];
    assert!(
        found
            .samples
            .keys()
            .all(|(name, labels)| name == "target_info" || scope.iter().all(|(name, value)| labels[*name] == *value))
    );
    assert_eq!(found.value("orders_total", &[("http_method", "GET"), ("retry", "true")]), Some(3.0));
    assert_eq!(found.value("cpu_time_seconds_total", &[]), Some(0.5));
    assert_eq!(found.value("queue_size", &[]), Some(-7.0));
    assert_eq!(found.value("load_ratio", &[("is", "large")]), Some(1e300));
    assert_eq!(found.value("observed_total", &[]), Some(u64::MAX as f64));
    for (le, count) in [("0.1", 1.0), ("1", 2.0), ("+Inf", 3.0)] {
        let labels = [("le", le), ("exported_le", "mine")];
        assert_eq!(found.value("latency_seconds_bucket", &labels), Some(count), "{le}");
    }
    assert_eq!(found.value("latency_seconds_sum", &[]), Some(7.55));
    assert_eq!(found.value("latency_seconds_count", &[]), Some(3.0));
    // It would go down.
    assert_eq!(found.value("change_sum", &[]), None);
    assert_eq!(found.value("change_count", &[]), Some(1.0));
    assert_eq!(found.value("exponential_bucket", &[("le", "+Inf")]), Some(1.0));
    assert_eq!(found.value("exponential_sum", &[]), Some(80.0));
    assert_eq!(found.labels("hostile")["a_b_"], HOSTILE.replace(['\0', '\r'], "\u{fffd}"));
    assert_eq!(found.labels("joined")["a_b"], "1;2");
    let target = found.labels("target_info");
    assert_eq!((&*target["service_name"], &*target["app_team"]), ("it", "data \"x\""));
    assert_eq!(found.value("target_info", &[]), Some(1.0));
}

#[test]
fn values_are_counted_from_the_start_however_often_they_are_fetched() {
    let _turn = turn();
    let telemetry = otelier::init(settings(free())).expect("it starts");
    let counter = global::meter("shop").u64_counter("orders").build();
    for expected in 1..4 {
        counter.add(1, &[]);
        assert_eq!(fetched(&telemetry).value("orders_total", &[]), Some(f64::from(expected)));
    }
    let health = telemetry.health();
    let exporter = health.exporters.last().unwrap();
    assert_eq!((exporter.exports, exporter.failed_exports, exporter.exported), (3, 0, 3));
}

/// Lets Prometheus's own tool read the text, if it is installed.
pub(crate) fn promtool(text: &str) {
    let is_there = Command::new("promtool").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !is_there.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no promtool");
        return;
    }
    let check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut check = check.unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    // Advice on style, such as a text for each metric, is the program's whose metrics they are. What cannot be read is ours.
    assert!(!said.contains("error while linting") && output.status.code() != Some(1), "{said}\n{text}");
}

#[test]
fn promtool_finds_nothing_to_say() {
    let _turn = turn();
    let telemetry = started(free());
    promtool(&get(&address(&telemetry), "/metrics").body);
}

#[test]
fn names_stay_for_those_who_accept_them() {
    let _turn = turn();
    let telemetry = started(free().with_translation(Translation::Untranslated).with_target_info(false));
    let address = address(&telemetry);
    let old = Parsed::of(&get(&address, "/metrics").body);
    assert_eq!(old.value("cpu_time", &[]), Some(0.5));
    let accept =
        "application/openmetrics-text;version=1.0.0;q=0.5, text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4";
    let answer = ask(&address, &format!("GET /metrics HTTP/1.1\r\nhost: test\r\naccept: {accept}\r\n\r\n"));
    assert!(answer.head.contains("escaping=allow-utf-8"), "{}", answer.head);
    let new = Parsed::of(&answer.body);
    assert_eq!(new.value("cpu.time", &[]), Some(0.5));
    assert_eq!(new.value("orders", &[("http.method", "GET")]), Some(3.0));
    assert_eq!(new.labels("joined").get("a-b").map(String::as_str), Some("1"));
    assert!(new.labels("hostile").contains_key("a\"b\n"));
    assert!(!new.types.contains_key("target_info"));
}

#[test]
fn scope_labels_can_be_left_out_and_labels_of_the_resource_added() {
    let _turn = turn();
    let keys = AttributeKeys::included(["service.*", "app.*"]).but_not(["service.instance.*"]);
    let telemetry = started(free().with_scope_info(false).with_resource_labels(keys));
    global::meter("other").i64_up_down_counter("queue.size").build().add(1, &[]);
    global::meter("other").u64_counter("queue_size").build().add(1, &[]);
    global::meter("other").u64_gauge("orders_total").build().record(1, &[]);
    global::meter("other").u64_gauge("latency_seconds_count").build().record(1, &[]);
    let found = fetched(&telemetry);
    let labels = found.labels("cpu_time_seconds_total");
    assert_eq!((&*labels["service_name"], &*labels["app_team"]), ("it", "data \"x\""));
    assert!(!labels.keys().any(|name| name.starts_with("otel_scope") || name == "service_instance_id"));
    // Two scopes with the same metric: one of them, and no page that Prometheus refuses.
    assert_eq!(found.value("queue_size", &[]), Some(1.0));
    assert_eq!(found.types["orders_total"], "gauge", "the first scope by name has it");
    assert_eq!(found.value("queue_size_total", &[]), Some(1.0));
}

#[test]
fn variables_and_files_say_the_same_as_code() {
    let variables = Variables::of([
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "9999"),
    ]);
    let of_variables = Settings::from_variables(&variables).unwrap().telemetry.metrics;
    let expected = Prometheus::default().with_host("127.0.0.1").with_port(9999);
    assert_eq!(of_variables, Metrics::from(PullReader::prometheus(expected)));
    let alone = Variables::of([("OTEL_METRICS_EXPORTER", "prometheus")]);
    let usual = Settings::from_variables(&alone).unwrap().telemetry.metrics;
    assert_eq!(usual, Metrics::from(PullReader::prometheus(Prometheus::default())));

    let file = r#"
file_format: "1.0"
meter_provider:
  readers:
    - pull:
        exporter:
          prometheus/development:
            host: "::1"
            port: 0
            scope_info_enabled: false
            target_info_enabled/development: false
            resource_constant_labels:
              included: ["service*"]
              excluded: ["service.id"]
            translation_strategy: no_utf8_escaping_with_suffixes/development
        cardinality_limits:
          default: 100
          counter: 7
"#;
    let document = otelier::config::Document::parse("otel.yaml", file, &Variables::of([])).unwrap();
    let telemetry = Settings::from_document(document).unwrap().telemetry;
    let mut limits = CardinalityLimits::default();
    (limits.default, limits.counter) = (100, Some(7));
    let expected = Prometheus::default()
        .with_host("::1")
        .with_port(0)
        .with_scope_info(false)
        .with_target_info(false)
        .with_resource_labels(AttributeKeys::included(["service*"]).but_not(["service.id"]))
        .with_translation(Translation::Utf8WithSuffixes);
    let expected = PullReader::prometheus(expected).with_cardinality_limits(limits);
    assert_eq!(telemetry.metrics, Metrics::from(expected));
    let PullExporter::Prometheus(_) = &telemetry.metrics.pull[0].exporter else { panic!("another exporter") };
}

#[test]
fn limits_hold_for_what_is_fetched() {
    let _turn = turn();
    let mut limits = CardinalityLimits::default();
    limits.counter = Some(3);
    let reader = PullReader::prometheus(free()).with_cardinality_limits(limits);
    let telemetry = otelier::init(Telemetry::default().with_metrics(reader)).expect("it starts");
    let counter = global::meter("shop").u64_counter("orders").build();
    (0..10).for_each(|number| counter.add(1, &[KeyValue::new("customer", number)]));
    let found = fetched(&telemetry);
    let rest = found.value("orders_total", &[("otel_metric_overflow", "true")]).expect("further ones are summed up");
    assert!(rest >= 1.0);
    assert!(found.samples.keys().filter(|(name, _)| name == "orders_total").count() <= 4);
}
