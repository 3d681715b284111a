//! Spans of requests that are sent: real clients, and servers on the loopback interface that answer as they are told.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanKind, Status};
use otelier::http::exchange::{Exchanges, of_host};
use otelier::http::reqwest::{SendTraced, TraceMiddleware};
use otelier::http::{ClientLayer, RateLimits, ResendLayer, UrlDetail, UrlTemplate};
use otelier::testing::{CapturedSpan, SpanTree, capture_async};
use proptest::prelude::*;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower::{Service, ServiceBuilder, ServiceExt};

const PATIENCE: Duration = Duration::from_secs(60);

/// Answers every connection with the next of these texts, then closes it; the last one is repeated.
struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start<const N: usize>(answers: [&'static str; N]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let task = tokio::spawn(async move {
            let mut number = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    let mut bytes = [0; 1024];
                    match stream.read(&mut bytes).await {
                        Ok(read @ 1..) => head.extend_from_slice(&bytes[..read]),
                        _ => break,
                    }
                }
                seen.lock().expect("nobody panics").push(String::from_utf8_lossy(&head).into_owned());
                let answer = answers[number.min(answers.len() - 1)];
                number += 1;
                let _ = stream.write_all(answer.as_bytes()).await;
                if answer.ends_with("…") || answer.is_empty() {
                    // It does not come to an end.
                    tokio::spawn(async move { while matches!(stream.read(&mut [0; 64]).await, Ok(1..)) {} });
                }
            }
        });
        Self { address, heads, task }
    }

    fn url(&self, rest: &str) -> String {
        format!("http://{}{rest}", self.address)
    }

    fn header(&self, request: usize, name: &str) -> Vec<String> {
        let heads = self.heads.lock().expect("nobody panics");
        let lines = heads[request].lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\nx-request-id: r-1\r\n\r\nhello";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

type Hyper = Client<HttpConnector, Full<Bytes>>;

fn hyper() -> Hyper {
    Client::builder(TokioExecutor::new()).build_http()
}

fn get(url: &str) -> Request<Full<Bytes>> {
    Request::get(url).body(Full::default()).expect("a request")
}

/// One request over hyper, read to its end.
async fn over_hyper(layer: ClientLayer, request: Request<Full<Bytes>>) -> (SpanTree, Result<Bytes, String>) {
    let captured = capture_async(tokio::time::timeout(PATIENCE, async {
        let client = ServiceBuilder::new().layer(layer).service(hyper());
        let answer = client.oneshot(request).await.map_err(|error| error.to_string())?;
        Ok(answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes())
    }))
    .await;
    (captured.spans, captured.value.expect("in time"))
}

fn only(spans: &SpanTree) -> CapturedSpan<'_> {
    assert_eq!(spans.len(), 1, "{}", spans.text());
    spans.iter().next().expect("there is one")
}

#[tokio::test]
async fn a_request_has_a_span_by_the_conventions_and_tells_the_server() {
    let server = Server::start([OK]).await;
    let mut request = get(&server.url("/api/v3/klines?symbol=BTCUSDT&signature=5ecret"));
    request.headers_mut().insert("x-tenant", "t".parse().expect("a value"));
    request
        .headers_mut()
        .insert("traceparent", "00-11111111111111111111111111111111-2222222222222222-01".parse().expect("a value"));
    request.headers_mut().insert("tracestate", "old=1".parse().expect("a value"));
    request.extensions_mut().insert(UrlTemplate("/api/v3/klines"));
    let layer =
        ClientLayer::new().with_request_headers(["x-tenant", "no name"]).with_response_headers(["X-Request-Id"]);
    let (spans, body) = over_hyper(layer, request).await;
    assert_eq!(body.as_deref(), Ok(&b"hello"[..]));
    let span = only(&spans).is_kind(SpanKind::Client).is_ok();
    assert_eq!(span.name(), "GET /api/v3/klines");
    span.has("http.request.method", "GET")
        .has("server.address", "127.0.0.1")
        .has("server.port", server.address.port())
        .has("url.full", server.url("/api/v3/klines?symbol=BTCUSDT&signature=REDACTED"))
        .has("url.template", "/api/v3/klines")
        .has("http.request.header.x-tenant", ["t"])
        .has("http.response.header.x-request-id", ["r-1"])
        .has("http.response.status_code", 200)
        .has("http.response.body.size", 5)
        .has_no("http.request.body.size")
        .has("network.protocol.version", "1.1")
        .has_no("error.type")
        .has_no("otelier.cancelled")
        .has_no("crypto.market");
    let context = span.span_context();
    let expected = format!("00-{}-{}-0", context.trace_id(), context.span_id());
    let sent = server.header(0, "traceparent");
    assert_eq!(sent.len(), 1, "it is not doubled: {sent:?}");
    assert!(sent[0].starts_with(&expected), "{sent:?} is not of {expected}");
    assert!(server.header(0, "tracestate").iter().all(|state| !state.contains("old")));
}

