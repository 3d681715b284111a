//! What of a span and of its events stands in a row, where there is no room for everything.

use super::tree::{Node, Trace};
use opentelemetry::trace::{Event, SpanKind};
use opentelemetry::{KeyValue, Value};

/// What the name, the schema or the outcome says anyway.
const SAID: [&str; 10] = [
    "crypto.operation_type",
    "crypto.processing_stage",
    "error.type",
    "file.path",
    "http.request.method",
    "otelier.cancelled",
    "otelier.http.cancelled_in",
    "otelier.http.disconnected",
    "rpc.system.name",
    "url.template",
];

/// Where code stands and how bytes travelled. It is nearly the same on every span, and would push out what is not.
const ASIDE: [&str; 8] = [
    "busy_ns",
    "http.request.body.size",
    "http.response.body.size",
    "idle_ns",
    "level",
    "target",
    "url.query",
    "url.scheme",
];
const ASIDE_GROUPS: [&str; 4] = ["code.", "network.", "thread.", "user_agent."];

/// Who is at the ends of a request, which the URL says, too.
const ENDS: [&str; 4] = ["client.address", "client.port", "server.address", "server.port"];

/// What every span below the one that brought it has as well.
const INHERITED: [&str; 6] =
    ["correlation.id", "crypto.workflow_id", "crypto.workflow_name", "job.id", "operation.name", "user.id"];

/// The answer to a request, which a reader looks for first.
const ANSWER: [&str; 2] = ["http.response.status_code", "rpc.response.status_code"];

/// Attributes worth showing beside the name of the span at this position, with short keys.
pub(super) fn attributes(trace: &Trace, at: usize) -> Vec<(&str, String)> {
    let node = &trace.nodes()[at];
    let parent = node.parent.map(|parent| &trace.nodes()[parent]);
    let has_url = node.attribute("url.full").is_some() || node.attribute("url.path").is_some();
    let shown = |attribute: &&KeyValue| {
        let key = attribute.key.as_str();
        let text = attribute.value.as_str();
        let in_name = text.len() > 2 && node.span.name.contains(&*text);
        let in_error =
            ANSWER.contains(&key) && node.is_error() && node.attribute("error.type") == Some(&text_of(attribute));
        let inherited =
            INHERITED.contains(&key) && parent.is_some_and(|parent| parent.attribute(key) == Some(&attribute.value));
        !(in_name
            || in_error
            || inherited
            || SAID.contains(&key)
            || ASIDE.contains(&key)
            || ASIDE_GROUPS.iter().any(|group| key.starts_with(group))
            || has_url && ENDS.contains(&key))
    };
    let mut attributes: Vec<&KeyValue> = node.span.attributes.iter().filter(shown).collect();
    attributes.sort_by_key(|attribute| !ANSWER.contains(&attribute.key.as_str()));
    let ambiguous =
        |key: &str| attributes.iter().filter(|other| short_key(other.key.as_str()) == short_key(key)).count() > 1;
    attributes
        .iter()
        .map(|attribute| {
            let key = attribute.key.as_str();
            (if ambiguous(key) { last_two(key) } else { short_key(key) }, attribute.value.to_string())
        })
        .collect()
}

fn text_of(attribute: &KeyValue) -> Value {
    Value::from(attribute.value.to_string())
}

/// Attributes worth showing beside the name of an event, with short keys.
pub(super) fn event_attributes(event: &Event) -> impl Iterator<Item = (&str, String)> {
    event.attributes.iter().filter_map(|attribute| {
        let key = attribute.key.as_str();
        let loud = key == "level" && matches!(&*attribute.value.as_str(), "WARN" | "ERROR");
        let aside = ASIDE.contains(&key) || ASIDE_GROUPS.iter().any(|group| key.starts_with(group));
        (loud || !aside).then(|| (short_key(key), attribute.value.to_string()))
    })
}

/// The side of a request, for spans that are named alike on both.
pub(super) fn side(node: &Node) -> Option<&'static str> {
    let method = node.attribute("http.request.method").map(Value::as_str);
    let is_http = method.is_some_and(|method| node.span.name.split(' ').next() == Some(&*method));
    if !is_http && node.attribute("rpc.system.name").is_none() {
        return None;
    }
    match node.span.span_kind {
        SpanKind::Client => Some("client"),
        SpanKind::Server => Some("server"),
        _ => None,
    }
}

