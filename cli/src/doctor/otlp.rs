//! A span and a metric there and back.

use super::network::{milliseconds, shown};
use super::report::{Check, Status};
use super::request::{self, Answer};
use super::target::{Signal, Target};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use otelier::config::Protocol;
use otelier::{Guard, Stats};
use prost::Message;
use serde_json::json;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// How many spans go there, one after the other.
const ROUNDS: usize = 5;

/// What became of the spans.
pub(super) struct Spans {
    pub(super) check: Check,
    /// What exporters said, if they failed.
    pub(super) error: Option<String>,
}

/// Sends spans with the pipeline that programs have, one at a time, until one does not arrive.
pub(super) fn spans(guard: &Guard, limit: Duration) -> Spans {
    const NAME: &str = "span";
    let mut times = Vec::new();
    let mut stats = guard.stats();
    for round in 1..=ROUNDS as u64 {
        otelier::Span::start("otelier doctor").end();
        let begun = Instant::now();
        // A request has its own deadline, which tells more than this one.
        let in_time = guard.force_flush(limit + Duration::from_millis(500)).is_ok();
        let took = begun.elapsed();
        stats = guard.stats();
        if !in_time || spans_of(&stats).any(|exporter| exporter.exported < round) {
            break;
        }
        times.push(took);
    }
    let error = spans_of(&stats).find_map(|exporter| {
        (exporter.failed > 0 || exporter.rejected > 0 || exporter.exported == 0)
            .then(|| exporter.last_error.clone().unwrap_or_else(|| format!("no answer within {limit:?}")))
    });
    let rejected: u64 = spans_of(&stats).map(|exporter| exporter.rejected).sum();
    let message = spans_of(&stats).find_map(|exporter| exporter.last_error.clone());
    let names: Vec<String> = spans_of(&stats).map(|exporter| exporter.name.clone()).collect();
    let names = names.join(", ");
    let check = match (&error, message) {
        (Some(error), _) if rejected > 0 => {
            let why =
                "The receiver takes the requests and throws spans away, which programs see only in their statistics.";
            Check::fail(NAME, format!("rejected by the receiver (partial success): {error}"), why)
                .help("Look at the receiver's own log and its limits.")
        }
        (Some(error), _) => {
            let why =
                "What did not work here does not work in programs either: it was sent by the exporter that they have.";
            Check::fail(NAME, error.clone(), why).help(advice(error))
        }
        (None, Some(message)) => {
            let why = "The receiver warns of something that it took nevertheless.";
            Check::warn(NAME, format!("{names}: accepted, with a warning: {message}"), why)
                .help("Look at what the receiver says.")
        }
        (None, None) => {
            let found = format!("{names}: accepted");
            Check::ok(NAME, found).line(format!("{}, the first {}", round_trip(&times), first(&times)))
        }
    };
    let check = check.with("exporter", names).with("accepted", times.len()).with("rejected", rejected);
    let check = check.with("median_ms", median(&times).map(milliseconds));
    Spans { check: check.with("rounds_ms", times.into_iter().map(milliseconds).collect::<Vec<_>>()), error }
}

fn spans_of(stats: &Stats) -> impl Iterator<Item = &otelier::ExporterStats> {
    stats.exporters.iter().filter(|exporter| exporter.signal == otelier::export::Signal::Spans)
}

fn median(times: &[Duration]) -> Option<Duration> {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied()
}

fn first(times: &[Duration]) -> String {
    times.first().map_or_else(String::new, |first| shown(*first))
}

fn round_trip(times: &[Duration]) -> String {
    let median = median(times).map(shown).unwrap_or_default();
    format!("round trip {median}, median of {}", times.len())
}

/// What a refusal asks for.
fn advice(error: &str) -> &'static str {
    match Refusal::of(error) {
        Refusal::Unauthenticated | Refusal::Forbidden => "See `authentication`.",
        Refusal::NotThere => {
            "The receiver does not take spans at this path: give `OTEL_EXPORTER_OTLP_ENDPOINT` its base URL, or \
             `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` the whole one."
        }
        Refusal::Busy => "The receiver is overloaded, or one behind it; look at its own log.",
        Refusal::Late => {
            "The receiver takes the connection and does not answer; look at its own log, or give `--timeout` more."
        }
        Refusal::TooLarge => "Set a larger `max_request_size`, or smaller batches.",
        Refusal::Other => "See `connect`, `tls` and `protocol`.",
    }
}

