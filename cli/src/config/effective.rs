//! The values that hold: those that somebody said, and the defaults of everything else that is there.

use super::tree::Item;
use otelier::config::describe::Type;
use otelier::config::keys::CONFIGURATION;
use otelier::config::{Limits, Node, Settings};
use serde_json::Value;

const DEFAULT: &str = "default";

/// Everything that holds, each with where it comes from.
pub(super) fn tree(settings: &Settings) -> Item {
    let mut tree = Item::of(&settings.tree, Some(&Type::Section(&CONFIGURATION)));
    // Sections that hold without being written.
    tree.fill(&["attribute_limits"], &CONFIGURATION);
    for path in [
        &["distribution", "otelier"][..],
        &["distribution", "otelier", "retry"],
        &["distribution", "otelier", "circuit_breaker"],
    ] {
        tree.fill(path, &CONFIGURATION);
    }
    service_name(settings, &mut tree);
    // A file without `tracer_provider` has no spans; with variables there are always some.
    if settings.file.is_none() || settings.get("tracer_provider").is_some() {
        limits(settings, &mut tree);
        tree.fill(&["tracer_provider", "limits"], &CONFIGURATION);
        if said(settings, "tracer_provider.sampler").is_none() {
            let parent_based = Item::map([("root", Item::map([("always_on", Item::empty(DEFAULT))]))]);
            tree.at(&["tracer_provider"]).put("sampler", Item::map([("parent_based", parent_based)]));
        }
    }
    for (provider, path) in [("tracer_provider", "traces"), ("logger_provider", "logs")] {
        endpoints(settings, &mut tree, provider, path);
    }
    members(settings, &mut tree);
    tree
}

/// What somebody said at this path.
fn said<'a>(settings: &'a Settings, path: &str) -> Option<&'a Node> {
    settings.get(path).filter(|node| !node.is_null())
}

fn service_name(settings: &Settings, tree: &mut Item) {
    let telemetry = &settings.telemetry;
    let is_listed = telemetry.resource.attributes.iter().any(|(key, _)| key == "service.name");
    if telemetry.service_name.is_none() && !is_listed {
        // What it will be is the program's name, which nobody knows here.
        let value = Item::one("unknown_service:<program>", DEFAULT);
        let (name, kind) = (Item::one("service.name", DEFAULT), Item::one("string", DEFAULT));
        let attribute = Item::map([("name", name), ("value", value), ("type", kind)]);
        tree.at(&["resource", "attributes"]).push(attribute);
    }
}

/// A limit of spans is their own, or that of everything, or the default.
fn limits(settings: &Settings, tree: &mut Item) {
    type Get = fn(&Limits) -> usize;
    let all: [(&str, Get); 6] = [
        ("attribute_value_length_limit", |limits| limits.attribute_value_length),
        ("attribute_count_limit", |limits| limits.attributes),
        ("event_count_limit", |limits| limits.events),
        ("link_count_limit", |limits| limits.links),
        ("event_attribute_count_limit", |limits| limits.event_attributes),
        ("link_attribute_count_limit", |limits| limits.link_attributes),
    ];
    for (key, get) in all {
        if said(settings, &format!("tracer_provider.limits.{key}")).is_some() {
            continue;
        }
        let origin = said(settings, &format!("attribute_limits.{key}"));
        let origin = origin.map_or_else(|| DEFAULT.to_owned(), |node| node.origin.to_string());
        let limit = get(&settings.telemetry.limits);
        // The largest number means that there is no limit.
        let limit = if limit == usize::MAX { Value::Null } else { limit.into() };
        tree.at(&["tracer_provider", "limits"]).put(key, Item::one(limit, origin));
    }
}

/// The URL of an exporter over HTTP depends on the signal, so no description of keys has it.
fn endpoints(settings: &Settings, tree: &mut Item, provider: &str, path: &str) {
    let processors = settings.get(&format!("{provider}.processors")).map(Node::items).unwrap_or_default();
    for (number, processor) in processors.iter().enumerate() {
        let Some(kind) = processor.entries().first() else { continue };
        let Some(http) = kind.node.get("exporter").and_then(|exporter| exporter.get("otlp_http")) else { continue };
        if http.get("endpoint").is_none_or(Node::is_null) {
            let url = format!("http://localhost:4318/v1/{path}");
            let processor = tree.at(&[provider, "processors"]).item(number);
            processor.at(&[&kind.key, "exporter", "otlp_http"]).put("endpoint", Item::one(url, DEFAULT));
        }
    }
}

