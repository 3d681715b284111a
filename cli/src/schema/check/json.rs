//! Spans in OTLP/JSON.

use super::otlp;
use otelier_registry::check::{SampleValue, SpanSample};
use serde_json::Value;

/// Other signals, which a file may hold too.
const OTHERS: [&str; 3] = ["resourceLogs", "resourceMetrics", "resourceProfiles"];

/// The spans of all requests in `bytes`, which come one after another.
pub(super) fn spans(bytes: &[u8]) -> Result<Vec<SpanSample>, String> {
    let mut spans = Vec::new();
    for (index, request) in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>().enumerate() {
        let request = request.map_err(|error| format!("this is no JSON: {error}"))?;
        let place = format!("request {}", index + 1);
        let known = |request: &serde_json::Map<String, Value>| {
            request.is_empty()
                || request.contains_key("resourceSpans")
                || OTHERS.iter().any(|key| request.contains_key(*key))
        };
        if !request.as_object().is_some_and(known) {
            return Err(format!("{place} has no `resourceSpans`; expected an ExportTraceServiceRequest"));
        }
        for resource in list(&request, "resourceSpans", &place)? {
            for scope in list(resource, "scopeSpans", &place)? {
                for one in list(scope, "spans", &place)? {
                    spans.push(span(one, &place)?);
                }
            }
        }
    }
    Ok(spans)
}

/// The items of a list, which may be absent.
fn list<'a>(value: &'a Value, key: &str, place: &str) -> Result<&'a [Value], String> {
    match &value[key] {
        Value::Null if value.is_object() => Ok(&[]),
        Value::Array(items) => Ok(items),
        _ => Err(format!("{place}: `{key}` is no list")),
    }
}

fn text(value: &Value, key: &str, place: &str) -> Result<String, String> {
    match &value[key] {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        _ => Err(format!("{place}: `{key}` is no text")),
    }
}

fn span(span: &Value, place: &str) -> Result<SpanSample, String> {
    let event = |event| Ok((text(event, "name", place)?, attributes(event, place)?));
    Ok(SpanSample {
        span_type: None,
        name: text(span, "name", place)?,
        kind: otlp::kind(kind(&span["kind"]).ok_or_else(|| format!("{place}: `kind` is no span kind"))?),
        attributes: attributes(span, place)?,
        events: list(span, "events", place)?.iter().map(event).collect::<Result<_, String>>()?,
    })
}

/// The number of a kind; some write its name.
fn kind(kind: &Value) -> Option<i64> {
    const NAMES: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    match kind {
        Value::Null => Some(0),
        Value::String(name) => {
            let name = name.strip_prefix("SPAN_KIND_")?;
            (0..).zip(NAMES).find_map(|(number, known)| (known == name).then_some(number))
        }
        other => other.as_i64(),
    }
}

fn attributes(value: &Value, place: &str) -> Result<Vec<(String, SampleValue)>, String> {
    let attribute = |one: &Value| Ok((text(one, "key", place)?, any(&one["value"], place)?));
    list(value, "attributes", place)?.iter().map(attribute).collect()
}

/// A value with its type as key: `{"intValue": "1"}`.
fn any(value: &Value, place: &str) -> Result<SampleValue, String> {
    let Some((key, inner)) = value.as_object().and_then(|value| value.iter().next()) else {
        return Ok(SampleValue::Other);
    };
    let found = match key.as_str() {
        "stringValue" => inner.as_str().map(|text| SampleValue::String(text.to_owned())),
        "boolValue" => inner.as_bool().map(SampleValue::Boolean),
        // 64 bits do not fit into JSON's numbers, so they are text.
        "intValue" => inner.as_i64().or_else(|| inner.as_str()?.parse().ok()).map(SampleValue::Int),
        "doubleValue" => inner.as_f64().or_else(|| inner.as_str()?.parse().ok()).map(SampleValue::Double),
        "arrayValue" => {
            let items = list(inner, "values", place)?.iter().map(|item| any(item, place));
            Some(SampleValue::Array(items.collect::<Result<_, String>>()?))
        }
        _ => Some(SampleValue::Other),
    };
    found.ok_or_else(|| format!("{place}: `{key}` has a value of another type"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier_registry::model::Kind;

    #[test]
    fn every_type_of_value_is_read() {
        let request = r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{"name":"x"},"spans":[{
            "traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"a","kind":3,
            "attributes":[
                {"key":"s","value":{"stringValue":"x"}}, {"key":"i","value":{"intValue":"9223372036854775807"}},
                {"key":"n","value":{"intValue":-7}}, {"key":"d","value":{"doubleValue":0.5}},
                {"key":"nan","value":{"doubleValue":"-Infinity"}}, {"key":"b","value":{"boolValue":true}},
                {"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"}]}}}, {"key":"e","value":{"arrayValue":{}}},
                {"key":"m","value":{"kvlistValue":{"values":[]}}}, {"key":"none"}],
            "events":[{"timeUnixNano":"1","name":"e","attributes":[{"key":"x","value":{"stringValue":""}}]}]}]}]}]}"#;
        let all = spans(format!("{request}\n{{\"resourceLogs\":[]}}\n{{}}\n").as_bytes()).unwrap();
        let [span] = all.as_slice() else { panic!("{all:?}") };
        use SampleValue::{Array, Boolean, Double, Int, Other, String as Text};
        let expected = [
            ("s", Text("x".to_owned())),
            ("i", Int(i64::MAX)),
            ("n", Int(-7)),
            ("d", Double(0.5)),
            ("nan", Double(f64::NEG_INFINITY)),
            ("b", Boolean(true)),
            ("a", Array(vec![Int(1)])),
            ("e", Array(Vec::new())),
            ("m", Other),
            ("none", Other),
        ];
        assert_eq!(span.attributes, expected.map(|(key, value)| (key.to_owned(), value)));
        assert_eq!((span.name.as_str(), span.kind), ("a", Kind::Client));
        assert_eq!(span.events, [("e".to_owned(), vec![("x".to_owned(), Text(String::new()))])]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let span = |inner: &str| format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{inner}]}}]}}]}}"#);
        let cases = [
            ("{}{".to_owned(), "this is no JSON: EOF while parsing an object at line 1 column 3"),
            ("{\"spans\": []}".to_owned(), "request 1 has no `resourceSpans`; expected an ExportTraceServiceRequest"),
            ("{} []".to_owned(), "request 2 has no `resourceSpans`; expected an ExportTraceServiceRequest"),
            ("{\"resourceSpans\": 1}".to_owned(), "request 1: `resourceSpans` is no list"),
            (span("1"), "request 1: `attributes` is no list"),
            (span(r#"{"name": 1}"#), "request 1: `name` is no text"),
            (span(r#"{"kind": "client"}"#), "request 1: `kind` is no span kind"),
            (
                span(r#"{"attributes": [{"key": "a", "value": {"intValue": "x"}}]}"#),
                "request 1: `intValue` has a value of another type",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(spans(text.as_bytes()), Err(expected.to_owned()), "{text}");
        }
        let deep = span(&format!("{{\"attributes\": {}1", "[".repeat(100_000)));
        assert!(spans(deep.as_bytes()).is_err());
    }
}