/// Kinds of refusals, told apart by what the runtime says of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Unauthenticated,
    Forbidden,
    NotThere,
    Busy,
    Late,
    TooLarge,
    Other,
}

impl Refusal {
    fn of(error: &str) -> Self {
        if error.contains("did not answer within") || error.starts_with("no answer within") {
            return Self::Late;
        }
        if error.starts_with("the request has ") {
            return Self::TooLarge;
        }
        // The answer's own words come after this, so that they cannot be taken for a status.
        let Some((_, said)) = error.split_once(" answered ") else { return Self::Other };
        match said.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default() {
            "401" | "Unauthenticated" => Self::Unauthenticated,
            "403" | "PermissionDenied" => Self::Forbidden,
            "404" | "405" | "Unimplemented" | "NotFound" => Self::NotThere,
            "429" | "502" | "503" | "504" | "ResourceExhausted" | "Unavailable" => Self::Busy,
            "DeadlineExceeded" => Self::Late,
            _ => Self::Other,
        }
    }
}

/// Whether the receiver knows who sends.
pub(super) fn authentication(target: &Target, error: Option<&str>) -> Check {
    const NAME: &str = "authentication";
    let names = target.header_names();
    let sent = match names.is_empty() {
        true => "no headers are configured".to_owned(),
        false => format!("headers sent: {}", names.join(", ")),
    };
    let why = "The receiver is there and refuses what is sent; every batch is lost.";
    let check = match error.map(Refusal::of) {
        None => Check::ok(NAME, format!("accepted; {sent}")),
        Some(Refusal::Unauthenticated) => {
            let check = Check::fail(NAME, format!("the receiver does not know who sends; {sent}"), why);
            match names.is_empty() {
                true => check
                    .help("Put the credentials into `OTEL_EXPORTER_OTLP_HEADERS`, such as `authorization=Bearer%20…`."),
                false => {
                    check.help("Renew the credentials in `OTEL_EXPORTER_OTLP_HEADERS`; a blank is written `%20` there.")
                }
            }
        }
        Some(Refusal::Forbidden) => {
            Check::fail(NAME, format!("the receiver knows who sends, and does not permit it; {sent}"), why)
                .help("Give these credentials the right to write telemetry, or use others; look for the tenant, too.")
        }
        Some(_) => Check::skipped(NAME, "the span was not answered as far as that"),
    };
    check.with("headers", names)
}

/// Whether the receiver speaks the other protocol, asked with a request without spans.
pub(super) async fn protocol(target: &Target, limit: Duration) -> Option<Check> {
    const NAME: &str = "protocol";
    let other = if target.protocol == Protocol::Grpc { Protocol::HttpProtobuf } else { Protocol::Grpc };
    let mut turned = Target { protocol: other, ..target.clone() };
    if other == Protocol::HttpProtobuf && turned.url.path() == "/" {
        let url = format!("{}://{}/v1/traces", turned.url.scheme_str()?, turned.address());
        turned.url = url.parse().ok()?;
    }
    let answer = request::send(&turned, TRACES, Bytes::new(), limit).await.ok()?;
    if !answer.is_otlp(other) {
        return None;
    }
    let (is, wanted) = (target.protocol.as_str(), other.as_str());
    let found = format!("{} speaks {wanted}, and {is} is configured", target.address());
    let why = "A receiver has a port for each protocol; on the wrong one every batch fails.";
    let port = if target.protocol == Protocol::Grpc { 4317 } else { 4318 };
    let check = Check::fail(NAME, found, why).with("configured", is).with("found", wanted);
    Some(
        check
            .help(format!("Set `OTEL_EXPORTER_OTLP_PROTOCOL={wanted}`, or send to the port for {is}, usually {port}.")),
    )
}