#[tokio::test]
async fn failures_of_the_server_and_of_the_client_are_errors() {
    let server =
        Server::start([BUSY, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"]).await;
    for status in ["503", "404"] {
        let (spans, _) = over_hyper(ClientLayer::new(), get(&server.url("/"))).await;
        only(&spans).is_error().has("error.type", status);
        assert_eq!(*only(&spans).status(), Status::error(""));
    }
    let unknown = Request::builder().method("BREW").uri(server.url("/")).body(Full::from("tea")).expect("a request");
    let (spans, _) = over_hyper(ClientLayer::new().with_url(UrlDetail::Nothing), unknown).await;
    let span = only(&spans).has("http.request.method", "_OTHER").has("http.request.method_original", "BREW");
    let span = span.has("http.request.body.size", 3);
    assert_eq!(span.has_no("url.full").name(), "HTTP");
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_has_a_class() {
    let unused = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port").local_addr().expect("an address");
    let (spans, body) = over_hyper(ClientLayer::new(), get(&format!("http://{unused}/?token=5ecret"))).await;
    assert!(body.is_err());
    let span = only(&spans).is_error().has("error.type", "connection_refused").has_no("http.response.status_code");
    assert!(!format!("{:?}", span.data()).contains("5ecret"));

    for (answer, class) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 50\r\nconnection: close\r\n\r\nhello", "connection_closed"),
        ("HTTP/9 nonsense\r\n\r\n", "response_invalid"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "_OTHER"),
    ] {
        let server = Server::start([answer]).await;
        let (spans, body) = over_hyper(ClientLayer::new(), get(&server.url("/"))).await;
        assert!(body.is_err(), "{answer}");
        only(&spans).is_error().has("error.type", class).has_no("http.response.body.size");
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_is_cancelled_and_no_error() {
    let server = Server::start([""]).await;
    let spans = capture_async(async {
        let mut client = ServiceBuilder::new().layer(ClientLayer::new()).service(hyper());
        let answer = client.ready().await.expect("it is").call(get(&server.url("/")));
        let waited = tokio::time::timeout(Duration::from_millis(50), answer).await;
        assert!(waited.is_err());
    })
    .await;
    only(&spans).has("otelier.cancelled", true).has("otelier.http.cancelled_in", "waiting").has_no("error.type");

    let server = Server::start(["HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello…"]).await;
    let spans = capture_async(async {
        let client = ServiceBuilder::new().layer(ClientLayer::new()).service(hyper());
        let mut answer = client.oneshot(get(&server.url("/"))).await.expect("an answer");
        assert!(answer.body_mut().frame().await.is_some());
    })
    .await;
    let span = only(&spans).has("otelier.cancelled", true).has("otelier.http.cancelled_in", "body");
    span.has("http.response.status_code", 200).has_no("http.response.body.size");
}

#[tokio::test]
async fn a_timeout_inside_of_the_layer_is_an_error_and_the_error_stays_what_it_was() {
    let server = Server::start([""]).await;
    let spans = capture_async(async {
        let client =
            ServiceBuilder::new().layer(ClientLayer::new()).timeout(Duration::from_millis(50)).service(hyper());
        let error = client.oneshot(get(&server.url("/"))).await.expect_err("it does not answer");
        assert!(error.is::<tower::timeout::error::Elapsed>());
    })
    .await;
    only(&spans).failed_with("timeout").has_no("otelier.cancelled");
}

#[derive(Clone)]
struct Twice;

impl<B, E> tower::retry::Policy<Request<Full<Bytes>>, Response<B>, E> for Twice {
    type Future = std::future::Ready<()>;

    fn retry(&mut self, _: &mut Request<Full<Bytes>>, result: &mut Result<Response<B>, E>) -> Option<Self::Future> {
        let again = result.as_ref().is_ok_and(|answer| answer.status() == StatusCode::SERVICE_UNAVAILABLE);
        again.then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

fn assert_attempts(spans: &SpanTree) {
    let root = spans.span("order");
    let attempts: Vec<_> = root.children().collect();
    assert_eq!(attempts.len(), 3, "{}", spans.text());
    attempts[0].is_error().has_no("http.request.resend_count");
    assert_eq!(attempts[0].links().count(), 0);
    for (number, attempt) in attempts.iter().enumerate().skip(1) {
        attempt.has("http.request.resend_count", number);
        let links: Vec<_> = attempt.links().collect();
        assert_eq!(links.len(), 1);
        assert_eq!(links[0].span_context().span_id(), attempts[number - 1].span_context().span_id());
    }
    attempts[2].is_ok();
}

#[tokio::test]
async fn attempts_link_to_those_before_them() {
    let server = Server::start([BUSY, BUSY, OK]).await;
    let spans = capture_async(async {
        let client = ServiceBuilder::new().layer(ResendLayer).retry(Twice).layer(ClientLayer::new()).service(hyper());
        let order = "order";
        let answer = otelier::InSpan::in_span(client.oneshot(get(&server.url("/"))), order).await.expect("an answer");
        answer.into_body().collect().await.expect("a body");
    })
    .await;
    assert_attempts(&spans);
}

#[tokio::test]
async fn attempts_of_reqwest_retry_link_to_those_before_them() {
    let server = Server::start([BUSY, BUSY, OK]).await;
    let spans = capture_async(async {
        let bounds = (Duration::from_millis(1), Duration::from_millis(2));
        let policy = reqwest_retry::policies::ExponentialBackoff::builder()
            .retry_bounds(bounds.0, bounds.1)
            .build_with_max_retries(3);
        let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
            .with(reqwest_retry::RetryTransientMiddleware::new_with_policy(policy))
            .with(TraceMiddleware::new())
            .build();
        let order = "order";
        let answer = otelier::InSpan::in_span(client.get(server.url("/")).send(), order).await.expect("an answer");
        assert_eq!(answer.url().as_str(), server.url("/"));
        assert_eq!(answer.content_length(), Some(5));
        assert_eq!(answer.text().await.expect("a body"), "hello");
    })
    .await;
    assert_attempts(&spans);
}

#[tokio::test]
async fn reqwest_without_middleware_is_traced_to_the_end_of_the_body() {
    let server =
        Server::start([OK, "HTTP/1.1 200 OK\r\ncontent-length: 50\r\nconnection: close\r\n\r\nhello", OK]).await;
    let client = reqwest::Client::new();
    let spans = capture_async(async {
        let url = format!("http://me:word@{}/a?api_key=5ecret#part", server.address);
        let answer = client.get(url).send_traced().await.expect("an answer");
        assert_eq!((answer.status(), answer.remote_addr()), (StatusCode::OK, Some(server.address)));
        answer.text().await
    })
    .await;
    assert_eq!(spans.value.as_deref().ok(), Some("hello"));
    let full = format!("http://REDACTED:REDACTED@{}/a?api_key=REDACTED", server.address);
    // reqwest makes a header of who asks.
    let span = only(&spans).has("http.response.body.size", 5).has_key("url.full");
    assert!(
        span.attribute("url.full")
            .is_some_and(|url| [full, server.url("/a?api_key=REDACTED")].contains(&url.to_string()))
    );

    let spans = capture_async(async { client.get(server.url("/")).send_traced().await?.text().await }).await;
    assert!(spans.value.is_err());
    only(&spans).failed_with("connection_closed");

    let traced = TraceMiddleware::new().with_body(false);
    let spans = capture_async(async { traced.send(client.get(server.url("/"))).await.map(drop) }).await;
    only(&spans).has("http.response.body.size", 5).has_no("otelier.cancelled");
}

#[tokio::test]
async fn errors_of_reqwest_have_classes_and_no_urls() {
    let server = Server::start([
        "HTTP/1.1 302 Found\r\nlocation: /again?token=5ecret\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    ])
    .await;
    let client = reqwest::Client::new();
    let request = |url: &str| client.get(url).send_traced();
    let spans = capture_async(request(&server.url("/"))).await;
    only(&spans).failed_with("redirect");
    assert!(!format!("{:?}", only(&spans).data()).contains("5ecret"));

    let silent = Server::start([""]).await;
    let slow = client.get(silent.url("/?sig=5ecret")).timeout(Duration::from_millis(50));
    let spans = capture_async(slow.send_traced()).await;
    only(&spans).failed_with("timeout");
    assert!(!format!("{:?}", only(&spans).data()).contains("5ecret"));

    let unused = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port").local_addr().expect("an address");
    let spans = capture_async(request(&format!("http://{unused}/"))).await;
    only(&spans).failed_with("connection_refused");
}

#[tokio::test]
async fn an_exchange_is_known_by_its_host_and_its_limits_are_kept() {
    const WEIGHT: &str = "HTTP/1.1 200 OK\r\nX-MBX-USED-WEIGHT-1M: 1500\r\nX-MBX-ORDER-COUNT-10S: 4\r\n\
                          content-length: 0\r\nconnection: close\r\n\r\n";
    const BANNED: &str =
        "HTTP/1.1 418 I'm a teapot\r\nRetry-After: 120\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let server = Server::start([WEIGHT, BANNED]).await;
    let exchanges = Exchanges::new().with("127.0.0.1", "testex");
    let layer = ClientLayer::new().with_exchanges(exchanges).with_market_data(true);
    RateLimits::set_limit("127.0.0.1", 3000);
    let request = || {
        let mut request = get(&server.url("/api/v3/klines?symbol=BTCUSDT&interval=1m"));
        request.extensions_mut().insert(UrlTemplate("/api/v3/klines"));
        request
    };
    let (spans, _) = over_hyper(layer.clone(), request()).await;
    only(&spans)
        .has("crypto.market", "testex")
        .has("crypto.operation_type", "api_call")
        .has("crypto.symbol", "BTCUSDT")
        .has("crypto.timeframe", "1m")
        .has("crypto.rate_limit.used_weight", 1500)
        .has("crypto.rate_limit.limit", 3000)
        .has("crypto.rate_limit.order_count", 4)
        .has_no_event("crypto.rate_limited");
    let limit = RateLimits::of("testex").expect("it was told");
    assert_eq!((limit.used(), limit.share_used(), limit.is_blocked()), (Some(1500), Some(0.5), false));

    let (spans, _) = over_hyper(layer, request()).await;
    let span = only(&spans).is_error().has("error.type", "418").has("crypto.retry_after", 120.0);
    span.event("crypto.rate_limited").has("crypto.market", "testex").has("http.response.status_code", 418);
    assert!(RateLimits::of("testex").is_some_and(|limit| limit.is_blocked()));
}

#[tokio::test]
async fn strangers_are_not_told_of_the_trace() {
    let sent = |layer: ClientLayer, host: &'static str| async move {
        let seen = Arc::new(Mutex::new(None));
        let headers = Arc::clone(&seen);
        let client =
            ServiceBuilder::new().layer(layer).service(tower::service_fn(move |request: Request<Empty<Bytes>>| {
                *headers.lock().expect("nobody panics") = Some(request.headers().clone());
                async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
            }));
        let request = Request::get(format!("https://{host}/")).body(Empty::new()).expect("a request");
        capture_async(client.oneshot(request)).await.value.expect("an answer");
        let headers = seen.lock().expect("nobody panics").take().expect("a request");
        headers.contains_key("traceparent")
    };
    assert!(sent(ClientLayer::new(), "orders.example.org").await);
    assert!(!sent(ClientLayer::new(), "api.binance.com").await);
    assert!(sent(ClientLayer::new().with_propagation_to(|_| true), "api.binance.com").await);
    assert!(!sent(ClientLayer::new().with_propagation_to(|host| host.ends_with(".own")), "orders.example.org").await);
}

#[tokio::test]
async fn a_trace_that_is_not_recorded_goes_on_all_the_same() {
    let server = Server::start([OK]).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let spans = otelier::testing::Capture::builder()
        .with_sampling(otelier::testing::Sampling::AsConfigured)
        .capture_async(async {
            let parent = otelier::relation::ParentContext::parent_context(parent).expect("it is valid");
            let client = ServiceBuilder::new().layer(ClientLayer::new()).service(hyper());
            let sent = opentelemetry::trace::FutureExt::with_context(client.oneshot(get(&server.url("/"))), parent);
            sent.await.expect("an answer").into_body().collect().await.expect("a body")
        })
        .await;
    assert!(spans.is_empty(), "{}", spans.text());
    let sent = server.header(0, "traceparent");
    assert!(sent[0].starts_with("00-0af7651916cd43dd8448eb211c80319c-") && sent[0].ends_with("-00"), "{sent:?}");
}

#[tokio::test]
async fn a_panic_of_the_client_is_on_its_span() {
    let client =
        ServiceBuilder::new().layer(ClientLayer::new()).service(tower::service_fn(|_: Request<Empty<Bytes>>| async {
            if KeyValue::new("a", 1).key.as_str() == "a" {
                panic!("no answer");
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }));
    let request = Request::get("http://example.org/").body(Empty::new()).expect("a request");
    let spans =
        capture_async(async { tokio::spawn(otelier::in_current_context(client.oneshot(request))).await.is_err() })
            .await;
    assert!(spans.value);
    only(&spans).failed_with("panic").has_no("otelier.cancelled");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn headers_of_strangers_do_no_harm(
        headers in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "x-mbx-used-weight-1m", "x-mbx-order-count-1s", "retry-after", "x-ratelimit-limit",
                    "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "ratelimit-policy", "x-bapi-limit",
                    "x-bapi-limit-status", "x-bapi-limit-reset-timestamp", "x-mbx-used-weight-9d",
                ]),
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..40),
                    any::<u64>().prop_map(|number| number.to_string().into_bytes()),
                    "[-+0-9.;=wqrt ,\"]{0,30}".prop_map(String::into_bytes),
                ],
            ),
            0..8,
        ),
        status in prop::sample::select(vec![200_u16, 418, 429, 503]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let client = ServiceBuilder::new().layer(ClientLayer::new()).service(tower::service_fn(
            move |_: Request<Empty<Bytes>>| {
                let mut response = Response::new(Empty::<Bytes>::new());
                *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                for (name, value) in &headers {
                    if let Ok(value) = http::HeaderValue::from_bytes(value) {
                        response.headers_mut().append(*name, value);
                    }
                }
                async { Ok::<_, Infallible>(response) }
            },
        ));
        let request = Request::get("http://hostile.example/").body(Empty::new()).expect("a request");
        runtime.block_on(capture_async(client.oneshot(request))).value.expect("an answer");
        if let Some(limit) = RateLimits::of("hostile.example") {
            prop_assert!(limit.share_used().is_none_or(|share| share.is_finite() && share >= 0.0));
            let far = std::time::SystemTime::now() + Duration::from_secs(8 * 24 * 3600);
            prop_assert!(limit.blocked_until().is_none_or(|until| until < far));
            prop_assert!(limit.resets_at().is_none_or(|end| end < far));
        }
    }

    #[test]
    fn a_host_belongs_to_an_exchange_only_on_borders_of_labels(host in "\\PC{0,24}", tail in "[a-z.]{0,12}") {
        prop_assert_eq!(of_host(&format!("{host}x.binance.com.{tail}y.org")), None);
        prop_assert_eq!(of_host(&format!("{tail}-binance.com")), None);
        let _ = of_host(&host);
    }
}
