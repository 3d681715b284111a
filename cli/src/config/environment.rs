//! The settings that the environment comes to, laid out as a configuration file has them.

use super::tree::{Item, Shown, without_credentials};
use otelier::config::{ExceptionSignal, OldNames, Otlp, OtlpLogs, Protocol, Sampler, Telemetry};
use std::time::Duration;

/// Tells whether a variable is set.
pub(super) type IsSet<'a> = &'a dyn Fn(&str) -> bool;

/// Everything, each with the variable it comes from.
pub(super) fn tree(telemetry: &Telemetry, set: IsSet<'_>) -> Item {
    let one = |value: serde_json::Value, names: &[&str]| Item::one(value, origin(names, set));
    Item::map([
        ("disabled", one(telemetry.disabled.into(), &["OTEL_SDK_DISABLED"])),
        ("resource", Item::map([("attributes", resource(telemetry, set))])),
        (
            "tracer_provider",
            Item::map([
                ("sampler", sampler(&telemetry.sampler, set)),
                ("limits", limits(telemetry, set)),
                ("processor", Item::map([("batch", batch(telemetry, set))])),
                ("exporters", exporters(telemetry, set)),
            ]),
        ),
        ("logger_provider", Item::map([("exporters", log_exporters(telemetry, set))])),
        ("otelier", own(telemetry, set)),
    ])
}

/// The first of these that is set.
fn origin(names: &[&str], set: IsSet<'_>) -> String {
    names.iter().find(|name| set(name)).map_or_else(|| "default".to_owned(), |name| format!("${name}"))
}

fn milliseconds(duration: Duration) -> serde_json::Value {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).into()
}

fn resource(telemetry: &Telemetry, set: IsSet<'_>) -> Item {
    let mut attributes = Vec::new();
    let from = "$OTEL_RESOURCE_ATTRIBUTES";
    let is_service = |key: &str| key == "service.name";
    match &telemetry.service_name {
        Some(name) => {
            attributes.push(("service.name".to_owned(), Item::one(name.as_str(), origin(&["OTEL_SERVICE_NAME"], set))))
        }
        None if telemetry.resource_attributes.iter().any(|(key, _)| is_service(key)) => {}
        None => attributes.push(("service.name".to_owned(), Item::one("unknown_service", "default"))),
    }
    for (key, value) in &telemetry.resource_attributes {
        if !(is_service(key) && telemetry.service_name.is_some()) {
            attributes.retain(|(other, _)| other != key);
            attributes.push((key.clone(), Item::one(without_credentials(value), from)));
        }
    }
    Item::map(attributes)
}

fn sampler(sampler: &Sampler, set: IsSet<'_>) -> Item {
    let from = origin(&["OTEL_TRACES_SAMPLER"], set);
    // Its argument counts only for a sampler that was named.
    let ratio_from = if from == "default" { from.clone() } else { origin(&["OTEL_TRACES_SAMPLER_ARG"], set) };
    let ratio =
        |ratio: f64| Item::map([("trace_id_ratio_based", Item::map([("ratio", Item::one(ratio, ratio_from))]))]);
    match sampler {
        Sampler::AlwaysOn => Item::one("always_on", from),
        Sampler::AlwaysOff => Item::one("always_off", from),
        Sampler::TraceIdRatio(share) => ratio(*share),
        Sampler::ParentBased(share) => {
            let root = match *share {
                1.0 => Item::one("always_on", from),
                0.0 => Item::one("always_off", from),
                share => ratio(share),
            };
            Item::map([("parent_based", Item::map([("root", root)]))])
        }
        other => Item::one(format!("{other:?}"), from),
    }
}

fn limits(telemetry: &Telemetry, set: IsSet<'_>) -> Item {
    let limits = &telemetry.limits;
    let count = |value: usize, names: &[&str]| {
        // The largest number means that there is no limit.
        let value = if value == usize::MAX { serde_json::Value::Null } else { value.into() };
        Item::one(value, origin(names, set))
    };
    let lengths = ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
    let counts = ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"];
    Item::map([
        ("attribute_value_length_limit", count(limits.attribute_value_length, &lengths)),
        ("attribute_count_limit", count(limits.attributes, &counts)),
        ("event_count_limit", count(limits.events, &["OTEL_SPAN_EVENT_COUNT_LIMIT"])),
        ("link_count_limit", count(limits.links, &["OTEL_SPAN_LINK_COUNT_LIMIT"])),
        ("event_attribute_count_limit", count(limits.event_attributes, &["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"])),
        ("link_attribute_count_limit", count(limits.link_attributes, &["OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"])),
    ])
}