/// A request without anything in it: it asks whether the receiver takes this signal, and leaves nothing behind.
pub(super) async fn empty(target: &Target, limit: Duration) -> Result<Answer, String> {
    let method = match target.signal {
        Signal::Spans => TRACES,
        Signal::Metrics => METRICS,
        Signal::Logs => LOGS,
    };
    let message = if target.protocol == Protocol::HttpJson { Bytes::from_static(b"{}") } else { Bytes::new() };
    request::send(target, method, message, limit).await
}

/// Whether log records would be taken.
pub(super) fn logs(target: &Target, answer: &Result<Answer, String>) -> Check {
    const NAME: &str = "log records";
    let why = "Exceptions are to go as log records, and would be lost.";
    let help = "Set `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`, or leave exceptions on spans: unset `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`.";
    match answer {
        Err(error) => Check::fail(NAME, format!("{}: {error}", target.url), why).help(help),
        Ok(answer) => match answer.refusal() {
            Some(refusal) => Check::fail(NAME, format!("{}: {refusal}", target.url), why).help(help),
            None => Check::ok(NAME, format!("{}: a request without records was accepted", target.url)),
        },
    }
}

/// A metric there and back. The one function that goes when the runtime exports metrics itself: then a gauge through its
/// meter provider, as `spans` does it for spans.
pub(super) async fn metric(target: &Target, service: &str, limit: Duration) -> Check {
    const NAME: &str = "metric";
    let mut times = Vec::new();
    let mut last = Err("nothing was sent".to_owned());
    for _ in 0..ROUNDS {
        let message = match target.protocol {
            Protocol::HttpJson => json_gauge(service).to_string().into_bytes(),
            _ => gauge(service).encode_to_vec(),
        };
        last = request::send(target, METRICS, Bytes::from(message), limit).await;
        match &last {
            Ok(answer) if answer.refusal().is_none() => times.push(answer.took),
            _ => break,
        }
    }
    let url = &target.url;
    let why = "Metrics of programs would be lost.";
    let check = match &last {
        Err(error) => Check::fail(NAME, format!("{url}: {error}"), why).help("See `connect` and `protocol`."),
        Ok(answer) => verdict(target, answer, &times),
    };
    let check = check.with("url", url.to_string()).with("accepted", times.len());
    check.with("median_ms", median(&times).map(milliseconds))
}

fn verdict(target: &Target, answer: &Answer, times: &[Duration]) -> Check {
    const NAME: &str = "metric";
    let url = &target.url;
    let unimplemented = answer.grpc.as_ref().is_some_and(|(code, _)| *code == 12);
    if let Some(refusal) = answer.refusal() {
        let found = format!("{url} answered {refusal}");
        if unimplemented || matches!(answer.status, 404 | 405) && answer.grpc.is_none() {
            let why = "This receiver takes no metrics: those of programs that send some would be lost.";
            return Check::warn(NAME, found, why).help(
                "Set `OTEL_METRICS_EXPORTER=none` if there are to be none, or `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` to a receiver that takes them.",
            );
        }
        let check = Check::fail(NAME, found, "Metrics of programs would be lost.");
        let is_access = matches!(answer.status, 401 | 403) || matches!(answer.grpc, Some((7 | 16, _)));
        return match is_access {
            true => check.help(
                "See `authentication`; metrics may have headers of their own, `OTEL_EXPORTER_OTLP_METRICS_HEADERS`.",
            ),
            false => check.help("Look at the receiver's own log."),
        };
    }
    match partial(target, answer) {
        Some((rejected, said)) if rejected > 0 => Check::fail(
            NAME,
            format!("{url}: rejected by the receiver (partial success): {said}"),
            "The receiver takes the requests and throws metrics away.",
        )
        .help("Look at the receiver's own log and its limits."),
        Some((_, said)) if !said.is_empty() => {
            let why = "The receiver warns of something that it took nevertheless.";
            Check::warn(NAME, format!("{url}: accepted, with a warning: {said}"), why)
                .help("Look at what the receiver says.")
        }
        _ => Check::ok(NAME, format!("{url}: accepted")).line(round_trip(times)),
    }
}

