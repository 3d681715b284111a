//! Libraries that are made with `tracing`: `tower-http`, and `h2` in hyper's client and server.

use crate::{one_thread, plain};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use otelier::prelude::*;
use otelier::testing::capture_async;
use otelier::tracing::SpanExt;
use std::convert::Infallible;
use tower::{Layer as _, ServiceExt, service_fn};
use tower_http::trace::TraceLayer;
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt;

const REMOTE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[trace]
async fn handle() -> &'static str {
    tokio::task::yield_now().await;
    "stored"
}

#[test]
fn a_request_through_the_trace_layer_of_tower_http_is_a_span_around_its_handler() {
    let make_span = |request: &Request<String>| {
        let span = info_span!("request", otel.name = "GET /orders", otel.kind = "server", http.request.method = %request.method());
        span.set_parent(request.headers()).expect("the request has headers");
        span
    };
    let service = TraceLayer::new_for_http()
        .make_span_with(make_span)
        .layer(service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(handle().await.to_owned()))));
    let spans = one_thread().block_on(capture_async(async {
        let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(plain()));
        let request = Request::get("/orders").header("traceparent", REMOTE).body(String::new()).expect("a request");
        let response = service.oneshot(request).await.expect("it answers");
        assert_eq!(response.into_body().collect().await.expect("it is whole").to_bytes(), "stored");
    }));
    let request = spans.span("GET /orders").is_kind(opentelemetry::trace::SpanKind::Server);
    assert_eq!(request.span_context().trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    request.has("http.request.method", "GET").has_children(["handle"]);
    // What the layer says at the level of debugging.
    request.event("started processing request").has("level", "DEBUG").has("target", "tower_http::trace::on_request");
    request.has_event("finished processing request");
}

async fn serve(io: tokio::io::DuplexStream) {
    let service = hyper::service::service_fn(async |_: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(handle().await.to_owned()))
    });
    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(io), service)
        .await
        .expect("the connection ends well");
}

/// Hands the context on to the tasks that hyper makes for the connection.
#[derive(Clone)]
struct InContext;

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for InContext {
    fn execute(&self, future: F) {
        otelier::spawn(future);
    }
}

#[trace(kind = client)]
async fn fetch(io: tokio::io::DuplexStream) -> Bytes {
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(InContext, TokioIo::new(io)).await.expect("they agree");
    let driver = otelier::spawn(async move { connection.await.expect("it ends well") });
    let request = Request::get("http://localhost/orders").body(Empty::<Bytes>::new()).expect("a request");
    let response = sender.send_request(request).await.expect("it answers");
    let body = response.into_body().collect().await.expect("it is whole").to_bytes();
    drop(sender);
    driver.await.expect("the connection ends");
    body
}

#[test]
fn what_h2_does_inside_of_an_annotated_function_is_seen_below_it() {
    let spans = one_thread().block_on(capture_async(async {
        let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(plain()));
        let (client, server) = tokio::io::duplex(64 * 1024);
        let server = tokio::spawn(serve(server));
        assert_eq!(fetch(client).await, "stored");
        server.await.expect("the server ends");
    }));
    let fetch = spans.span("fetch").is_root();
    let queued = fetch.child("Prioritize::queue_frame").is_in_scope("h2");
    queued.has_key("stream.id");
    fetch.has_event("binding client connection");
    // h2 says of its connections that they have no parent, because they serve many requests.
    let connections: Vec<_> = spans.named("Connection").collect();
    assert!(!connections.is_empty());
    for connection in connections {
        connection.is_root().is_in_scope("h2");
        assert!(connection.children().any(|child| child.name() == "poll"));
        assert_ne!(connection.span_context().trace_id(), fetch.span_context().trace_id());
    }
}
