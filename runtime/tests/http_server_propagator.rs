//! Whose propagator reads the headers of a request. A program of its own, because the propagator is the process's.

use http::Request;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, global};
use opentelemetry_sdk::trace::InMemorySpanExporter;
use otelier::http::ServerLayer;
use otelier::{Pipeline, Telemetry};
use std::convert::Infallible;
use tower::{Layer, ServiceExt, service_fn};

/// Reads two numbers.
#[derive(Debug)]
struct Numbers(Vec<String>);

impl TextMapPropagator for Numbers {
    fn inject_context(&self, _: &Context, _: &mut dyn Injector) {}

    fn extract_with_context(&self, context: &Context, headers: &dyn Extractor) -> Context {
        let number = |name| headers.get(name).and_then(|value| value.parse::<u64>().ok()).unwrap_or_default();
        let (trace, span) = (TraceId::from(u128::from(number("x-trace"))), SpanId::from(number("x-span")));
        let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE);
        context.with_remote_span_context(span)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.0)
    }
}

#[tokio::test]
async fn the_propagator_that_was_set_last_reads_the_headers() {
    let exporter = InMemorySpanExporter::default();
    let guard = Pipeline::new(Telemetry::default()).with_span_exporter(exporter.clone()).start().unwrap();
    let service = ServerLayer::new()
        .layer(service_fn(|_: Request<String>| async { Ok::<_, Infallible>(http::Response::new(String::new())) }));
    let parent = async || {
        let request = Request::get("/")
            .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .header("x-trace", "7")
            .header("x-span", "8");
        drop(service.clone().oneshot(request.body(String::new()).unwrap()).await);
        guard.force_flush(std::time::Duration::from_secs(60)).unwrap();
        let spans = exporter.get_finished_spans().unwrap();
        exporter.reset();
        spans[0].parent_span_id.to_string()
    };
    assert_eq!(parent().await, "b7ad6b7169203331");
    // Also if it says of itself what ours says, or has not said what it reads.
    let named = ["traceparent", "tracestate", "baggage"].map(String::from).to_vec();
    for fields in [vec!["x-trace".to_owned()], named] {
        global::set_text_map_propagator(Numbers(fields));
        assert_eq!(parent().await, "0000000000000008");
    }
}