/// How many data points were rejected, and what the receiver says of it.
fn partial(target: &Target, answer: &Answer) -> Option<(i64, String)> {
    let (rejected, said) = match target.protocol {
        Protocol::HttpJson => {
            let body: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
            let partial = body.get("partialSuccess")?;
            // Numbers of 64 bits are texts in protobuf's JSON.
            let rejected = partial.get("rejectedDataPoints");
            let rejected = rejected.and_then(|count| count.as_i64().or_else(|| count.as_str()?.parse().ok()));
            let said = partial.get("errorMessage").and_then(|said| said.as_str()).unwrap_or_default();
            (rejected.unwrap_or(0), said.to_owned())
        }
        _ => {
            let partial = ExportMetricsServiceResponse::decode(answer.body.clone()).ok()?.partial_success?;
            (partial.rejected_data_points, partial.error_message)
        }
    };
    Some((rejected, super::printable(said.as_bytes())))
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// One gauge, `otelier.doctor`, of 1.
fn gauge(service: &str) -> ExportMetricsServiceRequest {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let point = NumberDataPoint {
        time_unix_nano: u64::try_from(now).unwrap_or_default(),
        value: Some(number_data_point::Value::AsInt(1)),
        ..NumberDataPoint::default()
    };
    let metric = Metric {
        name: "otelier.doctor".to_owned(),
        description: "Sent by `otelier doctor` to see whether metrics arrive.".to_owned(),
        unit: "1".to_owned(),
        data: Some(metric::Data::Gauge(Gauge { data_points: vec![point] })),
        ..Metric::default()
    };
    let scope = InstrumentationScope { name: "otelier-doctor".to_owned(), ..InstrumentationScope::default() };
    let metrics = ScopeMetrics { scope: Some(scope), metrics: vec![metric], ..ScopeMetrics::default() };
    let resource = Resource { attributes: vec![text("service.name", service)], ..Resource::default() };
    let resource =
        ResourceMetrics { resource: Some(resource), scope_metrics: vec![metrics], ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }
}

/// The same in JSON.
fn json_gauge(service: &str) -> serde_json::Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    json!({ "resourceMetrics": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] },
        "scopeMetrics": [{
            "scope": { "name": "otelier-doctor" },
            "metrics": [{
                "name": "otelier.doctor",
                "description": "Sent by `otelier doctor` to see whether metrics arrive.",
                "unit": "1",
                "gauge": { "dataPoints": [{ "timeUnixNano": now.to_string(), "asInt": "1" }] },
            }],
        }],
    }] })
}

/// Whether what is asked of others makes sense after this.
pub(super) fn arrived(check: &Check) -> bool {
    matches!(check.status, Status::Ok | Status::Warn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart_by_the_answer_and_not_by_its_words() {
        for (error, expected) in [
            ("http://a:1/v1/traces answered 401", Refusal::Unauthenticated),
            ("http://a:1/v1/traces answered 403: answered 401", Refusal::Forbidden),
            ("http://a:1/ answered Unauthenticated: no token", Refusal::Unauthenticated),
            ("http://a:1/ answered PermissionDenied", Refusal::Forbidden),
            ("http://a:1/ answered 400: 401", Refusal::Other),
            ("http://a:1/v1/traces answered 404: page", Refusal::NotThere),
            ("http://a:1/v1/traces answered 503", Refusal::Busy),
            ("http://a:1/v1/traces did not answer within 1s", Refusal::Late),
            ("the request has 9 bytes, more than `max_request_size` (1) allows", Refusal::TooLarge),
            ("no connection to http://a:1/v1/traces: refused", Refusal::Other),
        ] {
            assert_eq!(Refusal::of(error), expected, "{error}");
        }
    }

    #[test]
    fn the_median_is_that_of_what_is_there() {
        let times = [5, 1, 9].map(Duration::from_millis);
        assert_eq!(median(&times), Some(Duration::from_millis(5)));
        assert_eq!(median(&[]), None);
    }
}
