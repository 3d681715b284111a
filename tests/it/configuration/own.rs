//! Files of our own: everything a pipeline can do, and the example of the documentation.

use super::{is_valid, json};
use otelier::config::{
    Composable, Document, Exporter, Hooks, JaegerRemote, Keep, LogExporter, OldNames, Propagator, Protocol, Rule,
    Sampler, Settings, Sync, TailRule, TailSampling, Variables, json_schema, keys,
};
use otelier::{ConfigError, Telemetry};
use std::time::Duration;

const EVERYTHING: &str = include_str!("everything.yaml");
const RULES: &str = include_str!("rules.yaml");
const EXAMPLE: &str = include_str!("../../../docs/otel.yaml");

/// Our files, by name. Each is right as it is.
pub(super) const FILES: [(&str, &str); 3] =
    [("everything.yaml", EVERYTHING), ("rules.yaml", RULES), ("otel.yaml", EXAMPLE)];

/// The whole way from text to settings.
pub(super) fn settings(name: &str, text: &str, variables: &Variables) -> Result<Settings, ConfigError> {
    Settings::from_document(Document::parse(name, text, variables)?)
}

fn telemetry(name: &str, text: &str) -> Telemetry {
    settings(name, text, &Variables::of([])).unwrap_or_else(|error| panic!("{error}")).telemetry
}

#[test]
fn our_files_are_right_for_the_loader_and_for_our_schema() {
    let schema = serde_json::from_str(&json_schema(&keys::CONFIGURATION, "Test")).unwrap();
    for (name, text) in FILES {
        assert_eq!(telemetry(name, text).warnings, [] as [&str; 0], "{name}");
        let document = Document::parse(name, text, &Variables::of([])).unwrap();
        assert!(is_valid(&schema, &schema, &json(&document.root)), "{name}");
    }
}

#[test]
fn everything_in_a_file_has_its_effect() {
    let telemetry = telemetry("everything.yaml", EVERYTHING);
    assert_eq!((telemetry.service_name.as_deref(), telemetry.hooks), (Some("shop"), Hooks::Manual));
    assert_eq!(telemetry.old_names, [OldNames::Retail, OldNames::Lakehouse, OldNames::BuildTracer]);
    let propagators = [Propagator::TraceContext, Propagator::Baggage, Propagator::B3, Propagator::B3Multi];
    assert_eq!(telemetry.propagators, propagators);
    // The limits of spans win over the general ones.
    assert_eq!((telemetry.limits.attributes, telemetry.limits.attribute_value_length), (32, 1024));
    assert_eq!(telemetry.batch.schedule_delay, Duration::from_secs(1));
    assert_eq!((telemetry.exporters.len(), telemetry.log_exporters.as_ref().map(Vec::len)), (10, Some(4)));
    let Exporter::Otlp(otlp) = &telemetry.exporters[0] else { panic!("{:?}", telemetry.exporters[0]) };
    assert_eq!(
        (otlp.protocol, otlp.timeout, otlp.max_request_size),
        (Protocol::HttpJson, Duration::from_secs(5), 1 << 20)
    );
    assert_eq!(otlp.headers.pairs[0], ("api-key".to_owned(), "none".to_owned()));
    let Some(LogExporter::Batched(_, batching)) = telemetry.log_exporters.iter().flatten().next() else {
        panic!("{:?}", telemetry.log_exporters)
    };
    assert_eq!(batching.max_queue_size, 1024);
    let Sampler::ParentBased(parent) = &telemetry.sampler else { panic!("{:?}", telemetry.sampler) };
    assert_eq!(
        (&parent.root, &parent.remote_parent_sampled),
        (&Sampler::TraceIdRatio(0.25), &Sampler::RateLimit(100.0))
    );
    let remote = JaegerRemote::to("http://localhost:5778/sampling").with_interval(Duration::from_secs(30));
    let remote = Sampler::JaegerRemote(remote.with_initial_sampler(Sampler::AlwaysOff));
    assert_eq!(parent.remote_parent_not_sampled, Sampler::AlwaysRecord(Box::new(remote)));
    let Sampler::Adaptive(adaptive) = &parent.local_parent_not_sampled else { panic!("{parent:?}") };
    assert_eq!((adaptive.traces_per_second, adaptive.large_file_ratio), (Some(50.0), 0.01));
    assert_eq!((adaptive.export_failure_threshold, adaptive.error_threshold), (20.0, 2.5));
    assert_eq!((adaptive.error_boost, adaptive.exchange_budget_floor, adaptive.consistent), (3.0, 0.2, true));
    assert_eq!((telemetry.metrics.readers.len(), telemetry.metrics.views.len()), (5, 2));
    assert_eq!(telemetry.metrics.readers[0].cardinality_limits.histogram, Some(30));
    assert_eq!((telemetry.retry.max_pending_bytes, &telemetry.retry.also_statuses[..]), (8 << 20, &[500, 521][..]));
    assert_eq!((telemetry.circuit_breaker.failures, telemetry.circuit_breaker.successes), (3, 1));
    let buffer = telemetry.disk_buffer.as_ref().expect("it is there");
    assert_eq!((buffer.max_bytes, buffer.sync), (1 << 30, Sync::Always));
    let tail = telemetry.tail_sampling.expect("it is there");
    assert_eq!((tail.failed, tail.slower_than, tail.ratio), (true, Some(Duration::from_millis(250)), 0.1));
    assert_eq!((tail.rules.len(), tail.max_bytes, tail.remember), (4, 16 << 20, Duration::from_secs(10)));
}