fn batch(telemetry: &Telemetry, set: IsSet<'_>) -> Item {
    let batch = &telemetry.batch;
    let one = |value: serde_json::Value, name: &str| Item::one(value, origin(&[name], set));
    Item::map([
        ("schedule_delay", one(milliseconds(batch.schedule_delay), "OTEL_BSP_SCHEDULE_DELAY")),
        ("export_timeout", one(milliseconds(batch.export_timeout), "OTEL_BSP_EXPORT_TIMEOUT")),
        ("max_queue_size", one(batch.max_queue_size.into(), "OTEL_BSP_MAX_QUEUE_SIZE")),
        ("max_export_batch_size", one(batch.max_export_batch_size.into(), "OTEL_BSP_MAX_EXPORT_BATCH_SIZE")),
    ])
}

fn exporters(telemetry: &Telemetry, set: IsSet<'_>) -> Item {
    let from = origin(&["OTEL_TRACES_EXPORTER"], set);
    let mut all = Vec::new();
    if let Some(otlp) = &telemetry.otlp {
        all.push((kind(otlp.protocol), spans(otlp, set)));
    }
    if telemetry.console {
        all.push(("console", Item { value: Shown::Map(vec![]), origin: Some(from.clone()) }));
    }
    let mut map = Item::map(all);
    map.origin = Some(from);
    map
}

fn log_exporters(telemetry: &Telemetry, set: IsSet<'_>) -> Item {
    let wanted = telemetry.exception_signal != ExceptionSignal::SpanEvents;
    let otlp = telemetry.otlp.as_ref().filter(|_| wanted);
    let all = otlp.and_then(|otlp| {
        otlp.logs.as_ref().map(|logs| (kind(logs.protocol.unwrap_or(otlp.protocol)), logs_of(otlp, logs, set)))
    });
    let mut map = Item::map(all);
    map.origin = Some(origin(&["OTEL_LOGS_EXPORTER"], set));
    map
}

fn kind(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Grpc => "otlp_grpc",
        _ => "otlp_http",
    }
}

/// The endpoint that requests go to, and the variable that says so.
fn endpoint(
    signal: &str,
    path: &str,
    exact: Option<&str>,
    base: Option<&str>,
    protocol: Protocol,
    set: IsSet<'_>,
) -> Item {
    let own = format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");
    if let Some(exact) = exact {
        return Item::one(without_credentials(exact), origin(&[&own], set));
    }
    let from = origin(&["OTEL_EXPORTER_OTLP_ENDPOINT"], set);
    let url = match (base, protocol) {
        (Some(base), Protocol::Grpc) => base.to_owned(),
        (None, Protocol::Grpc) => "http://localhost:4317".to_owned(),
        (base, _) => {
            let base = base.unwrap_or("http://localhost:4318");
            let (base, query) =
                base.split_once('?').map_or((base, String::new()), |(base, query)| (base, format!("?{query}")));
            format!("{}/v1/{path}{query}", base.trim_end_matches('/'))
        }
    };
    Item::one(without_credentials(&url), from)
}

fn headers(headers: &str, names: &[&str], set: IsSet<'_>) -> Item {
    let from = origin(names, set);
    let names = headers.split(',').filter_map(|pair| pair.split_once('='));
    let mut map = Item::map(names.map(|(name, _)| (name.trim(), Item::hidden(from.clone()))));
    map.origin = Some(from);
    map
}

