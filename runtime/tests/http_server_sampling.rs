//! What a sampler sees of a request. A program of its own, because the sampler is the process's.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use opentelemetry_sdk::trace::InMemorySpanExporter;
use otelier::config::{Composable, Rule, Sampler};
use otelier::http::ServerLayer;
use otelier::{Pipeline, Telemetry};
use tower::ServiceExt;

#[tokio::test]
async fn a_sampler_sees_the_path_and_the_name_of_a_request() {
    let exporter = InMemorySpanExporter::default();
    let rules = vec![
        Rule::new(Composable::AlwaysOff).attribute_is("url.path", ["/metrics"]),
        Rule::new(Composable::AlwaysOff).span_name("GET /static/*"),
        Rule::new(Composable::AlwaysOn),
    ];
    let sampler = Sampler::Composite(Composable::RuleBased(rules));
    let pipeline = Pipeline::new(Telemetry::default().with_sampler(sampler)).with_span_exporter(exporter.clone());
    let guard = pipeline.start().unwrap();
    let app = Router::new()
        .route("/static/{file}", get(|| async {}))
        .route("/orders/{id}", get(|| async {}))
        .route("/metrics", get(|| async {}))
        .layer(ServerLayer::new());
    for path in ["/metrics", "/static/logo", "/orders/7", "/nothing"] {
        drop(app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await);
    }
    guard.force_flush(std::time::Duration::from_secs(60)).unwrap();
    let spans = exporter.get_finished_spans().unwrap();
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["GET /orders/{id}", "GET"]);
    // What the sampler looked at is recorded once.
    let paths = spans[0].attributes.iter().filter(|attribute| attribute.key.as_str() == "url.path");
    assert_eq!(paths.count(), 1);
}
