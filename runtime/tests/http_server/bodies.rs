//! Bodies: until when the span goes on, what is counted, and what is kept of them.

use crate::tools::{answer, block_on, captured, get, spans};
use axum::Router;
use axum::body::Body;
use axum::routing::{get as route, post};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use otelier::http::{Capture, ServerLayer};
use otelier::testing::capture_async;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

/// A body whose pieces are given; each is made inside of a span.
struct Pieces(VecDeque<Result<Frame<Bytes>, std::io::Error>>);

#[otelier::trace]
fn piece(pieces: &mut Pieces) -> Option<Result<Frame<Bytes>, std::io::Error>> {
    pieces.0.pop_front()
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(piece(&mut self))
    }
}

fn data(text: &'static str) -> Result<Frame<Bytes>, std::io::Error> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn serve(pieces: impl Fn() -> Vec<Result<Frame<Bytes>, std::io::Error>> + Clone + Send + Sync + 'static) -> Router {
    let handler = move || async move { Body::new(Pieces(pieces().into())) };
    Router::new().route("/", route(handler)).layer(ServerLayer::new())
}

#[test]
fn the_span_goes_on_until_the_body_is_drained_and_is_current_meanwhile() {
    let app = serve(|| vec![data("ab"), data("cde")]);
    let spans = spans(app, get("/"));
    let span = spans.span("GET /").has("http.response.body.size", 5).has_no("otelier.cancelled");
    span.has_children(["piece", "piece", "piece"]);
}

#[test]
fn trailers_pass_and_belong_to_the_body() {
    let trailers = HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static("x"))]);
    let app = serve(move || vec![data("ab"), Ok(Frame::trailers(trailers.clone()))]);
    let seen = captured(async {
        let body = app.oneshot(get("/")).await.unwrap().into_body().collect().await.unwrap();
        body.trailers().cloned()
    });
    assert_eq!(seen.value.unwrap()[header::ETAG], "x");
    seen.spans.span("GET /").has("http.response.body.size", 2).has_no("otelier.cancelled");
}

#[test]
fn a_body_that_fails_fails_the_span() {
    let app = serve(|| vec![data("ab"), Err(std::io::Error::other("secret"))]);
    let seen = captured(async { app.oneshot(get("/")).await.unwrap().into_body().collect().await.is_err() });
    assert!(seen.value);
    let span =
        seen.spans.span("GET /").is_error().has("http.response.body.size", 2).has("http.response.status_code", 200);
    span.has_key("error.type").has_no("otelier.cancelled");
}

#[test]
fn a_body_that_is_not_drained_says_so() {
    let app = serve(|| vec![data("ab"), data("cde")]);
    let seen = captured(async {
        let mut body = app.oneshot(get("/")).await.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
    });
    let span = seen.spans.span("GET /").has("otelier.cancelled", true).has("http.response.body.size", 2);
    span.has("otelier.http.disconnected", "response_body");
}

#[test]
fn a_body_of_known_length_is_over_when_it_is_sent_though_nobody_asks_for_its_end() {
    let app = Router::new().route("/", route(|| async { "abc" })).layer(ServerLayer::new());
    let seen = captured(async {
        let mut body = app.oneshot(get("/")).await.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
    });
    seen.spans.span("GET /").has("http.response.body.size", 3).has_no("otelier.cancelled");
    // The length may stand in a header alone.
    let handler = || async { ([(header::CONTENT_LENGTH, "2")], Body::new(Pieces([data("ab"), data("")].into()))) };
    let app = Router::new().route("/", route(handler)).layer(ServerLayer::new());
    let seen = captured(async {
        let mut body = app.oneshot(get("/")).await.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
    });
    seen.spans.span("GET /").has_no("otelier.cancelled");
}

#[test]
fn size_and_end_of_a_body_are_what_they_were() {
    let service = service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(b"abc"))))
    });
    let body = block_on(ServerLayer::new().layer(service).oneshot(get("/"))).unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(3));
    assert!(!body.is_end_stream());
    let hint: SizeHint = block_on(async { captured_body().await.size_hint() });
    assert_eq!(hint.exact(), Some(3));
}

async fn captured_body() -> impl http_body::Body {
    let service = service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(b"abc"))))
    });
    capture_async(ServerLayer::new().layer(service).oneshot(get("/"))).await.value.unwrap().into_body()
}

fn echo(layer: ServerLayer<otelier::http::server::Read>) -> Router {
    let handler = |body: String| async { ([(header::CONTENT_TYPE, "application/json")], body) };
    Router::new().route("/", post(handler)).layer(layer)
}

fn json(body: &'static str) -> Request<Body> {
    Request::post("/").header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap()
}

#[test]
fn bodies_are_kept_without_their_secrets_and_pass_unchanged() {
    let layer = ServerLayer::new().with_request_capture(Capture::new().with_redacted_fields(["iban"]));
    let layer = layer.with_response_capture(Capture::new().with_limit(12));
    let text = r#"{"user":"ä","password":"pw1","IBAN":"pw2"}"#;
    let seen = captured(answer(echo(layer), json(text)));
    assert_eq!(seen.value.body(), text);
    let span = seen.spans.span("POST /").has("http.request.body.size", text.len() as i64);
    span.has("otelier.http.request.body.content", r#"{"user":"ä","password":"REDACTED","IBAN":"REDACTED"}"#);
    span.has("otelier.http.response.body.content", r#"{"user":"ä""#).has("otelier.http.response.body.truncated", true);
    span.has_no("otelier.http.request.body.truncated");
    assert!(!seen.spans.to_string().contains("pw"));
}

#[test]
fn a_body_of_another_type_or_one_that_is_not_read_is_not_kept() {
    let layer = || ServerLayer::new().with_request_capture(Capture::new());
    let image = Request::post("/").header(header::CONTENT_TYPE, "image/png").body(Body::from("x")).unwrap();
    spans(echo(layer()), image).span("POST /").has_no("otelier.http.request.body.content");
    let zipped = Request::post("/")
        .header(header::CONTENT_TYPE, "text/plain")
        .header(header::CONTENT_ENCODING, "gzip")
        .body(Body::from("x"))
        .unwrap();
    spans(echo(layer()), zipped).span("POST /").has_no("otelier.http.request.body.content");
    let unread = Router::new().route("/", post(|| async {})).layer(layer());
    let spans = spans(unread, json(r#"{"a":1}"#));
    spans.span("POST /").has_no("otelier.http.request.body.content").has_no("http.request.body.size");
}

#[test]
fn a_body_that_is_read_after_the_answer_records_nothing_and_harms_nobody() {
    let handler = |body: Body| async move {
        tokio::spawn(async move { body.collect().await.unwrap() });
    };
    let app = Router::new().route("/", post(handler)).layer(ServerLayer::new().with_request_capture(Capture::new()));
    let seen = captured(async {
        answer(app, json("{}")).await;
        tokio::task::yield_now().await;
    });
    seen.spans.span("POST /").has_no("otelier.http.request.body.content");
}
