//! Spans in OpenTelemetry's protocol: protobuf and JSON.

use super::json;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1;
use otelier_registry::check::{SampleValue, SpanSample};
use otelier_registry::model::Kind;
use prost::Message;

/// The spans in a file: JSON, one request or one a line, or protobuf, one request or several behind their lengths, as
/// the Collector's file exporter writes them.
pub(super) fn file(bytes: &[u8]) -> Result<Vec<SpanSample>, String> {
    let begins_like_json = bytes.trim_ascii_start().first() == Some(&b'{');
    match bytes {
        // No message begins with a zero, but the length of one does.
        [0, ..] => framed(bytes),
        _ if begins_like_json => match json::spans(bytes) {
            // A message may begin with a line break and a brace.
            Err(why) if bytes[0] == b'\n' => protobuf(bytes).map_err(|_| why),
            read => read,
        },
        _ => protobuf(bytes).map_err(|why| format!("this is neither OTLP/JSON nor OTLP in protobuf: {why}")),
    }
}

fn framed(mut bytes: &[u8]) -> Result<Vec<SpanSample>, String> {
    let mut spans = Vec::new();
    while !bytes.is_empty() {
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
            return Err("the last message's length is cut off".to_owned());
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((message, rest)) = rest.split_at_checked(length) else {
            return Err(format!("a message has {length} bytes, but only {} follow", rest.len()));
        };
        spans.extend(protobuf(message)?);
        bytes = rest;
    }
    Ok(spans)
}

/// The spans of one request in protobuf.
pub(super) fn protobuf(bytes: &[u8]) -> Result<Vec<SpanSample>, String> {
    let request = ExportTraceServiceRequest::decode(bytes).map_err(|error| error.to_string())?;
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    Ok(scopes.flat_map(|scope| scope.spans).map(span).collect())
}

fn span(span: v1::Span) -> SpanSample {
    SpanSample {
        span_type: None,
        kind: kind(i64::from(span.kind)),
        name: span.name,
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(|event| (event.name, attributes(event.attributes))).collect(),
    }
}

/// The kind with this number; receivers take others for internal.
pub(super) const fn kind(number: i64) -> Kind {
    match number {
        2 => Kind::Server,
        3 => Kind::Client,
        4 => Kind::Producer,
        5 => Kind::Consumer,
        _ => Kind::Internal,
    }
}

fn attributes(attributes: Vec<KeyValue>) -> Vec<(String, SampleValue)> {
    attributes.into_iter().map(|attribute| (attribute.key, value(attribute.value))).collect()
}

fn value(value: Option<AnyValue>) -> SampleValue {
    match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => SampleValue::String(text),
        Some(any_value::Value::BoolValue(value)) => SampleValue::Boolean(value),
        Some(any_value::Value::IntValue(value)) => SampleValue::Int(value),
        Some(any_value::Value::DoubleValue(value)) => SampleValue::Double(value),
        Some(any_value::Value::ArrayValue(values)) => {
            SampleValue::Array(values.values.into_iter().map(|item| self::value(Some(item))).collect())
        }
        _ => SampleValue::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str) -> Vec<u8> {
        let span = v1::Span { name: name.to_owned(), kind: 3, ..v1::Span::default() };
        let scope = v1::ScopeSpans { spans: vec![span], ..v1::ScopeSpans::default() };
        let resource = v1::ResourceSpans { scope_spans: vec![scope], ..v1::ResourceSpans::default() };
        ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
    }

    fn names(bytes: &[u8]) -> Result<Vec<String>, String> {
        file(bytes).map(|spans| spans.into_iter().map(|span| span.name).collect())
    }

    #[test]
    fn protobuf_is_read_alone_and_behind_its_length() {
        assert_eq!(names(&request("a")), Ok(vec!["a".to_owned()]));
        let framed: Vec<u8> = ["a", "b"]
            .into_iter()
            .flat_map(|name| {
                let request = request(name);
                let length = u32::try_from(request.len()).unwrap();
                [length.to_be_bytes().to_vec(), request].concat()
            })
            .collect();
        assert_eq!(names(&framed), Ok(vec!["a".to_owned(), "b".to_owned()]));
        for cut in 1..framed.len() {
            let _ = names(&framed[..cut]);
        }
        assert_eq!(names(&framed[..3]), Err("the last message's length is cut off".to_owned()));
        assert_eq!(names(&[0, 0, 1, 0, 1]), Err("a message has 256 bytes, but only 1 follow".to_owned()));
    }

    #[test]
    fn a_message_that_looks_like_json_is_none() {
        // The outer message has 123 bytes, which is a brace.
        let request = (0..200).map(|length| request(&"x".repeat(length))).find(|request| request[1] == b'{').unwrap();
        assert_eq!(names(&request).map(|names| names.len()), Ok(1));
    }

    #[test]
    fn what_is_no_telemetry_says_so() {
        let error = names(b"spans: none").unwrap_err();
        assert!(error.starts_with("this is neither OTLP/JSON nor OTLP in protobuf: "), "{error}");
        assert!(names(b"\x1f\x8b\x08\x00").is_err());
    }
}