fn spans(otlp: &Otlp, set: IsSet<'_>) -> Item {
    let names =
        |name: &str| ["OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"].map(|prefix| format!("{prefix}{name}"));
    let from = |name: &str| origin(&names(name).each_ref().map(String::as_str), set);
    Item::map([
        (
            "endpoint",
            endpoint("TRACES", "traces", otlp.traces_endpoint.as_deref(), otlp.endpoint.as_deref(), otlp.protocol, set),
        ),
        ("protocol", Item::one(protocol(otlp.protocol), from("PROTOCOL"))),
        ("headers", headers(&otlp.headers, &names("HEADERS").each_ref().map(String::as_str), set)),
        ("timeout", Item::one(milliseconds(otlp.timeout), from("TIMEOUT"))),
    ])
}

fn logs_of(otlp: &Otlp, logs: &OtlpLogs, set: IsSet<'_>) -> Item {
    let names =
        |name: &str| ["OTEL_EXPORTER_OTLP_LOGS_", "OTEL_EXPORTER_OTLP_"].map(|prefix| format!("{prefix}{name}"));
    let from = |name: &str| origin(&names(name).each_ref().map(String::as_str), set);
    let way = logs.protocol.unwrap_or(otlp.protocol);
    Item::map([
        ("endpoint", endpoint("LOGS", "logs", logs.endpoint.as_deref(), otlp.endpoint.as_deref(), way, set)),
        ("protocol", Item::one(protocol(way), from("PROTOCOL"))),
        (
            "headers",
            headers(
                logs.headers.as_deref().unwrap_or(&otlp.headers),
                &names("HEADERS").each_ref().map(String::as_str),
                set,
            ),
        ),
        ("timeout", Item::one(milliseconds(logs.timeout.unwrap_or(otlp.timeout)), from("TIMEOUT"))),
    ])
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Grpc => "grpc",
        _ => "http/protobuf",
    }
}

/// Otelier's own settings.
fn own(telemetry: &Telemetry, set: IsSet<'_>) -> Item {
    let one = |value: serde_json::Value, name: &str| Item::one(value, origin(&[name], set));
    let old: Vec<&str> = telemetry.old_names.iter().copied().map(OldNames::as_str).collect();
    let signal = match telemetry.exception_signal {
        ExceptionSignal::Logs => "logs",
        ExceptionSignal::Both => "logs/dup",
        _ => "span_events",
    };
    Item::map([
        ("old_names", one(old.join(",").into(), "OTELIER_OLD_NAMES")),
        ("span_types", one(telemetry.span_types.into(), "OTELIER_SPAN_TYPES")),
        ("panic_messages", one(telemetry.panic_messages.into(), "OTELIER_PANIC_MESSAGES")),
        ("span_metrics", one(telemetry.span_metrics.into(), "OTELIER_SPAN_METRICS")),
        ("exception_signal", one(signal.into(), "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier::config::Variables;

    #[test]
    fn every_value_has_the_variable_it_comes_from() {
        let variables = [
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=data"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "700"),
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs"),
        ];
        let telemetry = Telemetry::from_variables(&Variables::of(variables)).unwrap();
        let text = tree(&telemetry, &|name| variables.iter().any(|(set, _)| *set == name)).text();
        for line in [
            "\ndisabled: false  # default\n",
            "\n    service.name: shop  # $OTEL_SERVICE_NAME\n    team: data  # $OTEL_RESOURCE_ATTRIBUTES\n",
            "\n          ratio: 0.25  # $OTEL_TRACES_SAMPLER_ARG\n",
            "\n    attribute_count_limit: 7  # $OTEL_ATTRIBUTE_COUNT_LIMIT\n",
            "\n      schedule_delay: 5000  # default\n",
            "\n      endpoint: http://collector:4318/v1/traces  # $OTEL_EXPORTER_OTLP_ENDPOINT\n",
            "\n        api-key: [hidden]  # $OTEL_EXPORTER_OTLP_HEADERS\n",
            "\n      timeout: 700  # $OTEL_EXPORTER_OTLP_TRACES_TIMEOUT\n",
            "\n      endpoint: http://collector:4318/v1/logs  # $OTEL_EXPORTER_OTLP_ENDPOINT\n",
            "\n  exception_signal: logs  # $OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN\n",
        ] {
            assert!(format!("\n{text}").contains(line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("secret"), "{text}");
    }
}
