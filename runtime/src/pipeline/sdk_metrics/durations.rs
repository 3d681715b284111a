//! How long exports and collections take.

use super::component::Component;
use crate::export::{Book, Operation};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use std::sync::Arc;

/// Those that the semantic conventions give to durations in seconds, and the timeout that exports have.
const BOUNDARIES: [f64; 15] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0];

/// Lets the books tell two histograms what takes how long.
pub(super) fn observe(meter: &Meter, books: &[Arc<Book>], components: &[Component]) {
    let histogram = |name: &'static str, description: &'static str| {
        let builder = meter.f64_histogram(name).with_unit("s").with_description(description);
        builder.with_boundaries(BOUNDARIES.to_vec()).build()
    };
    let exports =
        histogram("otel.sdk.exporter.operation.duration", "The duration of exporting a batch of telemetry records.");
    let collections = histogram(
        "otel.sdk.metric_reader.collection.duration",
        "The duration of the collect operation of the metric reader.",
    );
    for (book, component) in books.iter().zip(components) {
        let (exports, collections, component) = (exports.clone(), collections.clone(), component.clone());
        book.observe(Arc::new(move |operation, duration, error_type| {
            let (histogram, attributes) = match operation {
                Operation::Export => (&exports, &component.attributes),
                Operation::Collect => (&collections, &component.reader),
            };
            let mut attributes = attributes.clone();
            attributes.extend(error_type.map(|error_type| KeyValue::new("error.type", error_type.to_owned())));
            if operation == Operation::Export {
                attributes.extend(status(&component.kind, error_type));
            }
            histogram.record(duration.as_secs_f64(), &attributes);
        }));
    }
}

/// The status that the receiver answered with, as far as the error says it: over HTTP a success may be any of 200 to 299,
/// over gRPC it is one.
fn status(kind: &str, error_type: Option<&str>) -> Option<KeyValue> {
    if kind.starts_with("otlp_grpc_") {
        let status = match error_type {
            None | Some("rejected") => "OK",
            Some(error) if is_grpc_status(error) => error,
            Some(_) => return None,
        };
        return Some(KeyValue::new("rpc.response.status_code", status.to_owned()));
    }
    let is_http = kind.starts_with("otlp_http_") || kind.starts_with("zipkin_http_");
    let status = error_type.filter(|_| is_http)?.parse::<u16>().ok()?;
    (100..=599).contains(&status).then(|| KeyValue::new("http.response.status_code", i64::from(status)))
}

/// Whether this is a name as gRPC gives to its statuses, such as `DEADLINE_EXCEEDED`. Reasons of ours are in small letters.
fn is_grpc_status(error: &str) -> bool {
    error.starts_with(|c: char| c.is_ascii_uppercase()) && error.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_where_the_error_says_it() {
        let of = |kind, error| status(kind, error).map(|found| format!("{}={}", found.key, found.value));
        let grpc = "otlp_grpc_span_exporter";
        assert_eq!(of(grpc, None).as_deref(), Some("rpc.response.status_code=OK"));
        assert_eq!(of(grpc, Some("rejected")).as_deref(), Some("rpc.response.status_code=OK"));
        assert_eq!(of(grpc, Some("UNAVAILABLE")).as_deref(), Some("rpc.response.status_code=UNAVAILABLE"));
        assert_eq!(of(grpc, Some("timeout")), None);
        assert_eq!(of("otlp_http_log_exporter", Some("503")).as_deref(), Some("http.response.status_code=503"));
        assert_eq!(of("zipkin_http_span_exporter", Some("42")), None);
        assert_eq!(of("otlp_http_span_exporter", None), None);
        assert_eq!(of("MemoryExporter", Some("503")), None);
    }
}