/// The same, of the receivers of a failover.
fn members(settings: &Settings, tree: &mut Item) {
    const PROVIDERS: [(&str, &str, &str); 3] = [
        ("tracer_provider", "processors", "traces"),
        ("logger_provider", "processors", "logs"),
        ("meter_provider", "readers", "metrics"),
    ];
    for (provider, list, path) in PROVIDERS {
        let items = settings.get(&format!("{provider}.{list}")).map(Node::items).unwrap_or_default();
        for (number, item) in items.iter().enumerate() {
            let Some(kind) = item.entries().first() else { continue };
            let failover = kind.node.get("exporter").and_then(|exporter| exporter.get("otelier/failover"));
            let Some(members) = failover.and_then(|failover| failover.get("exporters")) else { continue };
            for (member, http) in
                members.items().iter().enumerate().filter_map(|(at, one)| Some((at, one.get("otlp_http")?)))
            {
                if http.get("endpoint").is_some_and(|endpoint| !endpoint.is_null()) {
                    continue;
                }
                let url = Item::one(format!("http://localhost:4318/v1/{path}"), DEFAULT);
                let at = tree.at(&[provider, list]).item(number);
                let at = at.at(&[&kind.key, "exporter", "otelier/failover", "exporters"]).item(member);
                at.at(&["otlp_http"]).put("endpoint", url);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier::config::{Document, Variables};

    #[track_caller]
    fn assert_lines(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(format!("\n{text}").contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn every_value_has_the_variable_it_comes_from() {
        let variables = Variables::of([
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=data"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7"),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", "9"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "700"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs"),
        ]);
        let text = tree(&Settings::from_variables(&variables).unwrap()).text();
        assert_lines(
            &text,
            &[
                "\ndisabled: false  # default\n",
                "\n  attributes_list: team=data  # $OTEL_RESOURCE_ATTRIBUTES\n",
                "\n      name: service.name  # default\n      value: shop  # $OTEL_SERVICE_NAME\n",
                "\n          ratio: 0.25  # $OTEL_TRACES_SAMPLER_ARG\n",
                "\n    attribute_count_limit: 7  # $OTEL_ATTRIBUTE_COUNT_LIMIT\n",
                "\n    event_count_limit: 9  # $OTEL_SPAN_EVENT_COUNT_LIMIT\n",
                "\n    link_count_limit: 128  # default\n",
                "\n        schedule_delay: 5000  # default\n",
                "\n        max_export_batch_size: 100  # default\n",
                "\n            endpoint: http://collector:4318/v1/traces  # $OTEL_EXPORTER_OTLP_ENDPOINT\n",
                "\n            headers_list: [hidden]  # $OTEL_EXPORTER_OTLP_HEADERS\n",
                "\n            timeout: 700  # $OTEL_EXPORTER_OTLP_TRACES_TIMEOUT\n",
                "\n            endpoint: http://collector:4318/v1/logs  # $OTEL_EXPORTER_OTLP_ENDPOINT\n",
                "\n    exception_signal: logs  # $OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN\n",
                "\n    span_types: false  # default\n",
            ],
        );
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn what_nobody_said_is_shown_as_well() {
        let text = tree(&Settings::from_variables(&Variables::of([])).unwrap()).text();
        assert_lines(
            &text,
            &[
                "\n  composite_list: tracecontext,baggage  # default\n",
                "\n      value: \"unknown_service:<program>\"  # default\n",
                "\n        always_on: {}  # default\n",
                "\n            endpoint: http://localhost:4318/v1/traces  # default\n",
                "\n            endpoint: http://localhost:4318/v1/logs  # default\n",
                "\n    attribute_value_length_limit: 1024  # default\n",
            ],
        );
    }

    #[test]
    fn a_file_has_its_places_and_no_spans_if_it_says_nothing_of_them() {
        let parse = |text: &str| {
            let document = Document::parse("otel.yaml", text, &Variables::of([("DELAY", "250")])).unwrap();
            tree(&Settings::from_document(document).unwrap()).text()
        };
        let text = parse(
            "file_format: \"1.1\"\ntracer_provider:\n  processors:\n    - batch:\n        schedule_delay: ${DELAY}\n        \
             exporter:\n          otlp_http:\n            headers:\n              - name: api-key\n                value: secret\n",
        );
        assert_lines(
            &text,
            &[
                "\n        schedule_delay: 250  # otel.yaml:5:25 with $DELAY\n",
                "\n        export_timeout: 30000  # default\n",
                "\n                name: api-key  # otel.yaml:9:23\n                value: [hidden]  # otel.yaml:10:24\n",
                "\n            endpoint: http://localhost:4318/v1/traces  # default\n",
            ],
        );
        assert!(!text.contains("propagator") && !text.contains("secret"), "{text}");
        let text = parse("file_format: \"1.1\"\n");
        assert!(!text.contains("tracer_provider") && text.contains("panic_messages: true  # default"), "{text}");
    }

    #[test]
    fn settings_of_delivery_have_their_origins_and_defaults() {
        let variables = Variables::of([("OTELIER_DISK_BUFFER", "/var/lib/a"), ("OTELIER_RETRY_MAX_ELAPSED", "1000")]);
        let text = tree(&Settings::from_variables(&variables).unwrap()).text();
        assert_lines(
            &text,
            &[
                "\n      directory: /var/lib/a  # $OTELIER_DISK_BUFFER\n",
                "\n      max_bytes: 536870912  # default\n",
                "\n      sync: 1000  # default\n",
                "\n      max_elapsed: 1000  # $OTELIER_RETRY_MAX_ELAPSED\n",
                "\n      initial_backoff: 5000  # default\n",
                "\n      open_for: 30000  # default\n",
                "\n    sdk_metrics: false  # default\n",
            ],
        );
        let file = "file_format: \"1.1\"
tracer_provider:
  processors:
    - batch:
        exporter:
          otelier/failover:
            exporters:
              - otlp_http: {headers_list: api-key=secret}
              - otlp_grpc: {endpoint: \"http://b:4317\"}
    - batch:
        exporter:
          otelier/otlp_file: {path: /tmp/a.jsonl, max_bytes: 1MiB}
";
        let document = Document::parse("otel.yaml", file, &Variables::of([])).unwrap();
        let text = tree(&Settings::from_document(document).unwrap()).text();
        assert_lines(
            &text,
            &[
                "\n                  endpoint: http://localhost:4318/v1/traces  # default\n",
                "\n                  headers_list: [hidden]  # otel.yaml:8:43\n",
                "\n                  endpoint: http://b:4317  # otel.yaml:9:39\n",
                "\n                  timeout: 10000  # default\n",
                "\n            max_bytes: \"1MiB\"  # otel.yaml:12:62\n",
                "\n            max_files: 8  # default\n",
            ],
        );
        assert!(!text.contains("secret") && !text.contains("disk_buffer"), "{text}");
    }
}
