//! Files, and the settings that they mean.

use crate::config::{
    AttributeRange, Batching, Composable, Detector, Document, Endpoint, Exporter, JaegerRemote, LogExporter, Otlp,
    ParentBased, Propagator, Protocol, Rule, Sampler, Settings, SpanParent, Telemetry, Variables,
};
use crate::schema::Kind;
use std::time::Duration;

fn load(text: &str) -> Result<Telemetry, crate::ConfigError> {
    let text = format!("file_format: \"1.1\"\n{text}");
    let document = Document::parse("otel.yaml", text, &Variables::of([("PORT", "4319")]))?;
    Settings::from_document(document).map(|settings| settings.telemetry)
}

fn loaded(text: &str) -> Telemetry {
    load(text).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> Vec<String> {
    load(text).unwrap_err().problems().iter().map(|problem| problem.sentence().to_owned()).collect()
}

const SPANS: &str = "tracer_provider: {processors: [{batch: {exporter: {console: null}}}]";

fn sampler(text: &str) -> Sampler {
    loaded(&format!("{SPANS}, sampler: {text}}}")).sampler
}

#[test]
fn what_a_file_does_not_mention_is_not_there() {
    let telemetry = loaded("");
    assert_eq!(telemetry.sampler, Sampler::AlwaysOff, "no tracer provider, no spans");
    assert!(telemetry.exporters.is_empty() && telemetry.propagators.is_empty() && telemetry.metrics.readers.is_empty());
    assert!(telemetry.resource.detectors.is_empty());
    assert_eq!(telemetry.log_exporters, Some(Vec::new()));
    assert!(!telemetry.disabled && loaded("disabled: true").disabled);
    assert_eq!(loaded(&format!("{SPANS}}}")).sampler, Sampler::default());
}

#[test]
fn every_sampler_has_its_settings() {
    assert_eq!(sampler("{always_on: }"), Sampler::AlwaysOn);
    assert_eq!(sampler("{always_off: {}}"), Sampler::AlwaysOff);
    assert_eq!(sampler("{trace_id_ratio_based: {ratio: 0.5}}"), Sampler::TraceIdRatio(0.5));
    assert_eq!(sampler("{trace_id_ratio_based: }"), Sampler::TraceIdRatio(1.0), "the specification's default");
    assert_eq!(sampler("{probability/development: {ratio: 1}}"), Sampler::Probability(1.0));
    assert_eq!(sampler("{otelier/rate_limit: {traces_per_second: 9}}"), Sampler::RateLimit(9.0));
    assert_eq!(sampler("{always_record: {root: {always_off: }}}"), Sampler::AlwaysRecord(Box::new(Sampler::AlwaysOff)));
    assert_eq!(sampler("{parent_based: {root: {trace_id_ratio_based: {ratio: 0.1}}}}"), Sampler::parent_based(0.1));
    let Sampler::ParentBased(parents) = sampler("{parent_based: {remote_parent_sampled: {always_off: }}}") else {
        panic!()
    };
    assert_eq!((&parents.root, &parents.remote_parent_sampled), (&Sampler::AlwaysOn, &Sampler::AlwaysOff));
}

#[cfg(feature = "otlp-http")]
#[test]
fn a_sampler_that_asks_a_server_says_where_and_what_decides_until_it_answers() {
    let jaeger = |settings: &str| format!("{{jaeger_remote/development: {settings}}}");
    let remote = JaegerRemote::to("http://jaeger:5778/sampling").with_initial_sampler(Sampler::AlwaysOn);
    let usual = jaeger("{endpoint: http://jaeger:5778/sampling, initial_sampler: {always_on: }}");
    assert_eq!(sampler(&usual), Sampler::JaegerRemote(remote.clone()));
    let often = jaeger(
        "{endpoint: http://jaeger:5778/sampling, interval: 5000, initial_sampler: {parent_based: {root: {always_off: }}}}",
    );
    let often_remote = remote
        .with_interval(Duration::from_secs(5))
        .with_initial_sampler(Sampler::ParentBased(Box::new(ParentBased::new(Sampler::AlwaysOff))));
    let Sampler::ParentBased(parents) =
        sampler(&format!("{{parent_based: {{root: {usual}, remote_parent_sampled: {often}}}}}"))
    else {
        panic!()
    };
    assert!(matches!(parents.root, Sampler::JaegerRemote(_)));
    assert_eq!(parents.remote_parent_sampled, Sampler::JaegerRemote(often_remote));

    let wrong = jaeger(&format!("{{endpoint: http://jaeger:14250, interval: 9, initial_sampler: {usual}}}"));
    let place = "`tracer_provider.sampler.jaeger_remote/development";
    assert_eq!(
        refused(&format!("{SPANS}, sampler: {wrong}}}")),
        [
            format!(
                "{place}.endpoint` is `http://jaeger:14250`; expected the URL of Jaeger's HTTP service, such as \
                 `http://localhost:5778/sampling`; its gRPC service, on port 14250, is not asked"
            ),
            format!("{place}.interval` is `9`; expected at least 10"),
            format!(
                "{place}.initial_sampler` cannot be used; it asks a server, too; expected what decides until the first answer"
            ),
        ]
    );
    let missing = refused(&format!("{SPANS}, sampler: {}}}", jaeger("{interval: 100}")));
    assert_eq!(missing.len(), 2, "{missing:?}");
}

#[test]
fn rules_keep_their_order_and_every_condition() {
    let text = "{composite/development: {rule_based: {rules: [
        {attribute_values: {key: http.route, values: [/health]}, sampler: {always_off: }},
        {attribute_patterns: {key: url.path, included: [/a/*], excluded: [/a/b]}, sampler: {always_on: }},
        {span_kinds: [client, server], parent: [none, remote], otelier/span_names: [load *], sampler: {probability: {ratio: 0.5}}},
        {sampler: {parent_threshold: {root: {otelier/rate_limit: {traces_per_second: 2}}}}}]}}}";
    let mut patterns = Rule::new(Composable::AlwaysOn).attribute_like("url.path", ["/a/*"]);
    patterns.attribute_patterns[0].excluded.push("/a/b".to_owned());
    let rules = vec![
        Rule::new(Composable::AlwaysOff).attribute_is("http.route", ["/health"]),
        patterns,
        Rule::new(Composable::Probability(0.5))
            .span_kind(Kind::Client)
            .span_kind(Kind::Server)
            .parent(SpanParent::None)
            .parent(SpanParent::Remote)
            .span_name("load *"),
        Rule::new(Composable::ParentThreshold(Box::new(Composable::RateLimit(2.0)))),
    ];
    assert_eq!(sampler(text), Sampler::Composite(Composable::RuleBased(rules)));
    assert_eq!(sampler("{composite/development: {rule_based: }}"), Sampler::Composite(Composable::AlwaysOff));
}

#[test]
fn conditions_of_ours_stand_beside_those_of_the_specification() {
    use crate::Priority;
    let text = "{composite/development: {rule_based: {rules: [
        {otelier/name: good customers, attribute_values: {key: business.customer.tier, values: [gold]},
         otelier/attribute_values: [{key: app.a, values: [\"1\"]}, {key: app.b, values: [x, y]}],
         attribute_patterns: {key: url.path, included: [/a/*]}, otelier/attribute_patterns: [{key: user.id, included: [a*]}],
         otelier/attribute_ranges: [{key: business.value, min: 1000}, {key: app.n, min: -1, max: 2.5}, {key: app.m, max: 0}],
         sampler: {always_on: }},
        {otelier/schemas: [crypto.*, workflow.*], otelier/priority: high, sampler: {always_on: }},
        {otelier/priority: low, sampler: {otelier/rate_limit: {traces_per_second: 5, per: schema}}},
        {otelier/priority: normal, sampler: {otelier/rate_limit: {traces_per_second: 5, per: process}}}]}}}";
    let mut first = Rule::new(Composable::AlwaysOn)
        .named("good customers")
        .attribute_is("business.customer.tier", ["gold"])
        .attribute_is("app.a", ["1"])
        .attribute_is("app.b", ["x", "y"])
        .attribute_like("url.path", ["/a/*"])
        .attribute_like("user.id", ["a*"])
        .attribute_at_least("business.value", 1000.0)
        .attribute_between("app.n", -1.0, 2.5);
    first.attribute_ranges.push(AttributeRange { key: "app.m".to_owned(), min: None, max: Some(0.0) });
    let rules = vec![
        first,
        Rule::new(Composable::AlwaysOn).schema("crypto.*").schema("workflow.*").priority(Priority::High),
        Rule::new(Composable::RateLimitPerSchema(5.0)).priority(Priority::Low),
        Rule::new(Composable::RateLimit(5.0)).priority(Priority::Normal),
    ];
    assert_eq!(sampler(text), Sampler::Composite(Composable::RuleBased(rules)));
    let alone = "{otelier/rate_limit: {traces_per_second: 0.5, per: schema}}";
    assert_eq!(sampler(alone), Sampler::RateLimitPerSchema(0.5));
    assert_eq!(sampler(alone).to_string(), "otelier/rate_limit(traces_per_second: 0.5, per: schema)");
}

#[test]
fn a_wrong_condition_is_told_with_its_line_and_key_and_what_is_accepted() {
    let mut wrong = Vec::new();
    let rule = "tracer_provider.sampler.composite/development.rule_based.rules[0]";
    for (condition, place, expected) in [
        ("otelier/name: \"\"", "otelier/name", "is ``; expected a name"),
        ("otelier/name: [a]", "otelier/name", "is a list; expected a text"),
        (
            "otelier/schemas: []",
            "otelier/schemas",
            "is an empty list; expected a list with at least one item; each item: a text",
        ),
        (
            "otelier/schemas: crypto.*",
            "otelier/schemas",
            "is a text; expected a list with at least one item; each item: a text",
        ),
        ("otelier/priority: urgent", "otelier/priority", "is `urgent`; expected `low`, `normal` or `high`"),
        (
            "otelier/attribute_ranges: [{key: a, min: 5, max: 4}]",
            "otelier/attribute_ranges[0].max",
            "expected a `max` that is not below `min`",
        ),
        (
            "otelier/attribute_ranges: [{key: a}]",
            "otelier/attribute_ranges[0]",
            "has no bounds; expected `min`, `max` or both",
        ),
        (
            "otelier/attribute_ranges: [{key: a, min: .nan}]",
            "otelier/attribute_ranges[0].min",
            "is `NaN`; expected a number",
        ),
        (
            "otelier/attribute_ranges: [{key: \"\", min: 1}]",
            "otelier/attribute_ranges[0].key",
            "is ``; expected the key of an attribute",
        ),
        ("otelier/attribute_ranges: [{key: a, min: 1, least: 1}]", "otelier/attribute_ranges[0].least", "is unknown"),
        (
            "otelier/attribute_values: [{key: a, values: []}]",
            "otelier/attribute_values[0].values",
            "expected a list with at least one item",
        ),
        ("otelier/attribute_patterns: [{included: [a]}]", "otelier/attribute_patterns[0].key", "is missing"),
        (
            "attribute_values: {key: \"\", values: [a]}",
            "attribute_values.key",
            "is ``; expected the key of an attribute",
        ),
        ("otelier/schema: [crypto.*]", "otelier/schema", "is unknown"),
    ] {
        let error = load(&format!(
            "{SPANS},\n  sampler: {{composite/development: {{rule_based: {{rules: [\n    {{{condition},\n     sampler: {{always_on: }}}}]}}}}}}}}"
        ))
        .unwrap_err();
        let [problem] = error.problems() else { panic!("{condition}: {error}") };
        let line = problem.place().map(|place| place.line);
        let sentence = problem.to_string();
        if line != Some(4) || !sentence.contains(&format!("{rule}.{place}`")) || !sentence.contains(expected) {
            wrong.push(format!("{condition}: {line:?}: {sentence}"));
        }
    }
    for (limit, expected) in [
        ("{traces_per_second: 0}", "traces_per_second` is `0`; expected a number above 0 and of at most 1000000000"),
        (
            "{traces_per_second: 2e9}",
            "traces_per_second` is `2000000000`; expected a number above 0 and of at most 1000000000",
        ),
        ("{traces_per_second: 1, per: tenant}", "per` is `tenant`; expected `process` or `schema`"),
        ("{per: schema}", "traces_per_second` is missing"),
    ] {
        let error = refused(&format!("{SPANS}, sampler: {{otelier/rate_limit: {limit}}}}}"));
        if error.len() != 1 || !error[0].contains(expected) {
            wrong.push(format!("{limit}: {error:?}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn each_processor_has_its_exporter_and_its_batches() {
    let telemetry = loaded(
        "tracer_provider:
  processors:
    - batch: {schedule_delay: 250, export_timeout: 0, max_queue_size: 100, exporter: {otlp_http: {endpoint: \"http://a:${PORT}/x\", encoding: json}}}
    - simple: {exporter: {console: }}
    - batch: {exporter: {otlp_grpc: {endpoint: \"https://b:4317\", timeout: 7, tls: {insecure: true, ca_file: /ca}}}}
    - batch: {exporter: {otlp_file/development: {output_stream: file:///tmp/a.jsonl}}}
",
    );
    assert_eq!(telemetry.batch.schedule_delay, Duration::from_millis(250));
    assert_eq!((telemetry.batch.export_timeout, telemetry.batch.max_export_batch_size), (Duration::MAX, 100));
    let [
        Exporter::Otlp(http),
        Exporter::Batched(simple, soon),
        Exporter::Batched(grpc, usual),
        Exporter::Batched(file, _),
    ] = &telemetry.exporters[..]
    else {
        panic!("{:?}", telemetry.exporters)
    };
    assert_eq!(http.endpoint, Some(Endpoint::Exact("http://a:4319/x".to_owned())));
    assert_eq!(http.protocol, Protocol::HttpJson);
    assert_eq!((&**simple, soon.schedule_delay), (&Exporter::Console, Duration::ZERO));
    let Exporter::Otlp(grpc) = &**grpc else { panic!("{grpc:?}") };
    assert_eq!((grpc.protocol, grpc.timeout, grpc.tls.insecure), (Protocol::Grpc, Duration::from_millis(7), true));
    assert_eq!(grpc.tls.ca_file.as_deref(), Some("/ca".as_ref()));
    assert_eq!(*usual, Batching::default());
    assert!(matches!(&**file, Exporter::OtlpFile(_)), "{file:?}");
}

#[test]
fn headers_of_a_list_are_below_those_that_are_written_out_and_none_is_shown() {
    let telemetry = loaded(
        "tracer_provider: {processors: [{batch: {exporter: {otlp_http: {headers: [{name: api-key, value: s3cret}, {name: none, value: }], headers_list: \"a=b\"}}}}]}",
    );
    let Exporter::Otlp(otlp) = &telemetry.exporters[0] else { panic!() };
    assert_eq!(otlp.headers.pairs, [("api-key".to_owned(), "s3cret".to_owned())]);
    assert_eq!(otlp.headers.text, "a=b");
    assert!(!format!("{telemetry:?}").contains("s3cret"));
}

#[test]
fn limits_of_spans_win_over_the_general_ones() {
    let text = "attribute_limits: {attribute_value_length_limit: 10, attribute_count_limit: 11}\n";
    let limits = loaded(&format!(
        "{text}{SPANS}, limits: {{attribute_count_limit: 12, event_count_limit: 0, link_count_limit: 13}}}}"
    ))
    .limits;
    assert_eq!([limits.attribute_value_length, limits.attributes, limits.events, limits.links], [10, 12, 0, 13]);
}

#[test]
fn the_resource_has_types_and_the_detectors_that_are_asked_for() {
    let telemetry = loaded(
        "resource:
  attributes_list: a=1,service.name=listed,b=%20
  attributes:
    - {name: service.name, value: shop}
    - {name: version, value: \"2.0\"}
    - {name: on, value: true, type: bool}
    - {name: ports, value: [1, 2], type: int_array}
  schema_url: https://opentelemetry.io/schemas/1.40.0
  detection/development: {detectors: [{host: }, {otelier/kubernetes: }], attributes: {included: [host.*], excluded: [host.id]}}
",
    );
    assert_eq!(telemetry.service_name.as_deref(), Some("shop"));
    let attributes = &telemetry.resource.attributes;
    let value = |key: &str| attributes.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    assert_eq!(value("b"), Some(" ".into()));
    assert_eq!(value("version"), Some("2.0".into()));
    assert_eq!((value("on"), value("ports")), (Some(true.into()), Some([1_i64, 2].into())));
    assert_eq!(telemetry.resource.detectors, [Detector::Host, Detector::Kubernetes]);
    assert_eq!(
        (&telemetry.resource.included[..], &telemetry.resource.excluded[..]),
        (&["host.*".to_owned()][..], &["host.id".to_owned()][..])
    );
    assert!(telemetry.resource.schema_url.is_some());
}

#[test]
fn both_lists_of_propagators_count_and_none_twice() {
    let telemetry = loaded("propagator: {composite: [{b3: }, {tracecontext: }], composite_list: \"baggage,b3\"}");
    assert_eq!(telemetry.propagators, [Propagator::B3, Propagator::TraceContext, Propagator::Baggage]);
    assert_eq!(loaded("propagator: {composite_list: none}").propagators, []);
    let reasons = refused("propagator: {composite_list: \"xray,b3\"}");
    assert!(reasons[0].starts_with("`propagator.composite_list` is `xray`; expected "), "{reasons:?}");
}

#[test]
fn log_records_and_settings_of_ours_have_their_places() {
    let telemetry = loaded(
        "log_level: debug2
logger_provider: {processors: [{batch: {exporter: {otlp_http: }}}]}
distribution: {otelier: {exception_signal: logs, shutdown_timeout: 1s, tail_sampling: {failed: true, slower_than: 250ms, ratio: 0.01},
  old_names: [retail], span_types: true, panic_messages: false, span_metrics: false, hooks: none}}
instrumentation/development: {general: {stability_opt_in_list: http}}
",
    );
    let own = Batching::default().with_schedule_delay(Duration::from_secs(1));
    assert_eq!(telemetry.log_exporters, Some(vec![LogExporter::Otlp(Otlp::default()).with_batching(own)]));
    assert_eq!(telemetry.log_level, crate::config::LogLevel::Debug);
    assert_eq!(telemetry.exception_signal, crate::config::ExceptionSignal::Logs);
    assert_eq!((telemetry.shutdown_timeout, telemetry.hooks), (Duration::from_secs(1), crate::config::Hooks::None));
    let tail = telemetry.tail_sampling.unwrap();
    assert_eq!((tail.failed, tail.slower_than, tail.ratio), (true, Some(Duration::from_millis(250)), 0.01));
    assert!(telemetry.span_types && !telemetry.panic_messages && !telemetry.span_metrics);
    assert!(telemetry.instrumentation.is_some_and(|node| node.get("general").is_some()));
}

#[test]
fn rules_of_tail_sampling_are_read_with_all_their_conditions() {
    use crate::Priority;
    use crate::config::{AttributePatterns, AttributeRange, Keep, TailRule, TailSampling};
    use crate::schema::Kind;
    let telemetry = loaded(
        "distribution: {otelier: {tail_sampling: {rules: [
  {name: health, keep: never, attribute_values: {key: url.path, values: [/health, /ready]}, span_kinds: [server]},
  {name: errors, keep: always, failed: true, schemas: [crypto.*], priority: normal},
  {name: some, keep: {ratio: 0.25}, slower_than: 2s, span_names: [GET *],
   attribute_patterns: [{key: a, included: [x*], excluded: [xy]}, {key: b}], attribute_ranges: {key: n, min: 1, max: 2.5}},
  {name: few, keep: {traces_per_second: 5}, rate_limited: true, budget_exceeded: true,
   attribute_ranges: [{key: n, max: 7}], attribute_values: [{key: a, values: [b]}, {key: c, values: [d]}]}],
 ratio: 0.01, decide_after: 1m, remember: 2s, max_bytes: 1MiB}}}
",
    );
    let pattern = |key: &str, included: &[&str], excluded: &[&str]| AttributePatterns {
        key: key.to_owned(),
        included: included.iter().map(|text| (*text).to_owned()).collect(),
        excluded: excluded.iter().map(|text| (*text).to_owned()).collect(),
    };
    let mut some = TailRule::new("some", Keep::Ratio(0.25))
        .slower_than(Duration::from_secs(2))
        .span_name("GET *")
        .attribute_between("n", 1.0, 2.5);
    some.attribute_patterns = vec![pattern("a", &["x*"], &["xy"]), pattern("b", &[], &[])];
    let mut few = TailRule::new("few", Keep::RateLimit(5.0)).rate_limited().budget_exceeded();
    few.attribute_ranges.push(AttributeRange { key: "n".into(), min: None, max: Some(7.0) });
    let health = TailRule::new("health", Keep::Never).attribute_is("url.path", ["/health", "/ready"]);
    let expected = TailSampling::new(0.01)
        .with_rule(health.span_kind(Kind::Server))
        .with_rule(TailRule::new("errors", Keep::Always).failed().schema("crypto.*").priority(Priority::Normal))
        .with_rule(some)
        .with_rule(few.attribute_is("a", ["b"]).attribute_is("c", ["d"]))
        .with_decide_after(Duration::from_secs(60))
        .with_remember(Duration::from_secs(2))
        .with_max_bytes(1 << 20);
    assert_eq!(telemetry.tail_sampling, Some(expected));
    assert_eq!(
        loaded("distribution: {otelier: {tail_sampling: {failed: true}}}").tail_sampling,
        Some(TailSampling::failed())
    );
}

#[test]
fn correlation_has_its_settings() {
    use crate::config::Correlation;
    let load = |own: &str| loaded(&format!("distribution: {{otelier: {{correlation: {own}}}}}")).correlation;
    let all = load("{header: X-Request-Id, accept: false, generate: false, baggage: [correlation.id, user.id]}");
    let expected = Correlation::default()
        .with_header("x-request-id")
        .with_accept(false)
        .with_generate(false)
        .with_baggage(["correlation.id", "user.id"]);
    assert_eq!(all, expected);
    assert_eq!(
        load("{header: \"\", baggage: []}"),
        Correlation { header: None, baggage: vec![], ..Correlation::default() }
    );
    assert_eq!((load(""), load("{}")), Default::default());
}

#[test]
fn what_happens_to_batches_that_do_not_arrive_has_its_settings() {
    use crate::config::{CircuitBreaker, DiskBuffer, Retry, Sync};
    let telemetry = loaded(
        "distribution: {otelier: {
  retry: {initial_backoff: 1000, max_backoff: 10s, max_elapsed: 0, max_pending_bytes: 1MiB, also_statuses: [500, 521]},
  circuit_breaker: {failures: 0, open_for: 1m, successes: 3},
  disk_buffer: {directory: /var/lib/a, max_bytes: 1GiB, max_age: 2h, sync: 50}, sdk_metrics: true}}
",
    );
    let retry = Retry::never()
        .with_backoff(Duration::from_secs(1), Duration::from_secs(10))
        .with_max_pending_bytes(1 << 20)
        .with_status(500)
        .with_status(521);
    assert_eq!(telemetry.retry, retry);
    let breaker = CircuitBreaker::never().with_open_for(Duration::from_secs(60)).with_successes(3);
    assert_eq!(telemetry.circuit_breaker, breaker);
    let buffer = DiskBuffer::in_directory("/var/lib/a").with_max_bytes(1 << 30).with_max_age(Duration::from_secs(7200));
    assert_eq!(telemetry.disk_buffer, Some(buffer.with_sync(Sync::Every(Duration::from_millis(50)))));
    for (word, sync) in [("never", Sync::Never), ("always", Sync::Always), ("1s", Sync::Every(Duration::from_secs(1)))]
    {
        let buffer = loaded(&format!("distribution: {{otelier: {{disk_buffer: {{directory: d, sync: {word}}}}}}}"));
        assert_eq!(buffer.disk_buffer, Some(DiskBuffer::in_directory("d").with_sync(sync)));
    }
    let usual = loaded("distribution: {otelier: {retry: , circuit_breaker: {}, disk_buffer: }}");
    assert_eq!((usual.retry, usual.circuit_breaker, usual.disk_buffer), Default::default());
}

#[test]
fn a_failover_and_a_file_that_is_put_aside_are_exporters_of_every_signal() {
    use crate::config::{Failover, MetricExporter, OtlpFile, Rotation, Temporality};
    let failover = "otelier/failover: {exporters: [{otlp_http: {endpoint: \"http://a:1\"}}, {otlp_grpc: {timeout: 7}}]";
    let file = "otelier/otlp_file: {path: /tmp/a.jsonl, max_bytes: 1MiB, max_files: 3, max_age: 1d";
    let telemetry = loaded(&format!(
        "tracer_provider: {{processors: [{{batch: {{exporter: {{{failover}}}}}}}}}, {{batch: {{exporter: {{{file}}}}}}}}}]}}
logger_provider: {{processors: [{{batch: {{exporter: {{{failover}}}}}}}}}, {{batch: {{exporter: {{{file}}}}}}}}}]}}
meter_provider:
  readers:
    - periodic: {{exporter: {{{failover}, temporality_preference: delta}}}}}}
    - periodic: {{exporter: {{{file}, default_histogram_aggregation: base2_exponential_bucket_histogram}}}}}}
"
    ));
    let grpc = Otlp::default().with_protocol(Protocol::Grpc).with_timeout(Duration::from_millis(7));
    let failover = Failover::between([Otlp::to_exactly("http://a:1"), grpc]);
    let rotation = Rotation::default().with_max_bytes(1 << 20).with_max_files(3);
    let file = OtlpFile::to("/tmp/a.jsonl").with_rotation(rotation.with_max_age(Duration::from_secs(86_400)));
    assert_eq!(telemetry.exporters, [Exporter::Failover(failover.clone()), Exporter::OtlpFile(file.clone())]);
    let logs: Vec<_> = telemetry.log_exporters.iter().flatten().map(|exporter| exporter.parts().0).collect();
    assert_eq!(logs, [&LogExporter::Failover(failover.clone()), &LogExporter::OtlpFile(file.clone())]);
    let [first, second] = &telemetry.metrics.readers[..] else { panic!() };
    assert_eq!((&first.exporter, first.temporality), (&MetricExporter::Failover(failover), Temporality::Delta));
    assert_eq!(second.exporter, MetricExporter::OtlpFile(file));
    assert_eq!(second.histogram_aggregation, crate::config::HistogramAggregation::Base2Exponential);
    let plain = loaded("tracer_provider: {processors: [{batch: {exporter: {otelier/otlp_file: {path: b}}}}]}");
    assert_eq!(plain.exporters, [Exporter::OtlpFile(OtlpFile::to("b").with_rotation(Rotation::default()))]);
}

#[test]
fn receivers_by_their_names_have_what_they_want() {
    use crate::config::{Compression, Failover, MetricExporter, Tls};
    let telemetry = loaded(
        "tracer_provider:
  processors:
    - batch: {exporter: {otelier/collector: }}
    - batch: {exporter: {otelier/jaeger: {endpoint: jaeger, protocol: grpc, token: t0ken}}}
    - batch: {exporter: {otelier/tempo: {endpoint: \"https://tempo/otlp\", tenant: shop, user: a, password: \"b:c\", tls: {ca_file: /ca}}}}
    - batch: {exporter: {otelier/datadog_agent: {endpoint: \"::1\", protocol: http/json, compression: gzip, timeout: 7}}}
    - batch: {exporter: {otelier/openobserve: {endpoint: \"http://o2:5080/\", organization: acme, stream: shop}}}
    - batch: {exporter: {otelier/openobserve: {endpoint: \"http://o2:5081\", protocol: grpc}}}
    - batch: {exporter: {otelier/failover: {exporters: [{otelier/collector: {endpoint: \"a:1\"}}, {otelier/jaeger: }]}}}
meter_provider: {readers: [{periodic: {exporter: {otelier/datadog_agent: {temporality_preference: delta}}}}]}
logger_provider: {processors: [{batch: {exporter: {otelier/collector: {endpoint: b}}}}]}
",
    );
    let [collector, jaeger, tempo, agent, http, grpc, failover] = &telemetry.exporters[..] else {
        panic!("{:?}", telemetry.exporters)
    };
    for (exporter, expected) in [
        (collector, Otlp::collector("localhost")),
        (jaeger, Otlp::jaeger("jaeger").with_protocol(Protocol::Grpc).with_bearer_token("t0ken")),
        (
            tempo,
            Otlp::tempo("https://tempo/otlp")
                .with_header("X-Scope-OrgID", "shop")
                .with_basic_auth("a", "b:c")
                .with_tls(Tls::default().with_ca_file("/ca")),
        ),
        (
            agent,
            Otlp::datadog_agent("::1")
                .with_protocol(Protocol::HttpJson)
                .with_compression(Compression::Gzip)
                .with_timeout(Duration::from_millis(7)),
        ),
        (http, Otlp::open_observe("http://o2:5080", "acme", "shop")),
        (grpc, Otlp::open_observe_grpc("http://o2:5081", "default", "default")),
    ] {
        assert_eq!(*exporter, Exporter::Otlp(expected));
    }
    let members = [Otlp::collector("a:1"), Otlp::jaeger("localhost")];
    assert_eq!(*failover, Exporter::Failover(Failover::between(members)));
    let reader = &telemetry.metrics.readers[0];
    assert_eq!(reader.exporter, MetricExporter::Otlp(Otlp::datadog_agent("localhost")));
    assert_eq!(reader.temporality, crate::config::Temporality::Delta);
    let logs: Vec<_> = telemetry.log_exporters.iter().flatten().map(|exporter| exporter.parts().0).collect();
    assert_eq!(logs, [&LogExporter::Otlp(Otlp::collector("b"))]);
    assert!(!format!("{telemetry:?}").contains("t0ken"));
}

#[test]
#[cfg(feature = "_otlp")]
fn the_endpoint_of_a_receiver_by_its_name_is_told_where_it_stands() {
    for (exporter, expected) in [
        ("otelier/collector: {endpoint: \"a b\"}", "`a b`; expected a URL such as `http://localhost:4317`"),
        ("otelier/jaeger: {endpoint: \"ftp://a\"}", "`ftp://a`; expected a URL such as `http://localhost:4318`"),
        ("otelier/tempo: {endpoint: \"a:99999\"}", "`a:99999`; expected a port from 1 to 65535"),
        (
            "otelier/tempo: {endpoint: \"https://ann:pw@a\"}",
            "`https://…@a`; expected a URL without credentials; put them in `user` and `password`, or `token`",
        ),
        ("otelier/openobserve: {endpoint: o2}", "`o2`; expected a URL such as `http://localhost:5080`"),
    ] {
        let error =
            load(&format!("tracer_provider:\n  processors:\n    - batch: {{exporter: {{{exporter}}}}}\n")).unwrap_err();
        let [problem] = error.problems() else { panic!("{error}") };
        assert_eq!(problem.place().map(|place| place.line), Some(4), "{error}");
        assert!(problem.sentence().ends_with(expected), "{problem}");
        assert!(!error.to_string().contains("pw"), "{error}");
    }
}

#[test]
#[cfg(feature = "_otlp")]
fn the_url_of_a_member_of_a_failover_is_told_where_it_stands() {
    let error = load(
        "tracer_provider:
  processors:
    - batch:
        exporter:
          otelier/failover:
            exporters:
              - otlp_http: {endpoint: \"http://a/v1/traces\"}
              - otlp_grpc: {endpoint: \"http://ann:pw@b\"}
",
    )
    .unwrap_err();
    assert_eq!(error.problems()[0].place().map(|place| place.line), Some(9), "{error}");
    assert!(!error.to_string().contains("pw@"), "{error}");
}

#[test]
fn what_nobody_could_honour_is_refused_with_its_place_and_reason() {
    let error = load(&format!(
        "{SPANS}, tracer_configurator/development: {{default_config: {{enabled: false}}}}}}\n\
         logger_provider: {{processors: [{{event_to_span_event_bridge/development: }}]}}\n\
         distribution: {{otelier: {{slos: []}}}}\n"
    ))
    .unwrap_err();
    let lines: Vec<_> = error.problems().iter().map(|problem| problem.place().map(|place| place.line)).collect();
    // What is not a key at all is said first; the others once that is repaired.
    assert_eq!(lines, [Some(4)], "{error}");
    let error = load(&format!(
        "{SPANS}, tracer_configurator/development: {{default_config: {{enabled: false}}}}}}\n\
         logger_provider: {{processors: [{{event_to_span_event_bridge/development: }}]}}\n"
    ))
    .unwrap_err();
    let lines: Vec<_> = error.problems().iter().map(|problem| problem.place().map(|place| place.line)).collect();
    assert_eq!(lines, [Some(2), Some(3)], "{error}");
}

#[test]
#[cfg(feature = "_otlp")]
fn a_url_that_cannot_be_used_is_told_where_it_stands() {
    let error = load(
        "tracer_provider:
  processors:
    - batch: {exporter: {otlp_http: {endpoint: \"http://ann:pw@a/v1/traces\"}}}
    - batch: {exporter: {otlp_grpc: {endpoint: \"a:99999\"}}}
    - batch: {exporter: {otlp_grpc: {endpoint: \"a:4317\"}}}
",
    )
    .unwrap_err();
    let lines: Vec<_> = error.problems().iter().map(|problem| problem.place().map(|place| place.line)).collect();
    assert_eq!(lines, [Some(4), Some(5)], "{error}");
    assert!(!error.to_string().contains("pw@"), "{error}");

    let error = Telemetry::from_variables(&Variables::of([("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")])).unwrap_err();
    assert_eq!(
        error.problems(),
        ["`OTEL_EXPORTER_OTLP_ENDPOINT` is `collector`; expected a URL such as `http://localhost:4318`"]
    );
    // Nobody asked for log records.
    let fine = Telemetry::from_variables(&Variables::of([("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "collector")]));
    assert!(fine.is_ok());
}