/// What it means that a span was cancelled.
pub(super) fn cancelled(node: &Node) -> &'static str {
    let place = |key| node.attribute(key).map(|value| value.as_str());
    let (sent, served) = (place("otelier.http.cancelled_in"), place("otelier.http.disconnected"));
    match (sent.as_deref(), served.as_deref()) {
        (Some("waiting"), _) => "dropped before the answer came",
        (Some("body"), _) => "the answer's body was not read to its end",
        (_, Some("before_response")) => "the client did not wait for the answer",
        (_, Some("response_body")) => "the client did not take the whole answer",
        _ => "dropped before it was ready",
    }
}

/// The last segment of an attribute's key.
fn short_key(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// The last two segments, where the last one is not enough.
fn last_two(key: &str) -> &str {
    key.rmatch_indices('.').nth(1).map_or(key, |(dot, _)| &key[dot + 1..])
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::span;
    use super::*;
    use opentelemetry::trace::Status;
    use opentelemetry_sdk::trace::SpanData;

    fn with(mut span: SpanData, kind: SpanKind, attributes: &[(&'static str, Value)]) -> SpanData {
        span.span_kind = kind;
        span.attributes = attributes.iter().map(|(key, value)| KeyValue::new(*key, value.clone())).collect();
        span
    }

    fn row(spans: Vec<SpanData>, at: usize) -> String {
        let trace = Trace::group(spans).remove(0);
        attributes(&trace, at).iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    }

    fn request(status: i64) -> Vec<(&'static str, Value)> {
        vec![
            ("http.request.method", "GET".into()),
            ("http.route", "/orders/{id}".into()),
            ("url.path", "/orders/7".into()),
            ("url.query", "page=1".into()),
            ("url.scheme", "http".into()),
            ("server.address", "shop.example".into()),
            ("client.address", "203.0.113.7".into()),
            ("network.peer.port", 4711.into()),
            ("user_agent.original", "curl/8".into()),
            ("http.response.status_code", status.into()),
            ("http.response.body.size", 7.into()),
        ]
    }

    #[test]
    fn a_request_shows_its_answer_first_and_what_is_its_own() {
        let served = with(span(1, 0, "GET /orders/{id}", 0, 9), SpanKind::Server, &request(200));
        assert_eq!(row(vec![served.clone()], 0), "status_code=200 path=/orders/7");
        let trace = Trace::group([served]).remove(0);
        assert_eq!(side(&trace.nodes()[0]), Some("server"));
    }

    #[test]
    fn an_answer_that_is_the_error_is_not_said_twice() {
        let mut attributes = request(503);
        attributes.push(("error.type", "503".into()));
        let mut served = with(span(1, 0, "GET /orders/{id}", 0, 9), SpanKind::Server, &attributes);
        served.status = Status::error("");
        assert_eq!(row(vec![served], 0), "path=/orders/7");
    }

    #[test]
    fn a_correlation_stands_where_it_comes_in_and_where_it_changes() {
        let ids = |id: &'static str| vec![("correlation.id", Value::from(id)), ("user.id", "ada".into())];
        let spans = || {
            vec![
                with(span(1, 0, "all", 0, 9), SpanKind::Internal, &ids("order-42")),
                with(span(2, 1, "below", 1, 3), SpanKind::Internal, &ids("order-42")),
                with(span(3, 1, "other", 4, 5), SpanKind::Internal, &ids("order-43")),
            ]
        };
        assert_eq!(row(spans(), 0), "correlation.id=order-42 user.id=ada");
        assert_eq!(row(spans(), 1), "");
        assert_eq!(row(spans(), 2), "id=order-43");
    }

    #[test]
    fn a_span_with_a_name_of_its_own_says_no_side() {
        let call =
            with(span(1, 0, "binance /klines", 0, 9), SpanKind::Client, &[("http.request.method", "GET".into())]);
        let trace = Trace::group([call]).remove(0);
        assert_eq!(side(&trace.nodes()[0]), None);
    }

    #[test]
    fn an_event_of_tracing_shows_its_fields_and_only_a_loud_level() {
        let event = |level: &'static str| {
            let attributes = [
                ("rows", Value::I64(3)),
                ("level", level.into()),
                ("target", "sqlx".into()),
                ("code.line.number", 7.into()),
            ];
            let attributes = attributes.map(|(key, value)| KeyValue::new(key, value)).to_vec();
            Event::new("summary", std::time::SystemTime::UNIX_EPOCH, attributes, 0)
        };
        let shown = |event| event_attributes(&event).map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
        assert_eq!(shown(event("INFO")), ["rows=3"]);
        assert_eq!(shown(event("ERROR")), ["rows=3", "level=ERROR"]);
    }
}
