//! Requests that strangers wrote to do harm.

use crate::tools::{answer, captured, get};
use axum::Router;
use http::{HeaderName, HeaderValue};
use opentelemetry::trace::SpanKind;
use otelier::http::{Capture, Peer, ProxyHeader, ServerLayer};

/// A small generator of numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

const NAMES: [&str; 16] = [
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "uber-trace-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "forwarded",
    "x-real-ip",
    "host",
    "user-agent",
    "content-length",
    "content-type",
    "authorization",
    "accept",
];

const PARTS: [&str; 24] = [
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-",
    "ff-",
    ",",
    ";",
    "\"",
    "\\",
    "=",
    "for=",
    "host=",
    "[",
    "]",
    ":",
    "::",
    "10.0.0.1",
    "203.0.113.7",
    "a.example",
    "18446744073709551616",
    "-1",
    " ",
    "\u{e4}",
    "%00",
    "application/json",
    "key=value",
];

#[test]
fn no_header_breaks_a_request_or_its_span() {
    let layers = [ProxyHeader::Forwarded, ProxyHeader::XForwardedFor, ProxyHeader::XRealIp].map(|header| {
        let layer = ServerLayer::new().with_trusted_proxies(header, ["10.0.0.0/8"]).unwrap();
        let layer = layer.with_request_headers(NAMES.map(HeaderName::from_static)).with_traceresponse();
        Router::new().fallback(|body: String| async { body }).layer(layer.with_request_capture(Capture::new()))
    });
    let mut random = Random(7);
    for round in 0..600 {
        let mut request = get("/x?a=%zz&token=one");
        for _ in 0..random.below(12) {
            let mut value = Vec::new();
            for _ in 0..random.below(if round % 50 == 0 { 400 } else { 8 }) {
                match random.below(9) {
                    0 => value.push(0x80 + random.below(0x80) as u8),
                    _ => value.extend_from_slice(PARTS[random.below(PARTS.len())].as_bytes()),
                }
            }
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                request.headers_mut().append(NAMES[random.below(NAMES.len())], value);
            }
        }
        request.extensions_mut().insert(Peer("10.0.0.1:1".parse().unwrap()));
        let seen = captured(answer(layers[random.below(3)].clone(), request));
        assert_eq!(seen.value.status(), 200);
        assert_eq!(seen.spans.len(), 1, "{}", seen.spans);
        let span = seen.spans.span("GET").is_kind(SpanKind::Server).has("url.path", "/x").has_key("client.address");
        for attribute in span.attributes() {
            assert!(attribute.value.as_str().chars().count() <= 20_000, "{}", attribute.key);
        }
    }
}

#[test]
fn long_values_are_cut() {
    let mut request = get(&format!("/{}?{}", "p".repeat(30_000), "q".repeat(30_000)));
    request.headers_mut().insert("user-agent", HeaderValue::from_str(&"u".repeat(30_000)).unwrap());
    let seen = captured(answer(Router::new().layer(ServerLayer::new()), request));
    let span = seen.spans.span("GET");
    for key in ["url.path", "url.query", "user_agent.original"] {
        assert_eq!(span.attribute(key).unwrap().as_str().len(), 1024, "{key}");
    }
}
