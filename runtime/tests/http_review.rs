//! What clients and servers of HTTP must not show or forget, as a reviewer asked.

#[path = "http_review/connections.rs"]
mod connections;
#[path = "http_review/server.rs"]
mod server;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Empty;
use otelier::http::exchange::Exchanges;
use otelier::http::{ClientLayer, RateLimits};
use otelier::testing::{SpanTree, capture_async};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tower::{ServiceBuilder, ServiceExt};

/// Sends one request to a service that answers with these headers, and gives the spans and the headers that were sent.
async fn sent(
    layer: ClientLayer,
    request: Request<Empty<Bytes>>,
    answer: &[(&'static str, &'static str)],
) -> (SpanTree, HeaderMap) {
    let seen = Arc::new(Mutex::new(None));
    let headers = Arc::clone(&seen);
    let answer = answer.to_vec();
    let service = tower::service_fn(move |request: Request<Empty<Bytes>>| {
        *headers.lock().unwrap() = Some(request.headers().clone());
        let mut response = Response::new(Empty::<Bytes>::new());
        for (name, value) in &answer {
            response.headers_mut().append(*name, http::HeaderValue::from_static(value));
        }
        async { Ok::<_, Infallible>(response) }
    });
    let client = ServiceBuilder::new().layer(layer).service(service);
    let spans = capture_async(async { client.oneshot(request).await.map(drop) }).await.spans;
    let headers = seen.lock().unwrap().take().unwrap();
    (spans, headers)
}

fn get(url: &str) -> Request<Empty<Bytes>> {
    Request::get(url).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn headers_that_prove_who_asks_are_not_shown_though_asked_for() {
    const NAMES: [&str; 6] =
        ["authorization", "cookie", "x-mbx-apikey", "ok-access-sign", "ok-access-passphrase", "x-tenant"];
    let mut request = get("https://example.org/");
    for name in NAMES {
        request.headers_mut().append(name, http::HeaderValue::from_static("5ecret"));
    }
    let layer = ClientLayer::new().with_request_headers(NAMES).with_response_headers(["set-cookie", "x-text"]);
    let text = "\u{e4}";
    let (spans, _) = sent(layer.clone(), request, &[("set-cookie", "5ecret"), ("x-text", "plain")]).await;
    let span = spans.span("GET").has("http.request.header.x-tenant", ["5ecret"]);
    for name in &NAMES[..5] {
        span.has(&format!("http.request.header.{name}"), ["REDACTED"]);
    }
    span.has("http.response.header.set-cookie", ["REDACTED"]).has("http.response.header.x-text", ["plain"]);
    let mut request = get("https://example.org/");
    request.headers_mut().append("x-tenant", http::HeaderValue::from_str(text).unwrap());
    request.headers_mut().append("x-tenant", http::HeaderValue::from_bytes(b"\xff").unwrap());
    let (spans, _) = sent(layer.clone(), request, &[]).await;
    spans.span("GET").has("http.request.header.x-tenant", [text, "[not text]"]);
    assert!(!format!("{layer:?}").contains("5ecret"));
}

#[tokio::test]
async fn a_host_that_is_left_out_is_so_however_it_is_written() {
    for url in
        ["https://EVIL.example/", "https://evil.example./", "https://Evil.Example.:8443/", "https://u:p@evil.EXAMPLE/"]
    {
        let layer = ClientLayer::new().with_propagation_to(|host| host != "evil.example");
        let (_, headers) = sent(layer, get(url), &[]).await;
        assert!(!headers.contains_key("traceparent"), "{url}");
    }
    for url in ["https://API.BINANCE.COM./", "https://u:p@api.binance.com:443/", "https://binance.com/"] {
        let (spans, headers) = sent(ClientLayer::new(), get(url), &[]).await;
        spans.span("GET").has("crypto.market", "binance");
        assert!(!headers.contains_key("traceparent"), "{url}");
    }
    for url in
        ["https://api.binance.com.evil.example/", "https://xn--inance-cya.com/", "https://127.0.0.1/", "https://[::1]/"]
    {
        let (spans, headers) = sent(ClientLayer::new(), get(url), &[]).await;
        spans.span("GET").has_no("crypto.market");
        assert!(headers.contains_key("traceparent"), "{url}");
    }
}

#[tokio::test]
async fn an_exchange_of_ones_own_may_be_named_as_in_a_url() {
    for own in
        ["dex.example", "*.dex.example", "DEX.example.", "dex.example:8443", ".dex.example", "https://dex.example/"]
    {
        let exchanges = Exchanges::new().with(own, "my_dex");
        assert_eq!(exchanges.of_host("api.dex.example"), Some("my_dex"), "{own}");
        let (spans, _) =
            sent(ClientLayer::new().with_exchanges(exchanges), get("https://API.dex.example:8443/"), &[]).await;
        spans.span("GET").has("crypto.market", "my_dex");
    }
    let address = Exchanges::new().with("[::1]:80", "mine").with("127.0.0.1:80", "mine");
    assert_eq!((address.of_host("::1"), address.of_host("127.0.0.1")), (Some("mine"), Some("mine")));
}

#[tokio::test]
async fn a_dot_at_the_end_of_a_host_makes_no_other_host_of_it() {
    let layer = ClientLayer::new();
    let limits = [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "40")];
    sent(layer, get("https://API.dotted.example./"), &limits).await;
    let limit = RateLimits::of("api.dotted.example").expect("it was told");
    assert_eq!((limit.used(), limit.limit()), (Some(60), Some(100)));
    assert_eq!(RateLimits::of("api.dotted.example."), Some(limit));
}
