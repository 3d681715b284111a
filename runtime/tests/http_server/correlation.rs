//! A request's correlation id: on its spans, in what it sends on, and in the answer, with or without a span.

use crate::tools::{answer, block_on, captured, get};
use axum::Router;
use axum::routing::get as route;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use otelier::correlation::Settings;
use otelier::http::{ClientLayer, ServerLayer};
use otelier::trace;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

fn app(settings: Settings) -> Router {
    #[trace]
    fn work() -> String {
        otelier::correlation_id().map(|id| id.to_string()).unwrap_or_default()
    }
    let layer = ServerLayer::new().with_correlation(settings).with_excluded_paths(["/health"]);
    Router::new().route("/", route(|| async { work() })).route("/health", route(|| async { work() })).layer(layer)
}

fn with(id: &'static str) -> Request<axum::body::Body> {
    let mut request = get("/");
    request.headers_mut().insert("x-correlation-id", HeaderValue::from_static(id));
    request
}

fn told(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all("x-correlation-id").iter().map(|value| value.to_str().unwrap()).collect()
}

#[test]
fn an_id_that_comes_in_is_on_every_span_and_in_the_answer() {
    let seen = captured(answer(app(Settings::default()), with("order-42")));
    assert_eq!((seen.value.body().as_str(), told(seen.value.headers())), ("order-42", vec!["order-42"]));
    seen.spans.span("GET /").has("correlation.id", "order-42").child("work").has("correlation.id", "order-42");
}

#[test]
fn an_id_that_is_missing_refused_or_not_believed_is_made_here() {
    for (request, settings) in [
        (get("/"), Settings::default()),
        (with("<script>"), Settings::default()),
        (with("order-42"), Settings::default().with_accept(false)),
    ] {
        let seen = captured(answer(app(settings), request));
        let id = seen.value.body().as_str();
        assert_eq!((id.len(), told(seen.value.headers())), (36, vec![id]));
        seen.spans.span("GET /").has("correlation.id", id);
        assert!(!seen.spans.text().contains("script"));
    }
    let seen = captured(answer(app(Settings::default().with_generate(false)), get("/")));
    assert_eq!((seen.value.body().as_str(), told(seen.value.headers())), ("", vec![]));
}

#[test]
fn a_context_that_is_entered_around_the_service_is_kept_where_no_id_comes_in() {
    let outer = otelier::CorrelationContext::with_id("outer").unwrap();
    let seen = captured(outer.in_future(answer(app(Settings::default()), get("/"))));
    assert_eq!(seen.value.body(), "outer");
    let seen = captured(outer.in_future(answer(app(Settings::default()), with("inner"))));
    assert_eq!(seen.value.body(), "inner");
    let layered = ServerLayer::new().with_correlation(Settings::default()).layer(app(Settings::default()));
    let seen = captured(answer(layered, get("/")));
    assert_eq!((seen.value.body().len(), told(seen.value.headers())), (36, vec![seen.value.body().as_str()]));
}

#[test]
fn ids_go_through_where_nothing_is_recorded() {
    // No capture and no pipeline: telemetry is off.
    let answered = block_on(answer(app(Settings::default()), with("order-42")));
    assert_eq!((answered.body().as_str(), told(answered.headers())), ("order-42", vec!["order-42"]));
    let mut excluded = with("order-42");
    *excluded.uri_mut() = "/health".parse().unwrap();
    let seen = captured(answer(app(Settings::default()), excluded));
    assert!(seen.spans.is_empty());
}

#[test]
fn a_client_sends_the_id_on_in_place_of_an_old_one_and_to_nobody_who_is_left_out() {
    let sent = |layer: ClientLayer| {
        let service = service_fn(|request: Request<Empty<Bytes>>| async move {
            Ok::<_, std::io::Error>(Response::new(Full::<Bytes>::from(told(request.headers()).join(","))))
        });
        let request = Request::get("http://shop.example/").header("x-correlation-id", "old");
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let context = otelier::CorrelationContext::with_id("order-42").unwrap();
        let answered = context.in_future(async {
            let body = layer.layer(service).oneshot(request).await.unwrap().into_body();
            body.collect().await.unwrap().to_bytes()
        });
        String::from_utf8(captured(answered).value.to_vec()).unwrap()
    };
    assert_eq!(sent(ClientLayer::new()), "order-42");
    assert_eq!(sent(ClientLayer::new().with_propagation_to(|_| false)), "old");
}
