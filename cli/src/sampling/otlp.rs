//! Spans of a line of OTLP JSON.

use otelier::opentelemetry::{Array, KeyValue, Value};
use otelier::sampling::SimulatedSpan;
use otelier::schema::Kind;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    resource_spans: Option<Vec<ResourceSpans>>,
    // Other signals, which a file may hold, too.
    resource_logs: Option<IgnoredAny>,
    resource_metrics: Option<IgnoredAny>,
    resource_profiles: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    #[serde(default)]
    resource: Resource,
    #[serde(default)]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Default, Deserialize)]
struct Resource {
    #[serde(default)]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    trace_id: String,
    span_id: String,
    #[serde(default)]
    parent_span_id: String,
    #[serde(default)]
    trace_state: String,
    #[serde(default)]
    flags: u32,
    #[serde(default)]
    name: String,
    #[serde(default)]
    kind: Number,
    start_time_unix_nano: Number,
    end_time_unix_nano: Number,
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    events: Vec<Event>,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    name: String,
    #[serde(default)]
    attributes: Vec<Attribute>,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    code: Number,
}

#[derive(Debug, Deserialize)]
struct Attribute {
    key: String,
    value: Option<AnyValue>,
}

/// A value with its type as key; without one it is empty, or of a type that no rule looks at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AnyValue {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<Number>,
    double_value: Option<Double>,
    array_value: Option<List>,
}

#[derive(Debug, Deserialize)]
struct List {
    #[serde(default)]
    values: Vec<AnyValue>,
}

/// A number, or a text: 64 bits do not fit into JSON's numbers, and some write the names of enums.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Int(i64),
    Unsigned(u64),
    Text(String),
}

impl Default for Number {
    fn default() -> Self {
        Self::Int(0)
    }
}