#[test]
fn rules_of_sampling_and_both_processors_of_an_anchor_are_there() {
    let telemetry = telemetry("rules.yaml", RULES);
    assert_eq!((telemetry.service_name.as_deref(), telemetry.exporters.len()), (Some("shop's tills"), 2));
    assert_eq!(telemetry.exporters[0], telemetry.exporters[1]);
    let Sampler::Composite(Composable::RuleBased(rules)) = &telemetry.sampler else {
        panic!("{:?}", telemetry.sampler)
    };
    assert_eq!(rules.len(), 7);
    assert_eq!(rules[2].span_names, ["checkout*", "pay ?"]);
    assert_eq!(rules[4].span_kinds.len(), 4);
    let customers = Rule::new(Composable::AlwaysOn)
        .named("good customers")
        .attribute_is("business.customer.tier", ["gold", "platinum"])
        .attribute_is("user.id", ["7"])
        .attribute_like("app.tenant", ["acme*"])
        .attribute_at_least("business.value", 1000.0)
        .attribute_between("app.temperature", -273.15, 100.0);
    assert_eq!(rules[5], customers);
    let limited =
        Rule::new(Composable::RateLimitPerSchema(10.0)).schema("crypto.*").priority(otelier::Priority::Normal);
    assert_eq!(rules[6], limited);
}

#[test]
fn the_example_of_the_documentation_takes_its_variables() {
    let variables = Variables::of([
        ("OTEL_SERVICE_NAME", "till"),
        ("ENVIRONMENT", "production"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hush"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4318/v1/traces"),
        // Not named in the file.
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ]);
    let settings = settings("otel.yaml", EXAMPLE, &variables).unwrap();
    let telemetry = &settings.telemetry;
    assert_eq!(telemetry.service_name.as_deref(), Some("till"));
    assert!(matches!(&telemetry.sampler, Sampler::ParentBased(parent) if parent.root == Sampler::TraceIdRatio(0.25)));
    let shown = format!("{telemetry:?}");
    assert!(shown.contains("http://collector:4318/v1/traces") && shown.contains("production"), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
    let endpoint = settings.get("tracer_provider.processors[0].batch.exporter.otlp_http.endpoint").unwrap();
    assert!(endpoint.origin.to_string().ends_with("with $OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), "{}", endpoint.origin);
}

#[test]
fn every_file_of_the_page_about_export_is_right_for_the_loader_and_for_our_schema() {
    let schema = serde_json::from_str(&json_schema(&keys::CONFIGURATION, "Test")).unwrap();
    let page = include_str!("../../../docs/export.md");
    let files: Vec<&str> = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(files.len() >= 3, "{files:?}");
    let variables = Variables::of([("TOKEN", "hush"), ("OPENOBSERVE_PASSWORD", "hush")]);
    for file in files {
        let text = format!("file_format: \"1.1\"\n{file}");
        let found = settings("export.md", &text, &variables).unwrap_or_else(|error| panic!("{file}{error}"));
        assert_eq!(found.telemetry.warnings, [] as [&str; 0], "{file}");
        let document = Document::parse("export.md", &text, &variables).unwrap();
        assert!(is_valid(&schema, &schema, &json(&document.root)), "{file}");
        // Where it says the defaults, these are the ones.
        if file.contains("circuit_breaker") {
            let (default, found) = (Telemetry::default(), &found.telemetry);
            assert_eq!((&found.retry, &found.circuit_breaker), (&default.retry, &default.circuit_breaker));
            assert_eq!(found.shutdown_timeout, default.shutdown_timeout);
            let buffer = otelier::config::DiskBuffer::in_directory("/var/lib/shop/telemetry");
            assert_eq!(found.disk_buffer, Some(buffer));
        }
    }
}

#[test]
fn every_file_of_the_pages_about_sampling_and_that_of_the_example_are_right() {
    let schema = serde_json::from_str(&json_schema(&keys::CONFIGURATION, "Test")).unwrap();
    let pages = [
        ("sampling.md", include_str!("../../../docs/sampling.md")),
        ("adaptive-sampling.md", include_str!("../../../docs/adaptive-sampling.md")),
        ("tail-sampling.md", include_str!("../../../docs/tail-sampling.md")),
    ];
    let blocks = pages.iter().flat_map(|(page, text)| {
        let blocks: Vec<_> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(!blocks.is_empty(), "{page}");
        blocks.into_iter().map(|block| (*page, format!("file_format: \"1.1\"\n{block}")))
    });
    let example = include_str!("../../../examples/quickstart/sampling.yaml").to_owned();
    for (page, file) in blocks.chain([("sampling.yaml", example)]) {
        let found = settings(page, &file, &Variables::of([])).unwrap_or_else(|error| panic!("{page}: {file}{error}"));
        assert_eq!(found.telemetry.warnings, [] as [&str; 0], "{page}: {file}");
        let document = Document::parse(page, &file, &Variables::of([])).unwrap();
        assert!(is_valid(&schema, &schema, &json(&document.root)), "{page}: {file}");
    }
}

#[test]
fn the_page_about_sampling_says_the_same_in_code_and_in_a_file() {
    let page = include_str!("../../../docs/tail-sampling.md");
    let block = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let found = settings("tail-sampling.md", &format!("file_format: \"1.1\"\n{block}"), &Variables::of([])).unwrap();
    let tail = TailSampling::new(0.01)
        .with_rule(TailRule::new("health checks", Keep::Never).attribute_is("url.path", ["/health"]))
        .with_rule(TailRule::new("errors", Keep::Always).failed())
        .with_rule(
            TailRule::new("slow exchanges", Keep::Always).schema("crypto.*").slower_than(Duration::from_millis(250)),
        )
        .with_rule(TailRule::new("good customers", Keep::Ratio(0.5)).tiers(["premium", "enterprise"]))
        .with_rule(TailRule::new("throttled", Keep::RateLimit(5.0)).rate_limited());
    assert_eq!(found.telemetry.tail_sampling, Some(tail));
}
