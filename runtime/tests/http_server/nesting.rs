//! Layers inside of routers, around them, and twice; panics and futures that are dropped.

use crate::tools::{answer, captured, get, spans, waits};
use axum::Router;
use axum::body::Body;
use axum::routing::get as route;
use http::{Request, Response};
use otelier::http::ServerLayer;
use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_service::Service;

#[test]
fn a_nested_router_says_the_whole_route_and_the_whole_path() {
    let inner = Router::new().route("/orders/{id}", route(|| async {}));
    let outside = Router::new().nest("/api", inner.clone()).layer(ServerLayer::new());
    let span = spans(outside, get("/api/orders/7"));
    span.span("GET /api/orders/{id}").has("http.route", "/api/orders/{id}").has("url.path", "/api/orders/7");
    let inside = Router::new().nest("/api", inner.layer(ServerLayer::new()));
    let span = spans(inside, get("/api/orders/7"));
    span.span("GET /api/orders/{id}").has("http.route", "/api/orders/{id}").has("url.path", "/api/orders/7");
}

#[test]
fn a_layer_around_the_router_does_not_know_the_route() {
    let app = ServerLayer::new().layer(Router::new().route("/orders/{id}", route(|| async { "x" })));
    let seen = captured(answer(app, get("/orders/7")));
    seen.spans.span("GET").has_no("http.route").has("http.response.status_code", 200);
}

#[test]
fn of_two_layers_the_outer_one_makes_the_span_and_the_inner_one_tells_it_the_route() {
    let app = Router::new().route("/orders/{id}", route(|| async { "x" })).layer(ServerLayer::new());
    let seen = captured(answer(ServerLayer::new().layer(app), get("/orders/7")));
    assert_eq!(seen.spans.len(), 1, "{}", seen.spans);
    seen.spans.span("GET /orders/{id}").has("http.route", "/orders/{id}").has("http.response.status_code", 200);
    let mut remote = get("/orders/7");
    remote.headers_mut().insert("traceparent", http::HeaderValue::from_static(crate::tools::PARENT));
    let app = Router::new().route("/orders/{id}", route(|| async { "x" })).layer(ServerLayer::new());
    let seen = captured(answer(app.layer(ServerLayer::new()), remote));
    assert_eq!(seen.spans.len(), 1, "{}", seen.spans);
}

#[test]
fn a_request_that_a_handler_sends_to_another_router_has_a_span_of_its_own() {
    let inner = Router::new().route("/inner", route(|| async { "x" })).layer(ServerLayer::new());
    let handler = move || {
        let inner = inner.clone();
        async move {
            let mut request = get("/inner");
            let span = otelier::current_span().span_context();
            let parent = format!("00-{}-{}-01", span.trace_id(), span.span_id());
            request.headers_mut().insert("traceparent", parent.parse().unwrap());
            answer(inner, request).await.into_body()
        }
    };
    let app = Router::new().route("/outer", route(handler)).layer(ServerLayer::new());
    spans(app, get("/outer")).span("GET /outer").child("GET /inner");
}

/// A pipeline, which is what records what panics say.
fn telemetry() -> otelier::SharedGuard {
    otelier::init_once(otelier::Telemetry::default()).unwrap()
}

#[test]
fn a_panic_of_the_handler_fails_the_span_and_goes_on() {
    async fn bad() -> &'static str {
        panic!("no such order")
    }
    let _telemetry = telemetry();
    let app = Router::new().route("/", route(bad)).layer(ServerLayer::new());
    let seen = captured(async {
        let mut answer = pin!(app.oneshot(get("/")));
        poll_fn(|task| {
            let polled = std::panic::catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(task)));
            assert!(polled.is_err());
            Poll::Ready(())
        })
        .await;
    });
    let span = seen.spans.span("GET /").is_error().has_no("otelier.cancelled").has_no("otelier.http.disconnected");
    span.event("exception").has("exception.message", "no such order");
}

#[test]
fn a_panic_while_the_future_is_made_fails_the_span_too() {
    let service = service_fn(|_: Request<Body>| -> std::future::Ready<Result<Response<Body>, Infallible>> {
        panic!("before there is a future")
    });
    let _telemetry = telemetry();
    let mut service = ServerLayer::new().layer(service);
    let seen = captured(async { std::panic::catch_unwind(AssertUnwindSafe(|| drop(service.call(get("/"))))).is_err() });
    assert!(seen.value);
    seen.spans.span("GET").is_error().has_event("exception").has_no("otelier.cancelled");
}

#[test]
fn a_future_that_is_dropped_is_a_client_that_went_away() {
    let app = || Router::new().route("/", route(pending::<&'static str>)).layer(ServerLayer::new());
    // Before it was ever polled, and after.
    for polls in 0..2 {
        let seen = captured(async {
            let mut app = app();
            let mut answer = Box::pin(Service::<Request<Body>>::call(&mut app, get("/")));
            for _ in 0..polls {
                waits(answer.as_mut()).await;
            }
        });
        if polls == 0 {
            // axum calls the layer at the first poll.
            assert!(seen.spans.len() <= 1);
            continue;
        }
        let span = seen.spans.span("GET /").has("otelier.cancelled", true).has_no("http.response.status_code");
        span.has("otelier.http.disconnected", "before_response");
    }
    let mut service =
        ServerLayer::new().layer(service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>()));
    let seen = captured(async { drop(service.call(get("/"))) });
    seen.spans.span("GET").has("otelier.cancelled", true);
}

#[test]
fn what_the_handler_drops_when_it_is_cancelled_is_below_its_span() {
    struct Held;
    impl Drop for Held {
        fn drop(&mut self) {
            otelier::Span::start("rolled back").end();
        }
    }
    let handler = || async {
        let _held = Held;
        pending::<()>().await;
    };
    let app = Router::new().route("/", route(handler)).layer(ServerLayer::new());
    let seen = captured(async {
        let mut answer = Box::pin(app.oneshot(get("/")));
        waits(answer.as_mut()).await;
    });
    seen.spans.span("GET /").has("otelier.cancelled", true).child("rolled back");
}

#[test]
fn a_span_is_current_only_while_its_request_is_polled() {
    let app = Router::new().route("/", route(|| async { tokio::task::yield_now().await })).layer(ServerLayer::new());
    let seen = captured(async {
        let mut one = Box::pin(app.clone().oneshot(get("/")));
        let mut other = Box::pin(app.oneshot(get("/")));
        waits(one.as_mut()).await;
        assert!(!otelier::current_span().is_recording());
        waits(other.as_mut()).await;
        drop((one.await, other.await));
    });
    assert_eq!(seen.spans.roots().count(), 2);
}