impl Number {
    fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Unsigned(number) => i64::try_from(*number).ok(),
            Self::Text(text) => text.parse().ok(),
        }
    }

    fn unsigned(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Unsigned(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }

    /// The number of an enum's value, or that of its name.
    fn named(&self, prefix: &str, names: &[&str]) -> Option<i64> {
        match self {
            Self::Text(text) => {
                let name = text.strip_prefix(prefix)?;
                (0..).zip(names).find_map(|(number, known)| (*known == name).then_some(number))
            }
            number => number.int(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Double {
    Number(f64),
    Text(String),
}

/// The spans of requests that follow each other; none in a text without anything. Or what is wrong, so many lines below the first.
pub(super) fn spans(text: &[u8]) -> Result<Vec<SimulatedSpan>, (u64, String)> {
    let mut spans = Vec::new();
    let mut requests = serde_json::Deserializer::from_slice(text).into_iter::<Request>();
    let mut begin = 0;
    while let Some(request) = requests.next() {
        let request = request.map_err(|error| unreadable(&error))?;
        let end = requests.byte_offset();
        let lines = |at: usize| text[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        let bytes = text[begin..end].trim_ascii_start();
        let found = of_request(request, bytes).map_err(|why| (lines(end - bytes.len()), why))?;
        spans.extend(found);
        begin = end;
    }
    Ok(spans)
}

/// Why this is none, at which line. Lines of the text are those of the input.
fn unreadable(error: &serde_json::Error) -> (u64, String) {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let why = text.strip_suffix(&place).unwrap_or(&text);
    let line = (error.line() as u64).saturating_sub(1);
    (line, format!("this is no OTLP in JSON: {why} at column {}", error.column()))
}

fn of_request(request: Request, text: &[u8]) -> Result<Vec<SimulatedSpan>, String> {
    let has_others =
        [request.resource_logs, request.resource_metrics, request.resource_profiles].iter().any(Option::is_some);
    let Some(resources) = request.resource_spans else {
        let is_known = has_others || text == b"{}";
        return if is_known {
            Ok(Vec::new())
        } else {
            Err("there is no `resourceSpans`; expected an ExportTraceServiceRequest".to_owned())
        };
    };
    let (mut spans, mut weights) = (Vec::new(), 0);
    for ResourceSpans { resource, scope_spans } in resources {
        let process = format!("{:?}", resource.attributes);
        for span in scope_spans.into_iter().flat_map(|scope| scope.spans) {
            let span = simulated(span, &process).map_err(|why| format!("span {}: {why}", spans.len() + 1))?;
            weights += span.bytes;
            spans.push(span);
        }
    }
    // What all have together, such as the resource, is part of each.
    for span in &mut spans {
        span.bytes = (text.len() as f64 * span.bytes as f64 / weights as f64) as usize;
    }
    Ok(spans)
}

fn simulated(span: Span, process: &str) -> Result<SimulatedSpan, String> {
    const IS_REMOTE_IS_KNOWN: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;
    const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    let time = |key: &str, number: &Number| {
        number
            .unsigned()
            .filter(|nanos| *nanos > 0)
            .ok_or_else(|| format!("`{key}` is no time; expected nanoseconds since 1970"))
    };
    let start = time("startTimeUnixNano", &span.start_time_unix_nano)?;
    let end = time("endTimeUnixNano", &span.end_time_unix_nano)?;
    let kind = span.kind.named("SPAN_KIND_", &KINDS).ok_or("`kind` is no span kind; expected 0 to 5")?;
    let code = span.status.code.named("STATUS_CODE_", &["UNSET", "OK", "ERROR"]);
    let code = code.ok_or("`status.code` is no status; expected 0 to 2")?;
    let bytes = weight(&span.name, &span.attributes)
        + span.events.iter().map(|event| weight(&event.name, &event.attributes)).sum::<usize>();
    let attributes = attributes(span.attributes)?;
    let schema = attributes.iter().find(|attribute| attribute.key.as_str() == "otelier.span_type");
    Ok(SimulatedSpan {
        process: process.to_owned(),
        trace_id: id(&span.trace_id, 32).ok_or("`traceId` is no id; expected 32 hexadecimal digits")?,
        span_id: id(&span.span_id, 16)
            .and_then(|id| id.try_into().ok())
            .ok_or("`spanId` is no id; expected 16 hexadecimal digits")?,
        parent_span_id: match span.parent_span_id.as_str() {
            "" | "0000000000000000" => 0,
            text => id(text, 16)
                .and_then(|id| id.try_into().ok())
                .ok_or("`parentSpanId` is no id; expected 16 hexadecimal digits")?,
        },
        parent_is_remote: (span.flags & IS_REMOTE_IS_KNOWN != 0).then_some(span.flags & IS_REMOTE != 0),
        trace_state: span.trace_state,
        name: span.name,
        kind: match kind {
            2 => Kind::Server,
            3 => Kind::Client,
            4 => Kind::Producer,
            5 => Kind::Consumer,
            _ => Kind::Internal,
        },
        schema: schema.map(|schema| schema.value.as_str().into_owned()).unwrap_or_default(),
        start,
        end,
        failed: code == 2,
        attributes,
        events: span.events.into_iter().map(|event| event.name).collect(),
        bytes,
        ..SimulatedSpan::default()
    })
}

fn id(text: &str, digits: usize) -> Option<u128> {
    let is_id = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| u128::from_str_radix(text, 16).ok()).flatten().filter(|id| *id != 0)
}

/// About how many bytes of a line these take.
fn weight(name: &str, attributes: &[Attribute]) -> usize {
    fn of(value: &AnyValue) -> usize {
        let list = value.array_value.iter().flat_map(|list| &list.values);
        value.string_value.as_ref().map_or(8, String::len) + list.map(|value| 24 + of(value)).sum::<usize>()
    }
    let attributes = attributes.iter().map(|one| 40 + one.key.len() + one.value.as_ref().map_or(0, of));
    200 + name.len() + attributes.sum::<usize>()
}

fn attributes(attributes: Vec<Attribute>) -> Result<Vec<KeyValue>, String> {
    let mut found = Vec::with_capacity(attributes.len());
    for Attribute { key, value: given } in attributes {
        let Some(given) = given else { continue };
        let wrong = || format!("the attribute `{key}` has a value of another type than it says");
        if let Some(value) = value(given).map_err(|()| wrong())? {
            found.push(KeyValue::new(key, value));
        }
    }
    Ok(found)
}

/// `None` for what no rule looks at: bytes, maps, and lists that are empty or mixed.
fn value(value: AnyValue) -> Result<Option<Value>, ()> {
    let AnyValue { string_value, bool_value, int_value, double_value, array_value } = value;
    if let Some(text) = string_value {
        return Ok(Some(text.into()));
    }
    if let Some(value) = bool_value {
        return Ok(Some(value.into()));
    }
    if let Some(number) = int_value {
        return Ok(Some(number.int().ok_or(())?.into()));
    }
    match double_value {
        Some(Double::Number(number)) => return Ok(Some(number.into())),
        Some(Double::Text(text)) => return Ok(Some(text.parse::<f64>().map_err(|_| ())?.into())),
        None => {}
    }
    let Some(List { values }) = array_value else { return Ok(None) };
    let values: Result<Vec<Option<Value>>, ()> = values.into_iter().map(self::value).collect();
    let values: Option<Vec<Value>> = values?.into_iter().collect();
    Ok(values.and_then(array).map(Value::Array))
}

fn array(values: Vec<Value>) -> Option<Array> {
    macro_rules! all {
        ($variant:ident) => {
            values
                .into_iter()
                .map(|value| if let Value::$variant(value) = value { Some(value) } else { None })
                .collect::<Option<Vec<_>>>()
        };
    }
    match values.first()? {
        Value::Bool(_) => all!(Bool).map(Array::Bool),
        Value::I64(_) => all!(I64).map(Array::I64),
        Value::F64(_) => all!(F64).map(Array::F64),
        Value::String(_) => all!(String).map(Array::String),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(span: &str) -> String {
        format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},"scopeSpans":[{{"scope":{{"name":"x"}},"spans":[{span}]}}]}}]}}"#
        )
    }

    const IDS: &str = r#""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174""#;

    #[test]
    fn everything_that_rules_look_at_is_read() {
        let text = line(&format!(
            r#"{{{IDS},"parentSpanId":"eee19b7ec3c1b173","traceState":"ot=th:8","flags":769,"name":"a","kind":3,
            "startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,
            "attributes":[{{"key":"otelier.span_type","value":{{"stringValue":"crypto.api"}}}},
                {{"key":"i","value":{{"intValue":"-7"}}}}, {{"key":"d","value":{{"doubleValue":0.5}}}},
                {{"key":"b","value":{{"boolValue":true}}}}, {{"key":"l","value":{{"arrayValue":{{"values":[{{"intValue":1}}]}}}}}},
                {{"key":"m","value":{{"kvlistValue":{{"values":[]}}}}}}, {{"key":"n"}}, {{"key":"e","value":{{}}}}],
            "events":[{{"timeUnixNano":"1","name":"crypto.rate_limited"}}], "status":{{"code":2}}, "links":[]}}"#
        ));
        let found = spans(text.as_bytes()).unwrap();
        let [span] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((span.parent_is_remote, span.kind, span.failed), (Some(true), Kind::Client, true));
        assert_eq!((span.schema.as_str(), span.end - span.start), ("crypto.api", 1_000_000_000));
        assert_eq!((span.trace_state.as_str(), span.bytes), ("ot=th:8", text.len()));
        let twice = spans(format!("{text}\n{text}").as_bytes()).unwrap();
        assert_eq!(twice.iter().map(|span| span.bytes).collect::<Vec<_>>(), [text.len(); 2]);
        let expected = [
            KeyValue::new("otelier.span_type", "crypto.api"),
            KeyValue::new("i", -7_i64),
            KeyValue::new("d", 0.5),
            KeyValue::new("b", true),
            KeyValue::new("l", Value::Array(Array::I64(vec![1]))),
        ];
        assert_eq!(span.attributes, expected);
        assert_eq!(span.events, ["crypto.rate_limited"]);
    }

    #[test]
    fn other_signals_have_no_spans_and_mistakes_are_told() {
        assert_eq!(spans(br#"{"resourceLogs":[]}"#), Ok(vec![]));
        let times = r#""startTimeUnixNano":"1","endTimeUnixNano":"2""#;
        for (text, expected) in [
            ("[]".to_owned(), "this is no OTLP in JSON: "),
            (r#"{"spans":[]}"#.to_owned(), "there is no `resourceSpans`; expected an ExportTraceServiceRequest"),
            (line("{}"), "this is no OTLP in JSON: missing field `traceId`"),
            (
                line(&format!("{{{IDS},\"startTimeUnixNano\":\"0\",\"endTimeUnixNano\":\"2\"}}")),
                "span 1: `startTimeUnixNano` is no time",
            ),
            (line(&format!("{{{IDS},{times},\"kind\":\"client\"}}")), "span 1: `kind` is no span kind"),
            (line(&format!("{{{},{times}}}", IDS.replace("5b8e", "zzzz"))), "span 1: `traceId` is no id"),
            (
                line(&format!(r#"{{{IDS},{times},"attributes":[{{"key":"a","value":{{"intValue":"x"}}}}]}}"#)),
                "span 1: the attribute `a` has a value of another type than it says",
            ),
        ] {
            let (_, error) = spans(text.as_bytes()).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let deep = line(&format!("{{\"attributes\": {}1", "[".repeat(100_000)));
        assert!(spans(deep.as_bytes()).is_err());
    }
}
