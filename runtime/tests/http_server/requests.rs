//! What a span says of a request and of its answer's head.

use crate::tools::{PARENT, TRACE, answer, block_on, captured, get, spans};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::routing::{any, get as route, post};
use http::{HeaderName, HeaderValue, Method, Request, Response, Version, header};
use opentelemetry::trace::{SpanKind, Status};
use otelier::http::{Peer, ProxyHeader, ServerLayer};
use otelier::testing::{Capture, Sampling};
use std::convert::Infallible;
use std::net::SocketAddr;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

#[otelier::trace]
async fn load() -> &'static str {
    otelier::current_span().set_attribute("app.loaded", true);
    "one"
}

fn orders() -> Router {
    Router::new().route("/orders/{id}", route(load)).layer(ServerLayer::new())
}

#[test]
fn a_request_is_a_span_named_by_method_and_route_with_the_handler_below() {
    let mut request = get("/orders/7?symbol=BTC&token=abc");
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static("shop.example:8080"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("curl/8"));
    request.extensions_mut().insert(ConnectInfo::<SocketAddr>("203.0.113.7:4711".parse().unwrap()));
    let spans = spans(orders(), request);
    spans.span("GET /orders/{id}").is_kind(SpanKind::Server).is_root();
    spans.assert_tree(
        "
        GET /orders/{id} [server] client.address=203.0.113.7 http.request.method=GET http.response.body.size=3 http.response.status_code=200 http.route=/orders/{id} network.peer.address=203.0.113.7 network.peer.port=4711 network.protocol.version=\"1.1\" server.address=shop.example server.port=8080 url.path=/orders/7 url.query=\"symbol=BTC&token=REDACTED\" url.scheme=http user_agent.original=curl/8
          load app.loaded=true
        ",
    );
}

#[test]
fn without_a_route_the_method_is_the_name() {
    let spans = spans(orders(), get("/nothing"));
    let span = spans.span("GET").has("http.response.status_code", 404).has_no("http.route").has_no("error.type");
    assert_eq!(span.status(), &Status::Unset);
}

#[test]
fn a_method_that_is_not_known_is_no_part_of_the_name() {
    let app = || Router::new().route("/x", any(|| async {})).layer(ServerLayer::new());
    let request = |path: &str| Request::builder().method("BREW").uri(path).body(Body::empty()).unwrap();
    let routed = spans(app(), request("/x"));
    routed.span("HTTP /x").has("http.request.method", "_OTHER").has("http.request.method_original", "BREW");
    spans(app(), request("/y")).span("HTTP").has("http.request.method", "_OTHER");
}

