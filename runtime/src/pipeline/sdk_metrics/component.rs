//! What the semantic conventions call the parts of a pipeline.

use crate::export::{Book, Signal};
use opentelemetry::KeyValue;
use std::sync::Arc;

/// An exporter, by the attributes of everything that is measured of it.
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// `otel.component.type`.
    pub(super) kind: String,
    /// With `otel.component.type` and `otel.component.name`, and for receivers `server.address` and `server.port`.
    pub(super) attributes: Vec<KeyValue>,
    /// The same of the reader that hands metrics to it.
    pub(super) reader: Vec<KeyValue>,
}

/// The type of what takes spans out of the threads, and its one instance.
pub(super) fn processor() -> Vec<KeyValue> {
    named("batching_span_processor", 0)
}

fn named(kind: &str, number: usize) -> Vec<KeyValue> {
    vec![
        KeyValue::new("otel.component.type", kind.to_owned()),
        KeyValue::new("otel.component.name", format!("{kind}/{number}")),
    ]
}

impl Component {
    /// The components of these exporters. Those of one type are numbered in the order in which they were configured, so
    /// that names are the same after a restart.
    pub(super) fn of_all(books: &[Arc<Book>]) -> Vec<Self> {
        let mut seen: Vec<String> = Vec::new();
        let mut number = |kind: &str| {
            seen.push(kind.to_owned());
            seen.iter().filter(|seen| *seen == kind).count() - 1
        };
        let of = |book: &Arc<Book>| {
            let (kind, server) = parts(&book.name, book.signal);
            let mut attributes = named(&kind, number(&kind));
            // A server that is asked collects itself.
            let reader = match (book.signal, kind.starts_with("prometheus")) {
                (Signal::Metrics, false) => named("periodic_metric_reader", number("periodic_metric_reader")),
                _ => attributes.clone(),
            };
            if let Some((address, port)) = server {
                attributes.push(KeyValue::new("server.address", address));
                attributes.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
            }
            Self { kind, attributes, reader }
        };
        books.iter().map(of).collect()
    }
}

type Server = (String, Option<u16>);

/// The type that the conventions have for the exporter of this name, and where it sends to. Where they have none, it is the
/// name of its type in Rust.
fn parts(name: &str, signal: Signal) -> (String, Option<Server>) {
    let of = match signal {
        Signal::Spans => "span",
        Signal::Logs => "log",
        Signal::Metrics => "metric",
    };
    let words: Vec<_> = name.split(' ').collect();
    match *words {
        ["otlp", "grpc", url] => (format!("otlp_grpc_{of}_exporter"), server(url)),
        ["otlp", "http/json", url] => (format!("otlp_http_json_{of}_exporter"), server(url)),
        ["otlp", _, url] => (format!("otlp_http_{of}_exporter"), server(url)),
        ["zipkin", url] => ("zipkin_http_span_exporter".to_owned(), server(url)),
        // It is asked, and so it has no server.
        ["prometheus", _] => ("prometheus_http_text_metric_exporter".to_owned(), None),
        // Names of files, and of several receivers, are not for a metric.
        ["otlp_file", ..] => (format!("otlp_file_{of}_exporter"), None),
        ["failover", ..] => (format!("failover_{of}_exporter"), None),
        ["console", ..] => ("ConsoleExporter".to_owned(), None),
        _ => (name.to_owned(), None),
    }
}

/// Host and port of a URL.
fn server(url: &str) -> Option<Server> {
    let (scheme, rest) = url.split_once("://").or_else(|| url.split_once(':'))?;
    if scheme == "unix" {
        return Some((rest.to_owned(), None));
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let usual = if scheme == "https" { 443 } else { 80 };
    // The colons of an IPv6 address are within brackets.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, usual),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), Some(port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn types_and_servers_are_those_of_the_conventions() {
        let server = |address: &str, port| Some((address.to_owned(), port));
        for (name, signal, kind, expected) in [
            (
                "otlp http/protobuf http://a:4318/v1/traces",
                Signal::Spans,
                "otlp_http_span_exporter",
                server("a", Some(4318)),
            ),
            ("otlp http/json https://a/v1/logs", Signal::Logs, "otlp_http_json_log_exporter", server("a", Some(443))),
            ("otlp grpc http://[::1]:4317/", Signal::Metrics, "otlp_grpc_metric_exporter", server("::1", Some(4317))),
            ("otlp grpc http://[::1]", Signal::Spans, "otlp_grpc_span_exporter", server("::1", Some(80))),
            (
                "otlp grpc unix:///run/otel.sock",
                Signal::Spans,
                "otlp_grpc_span_exporter",
                server("/run/otel.sock", None),
            ),
            ("zipkin http://a:9411/api/v2/spans", Signal::Spans, "zipkin_http_span_exporter", server("a", Some(9411))),
            ("prometheus http://a:9464/metrics", Signal::Metrics, "prometheus_http_text_metric_exporter", None),
            ("otlp_file /tmp/some file", Signal::Spans, "otlp_file_span_exporter", None),
            ("console metrics", Signal::Metrics, "ConsoleExporter", None),
            ("MemoryExporter", Signal::Spans, "MemoryExporter", None),
        ] {
            assert_eq!(parts(name, signal), (kind.to_owned(), expected), "{name}");
        }
    }

    #[test]
    fn exporters_of_one_type_are_numbered() {
        let book = |name: &str, signal| Arc::new(Book::new(name, signal, Duration::from_secs(1)));
        let books = [
            book("otlp grpc http://a", Signal::Spans),
            book("otlp grpc http://b", Signal::Spans),
            book("otlp grpc http://a", Signal::Metrics),
        ];
        let components = Component::of_all(&books);
        let name = |attributes: &[KeyValue]| attributes[1].value.as_str().into_owned();
        let names: Vec<_> = components.iter().map(|one| name(&one.attributes)).collect();
        assert_eq!(names, ["otlp_grpc_span_exporter/0", "otlp_grpc_span_exporter/1", "otlp_grpc_metric_exporter/0"]);
        assert_eq!(name(&components[2].reader), "periodic_metric_reader/0");
    }
}