#[test]
fn a_remote_parent_is_continued() {
    let mut request = get("/orders/7");
    request.headers_mut().insert("traceparent", HeaderValue::from_static(PARENT));
    let spans = spans(orders(), request);
    let span = spans.span("GET /orders/{id}");
    assert_eq!(span.span_context().trace_id().to_string(), TRACE);
    assert_eq!(span.data().parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(span.data().parent_span_is_remote);
    span.child("load");
}

#[test]
fn two_parents_are_none() {
    let mut request = get("/orders/7");
    request.headers_mut().append("traceparent", HeaderValue::from_static(PARENT));
    request.headers_mut().append("traceparent", HeaderValue::from_static(PARENT));
    let spans = spans(orders(), request);
    assert_ne!(spans.span("GET /orders/{id}").is_root().span_context().trace_id().to_string(), TRACE);
}

#[test]
fn a_parent_that_is_not_sampled_is_handed_on_and_nothing_recorded() {
    let app = Router::new()
        .route(
            "/",
            route(|| async {
                otelier::current_context();
                "x"
            }),
        )
        .layer(ServerLayer::new().with_trace_id_header(HeaderName::from_static("x-trace-id")));
    let mut request = get("/");
    let not_sampled = PARENT.replace("-01", "-00");
    request.headers_mut().insert("traceparent", HeaderValue::from_str(&not_sampled).unwrap());
    let capture = Capture::builder().with_sampling(Sampling::AsConfigured);
    let seen = capture.capture(|| block_on(answer(app, request)));
    assert_eq!(seen.value.headers()["x-trace-id"], TRACE);
    assert!(seen.spans.is_empty(), "{}", seen.spans);
}

#[test]
fn server_errors_fail_the_span_and_client_errors_do_not() {
    let app = || {
        let status =
            |axum::extract::Path(code): axum::extract::Path<u16>| async move { StatusCode::from_u16(code).unwrap() };
        Router::new().route("/{code}", route(status)).layer(ServerLayer::new())
    };
    for code in [500, 503, 599] {
        let spans = spans(app(), get(&format!("/{code}")));
        let span = spans.span("GET /{code}").is_error().has("http.response.status_code", i64::from(code));
        span.has("error.type", code.to_string()).has_no_event("exception");
    }
    for code in [200, 204, 301, 304, 400, 404, 499] {
        let spans = spans(app(), get(&format!("/{code}")));
        let span = spans.span("GET /{code}").has("http.response.status_code", i64::from(code)).has_no("error.type");
        assert_eq!(span.status(), &Status::Unset, "{code}");
    }
}

#[test]
fn an_error_of_the_service_goes_through_and_names_its_type() {
    #[derive(Debug, PartialEq)]
    struct Broken;
    let service = service_fn(|_: Request<Body>| async { Err::<Response<Body>, _>(Broken) });
    let seen = captured(ServerLayer::new().layer(service).oneshot(get("/")));
    assert_eq!(seen.value.unwrap_err(), Broken);
    let error_type = std::any::type_name::<Broken>();
    seen.spans.span("GET").is_error().has("error.type", error_type).has_no("http.response.status_code");
}

#[test]
fn what_proxies_say_is_believed_where_they_are_trusted() {
    let layer = ServerLayer::new().with_trusted_proxies(ProxyHeader::XForwardedFor, ["10.0.0.0/8"]).unwrap();
    let request = |peer: &str| {
        let mut request = get("/");
        let headers = request.headers_mut();
        headers.insert("x-forwarded-for", HeaderValue::from_static("6.6.6.6, 203.0.113.7, 10.0.0.2"));
        headers.insert("x-forwarded-host", HeaderValue::from_static("shop.example"));
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        headers.insert(header::HOST, HeaderValue::from_static("internal:8080"));
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        request
    };
    let app = || Router::new().layer(layer.clone());
    let behind = spans(app(), request("10.0.0.1:99"));
    let span = behind.span("GET").has("client.address", "203.0.113.7").has("network.peer.address", "10.0.0.1");
    span.has("server.address", "shop.example").has_no("server.port").has("url.scheme", "https");
    let direct = spans(app(), request("198.51.100.1:99"));
    let span = direct.span("GET").has("client.address", "198.51.100.1").has("server.address", "internal");
    span.has("server.port", 8080).has("url.scheme", "http");
    let without = Router::new().layer(layer.clone().without_addresses());
    let hidden = spans(without, request("10.0.0.1:99"));
    hidden.span("GET").has_no("client.address").has_no("network.peer.address").has("server.address", "shop.example");
}

#[test]
fn chosen_headers_are_recorded_and_credentials_are_not() {
    let answer = || async { [(header::RETRY_AFTER, "30"), (header::SET_COOKIE, "id=secret-one")] };
    let layer = ServerLayer::new()
        .with_request_headers([header::ACCEPT, header::AUTHORIZATION, HeaderName::from_static("x-gone")])
        .with_response_headers([header::RETRY_AFTER, header::SET_COOKIE]);
    let app = Router::new().route("/", route(answer)).layer(layer.clone());
    let mut request = get("/");
    request.headers_mut().append(header::ACCEPT, HeaderValue::from_static("a/b"));
    request.headers_mut().append(header::ACCEPT, HeaderValue::from_static("c/d"));
    request.headers_mut().insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer secret-two"));
    let spans = spans(app, request);
    let span =
        spans.span("GET /").has("http.request.header.accept", ["a/b", "c/d"]).has_no("http.request.header.x-gone");
    span.has("http.request.header.authorization", ["REDACTED"]).has("http.response.header.set-cookie", ["REDACTED"]);
    span.has("http.response.header.retry-after", ["30"]);
    assert!(!spans.to_string().contains("secret-") && !format!("{layer:?}").contains("secret-"));
}

#[test]
fn excluded_requests_have_no_span_and_neither_has_what_happens_in_them() {
    let layer = ServerLayer::new()
        .with_excluded_paths(["/health", "/static/*"])
        .with_filter(|request| !request.headers.contains_key("x-probe"));
    let app = || Router::new().fallback(load).layer(layer.clone());
    for path in ["/health", "/static", "/static/a/b", "/health?x=1"] {
        assert!(spans(app(), get(path)).is_empty(), "{path}");
    }
    let mut probe = get("/other");
    probe.headers_mut().insert("x-probe", HeaderValue::from_static("1"));
    assert!(spans(app(), probe).is_empty());
    assert_eq!(spans(app(), get("/healthy")).len(), 2);
}

#[test]
fn an_excluded_request_within_a_span_has_none_either() {
    #[otelier::trace]
    async fn outer(app: Router) {
        assert_eq!(answer(app, get("/health")).await.body(), "one");
    }
    let app = Router::new().fallback(load).layer(ServerLayer::new().with_excluded_paths(["/health"]));
    captured(outer(app)).spans.assert_tree("outer");
}

#[test]
fn the_answer_tells_the_trace_if_it_is_asked_to() {
    let with = |layer: ServerLayer| captured(answer(Router::new().fallback(load).layer(layer), get("/")));
    assert!(!with(ServerLayer::new()).value.headers().contains_key("traceresponse"));
    let seen = with(ServerLayer::new().with_traceresponse());
    let span = seen.spans.span("GET").span_context();
    let expected = format!("00-{}-{}-01", span.trace_id(), span.span_id());
    assert_eq!(seen.value.headers()["traceresponse"], expected);
    let seen = with(ServerLayer::new().with_trace_id_header(HeaderName::from_static("x-trace-id")));
    let id = seen.spans.span("GET").span_context().trace_id().to_string();
    assert_eq!(seen.value.headers()["x-trace-id"], id);
}

#[test]
fn a_service_that_is_not_axum_has_its_route_from_a_function() {
    let service =
        service_fn(|request: Request<String>| async move { Ok::<_, Infallible>(Response::new(request.into_body())) });
    let layer = ServerLayer::new()
        .with_route(|request| request.uri.path().starts_with("/orders/").then(|| "/orders/{id}".into()))
        .with_peer(|_| Some("[::1]:7".parse().unwrap()))
        .with_https();
    let request = Request::post("/orders/7").body("same".to_owned()).unwrap();
    let seen = captured(async { layer.layer(service).oneshot(request).await.unwrap().into_body() });
    drop(seen.value);
    // The body, which nobody has read, is dropped with the answer, after the capture.
    assert!(seen.spans.is_empty());
    let request = Request::post("/orders/7").body("same".to_owned()).unwrap();
    let seen = captured(async { drop(layer.layer(service).oneshot(request).await) });
    let span = seen.spans.span("POST /orders/{id}").has("client.address", "::1").has("url.scheme", "https");
    span.has("otelier.http.disconnected", "response_body");
}

#[test]
fn sizes_come_from_the_request_or_from_what_is_read() {
    let app = |layer: ServerLayer| Router::new().route("/", post(|body: String| async { body })).layer(layer);
    let mut told = Request::post("/").body(Body::from("12345")).unwrap();
    told.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("5"));
    let seen = spans(app(ServerLayer::new()), told);
    seen.span("POST /").has("http.request.body.size", 5).has("http.response.body.size", 5);
    let untold = || Request::post("/").body(Body::from("1234567")).unwrap();
    spans(app(ServerLayer::new()), untold()).span("POST /").has_no("http.request.body.size");
    let counting =
        Router::new().route("/", post(|body: String| async { body })).layer(ServerLayer::new().with_request_bodies());
    spans(counting, untold()).span("POST /").has("http.request.body.size", 7);
}

#[test]
fn answers_without_bodies_end_at_once() {
    let app = || Router::new().route("/", any(|| async { "body" })).layer(ServerLayer::new());
    let head = |method: Method| Request::builder().method(method).uri("/").body(Body::empty()).unwrap();
    // Nobody reads the body, and nobody has gone away.
    let seen = captured(async { drop(app().oneshot(head(Method::HEAD)).await) });
    seen.spans.span("HEAD /").has_no("otelier.cancelled").has_no("http.response.body.size");
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED, StatusCode::SWITCHING_PROTOCOLS] {
        let app = Router::new().route("/", any(move || async move { status })).layer(ServerLayer::new());
        let seen = captured(async { app.oneshot(head(Method::GET)).await.unwrap() });
        seen.spans
            .span("GET /")
            .has_no("otelier.cancelled")
            .has("http.response.status_code", i64::from(status.as_u16()));
    }
    let empty = Router::new().route("/", any(|| async {})).layer(ServerLayer::new());
    let seen = captured(async { empty.oneshot(head(Method::GET)).await.unwrap() });
    seen.spans.span("GET /").has("http.response.body.size", 0).has_no("otelier.cancelled");
}
