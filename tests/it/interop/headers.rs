//! What headers say, and what code sees that looks at OpenTelemetry's context itself.

use super::setup::{Run, active, everywhere, headers, named, one_thread, propagator, seen, tracer, with_tracing};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, Tracer};
use opentelemetry_sdk::trace::SpanData;
use otelier::bridge::hooked;
use otelier::config::Hooks;
use otelier::prelude::*;
use std::collections::HashMap;
use tokio::task::yield_now;
use tracing::info_span;

/// The header that names this span.
/// The ids of a `traceparent`. Of its flags OpenTelemetry's propagator writes one, and ours both.
fn ids(header: &str) -> &str {
    let (ids, flags) = header.rsplit_once('-').expect("a `traceparent`");
    assert!(flags == "01" || flags == "03", "{header}");
    ids
}

fn traceparent(span: &SpanData) -> String {
    format!("00-{}-{}", span.span_context.trace_id(), span.span_context.span_id())
}

#[test]
fn headers_name_the_span_that_is_active() {
    everywhere(|run| {
        let mut sent = HashMap::new();
        let mut send = |name: &'static str| {
            assert_eq!(sent.insert(name, headers()["traceparent"].clone()), None);
        };
        with_tracing(|| {
            trace_block!(name = "root", {
                send("root");
                trace_block!(name = "lazy", {
                    send("lazy");
                    trace_block!(name = "leaf", { send("leaf") });
                    tracer().in_span("of the API", |_| {
                        send("of the API");
                        trace_block!(name = "below the API", { send("below the API") });
                    });
                    info_span!("of tracing").in_scope(|| send("of tracing"));
                    trace_block!(name = "client", kind = client, { send("client") });
                    one_thread().block_on(trace_block!(name = "asynchronous", async {
                        yield_now().await;
                        send("asynchronous");
                        trace_block!(name = "in asynchronous", { send("in asynchronous") });
                    }));
                });
            });
        });
        let spans = run.spans();
        assert_eq!(sent.len(), spans.len());
        for (name, header) in sent {
            assert_eq!(ids(&header), traceparent(named(&spans, name)), "{name}");
        }
    });
}

#[test]
fn outside_of_spans_there_is_nothing_to_send() {
    everywhere(|run| {
        assert_eq!(headers().get("traceparent"), None);
        trace_block!(name = "a", {});
        assert_eq!(headers().get("traceparent"), None);
        run.expect(&["a"]);
    });
}

#[test]
fn the_context_itself_shows_the_nearest_span_that_is_attached() {
    everywhere(|run| {
        let lazy = run.hooks != Hooks::None;
        let is = |found: SpanContext, wanted: &SpanContext| {
            assert_eq!(&found, wanted);
            assert!(found.is_sampled() && !found.is_remote());
        };
        trace_block!(name = "root", {
            let root = seen();
            is(active(), &root);
            trace_block!(name = "lazy", {
                let inner = active();
                assert_ne!(inner.span_id(), root.span_id());
                assert_eq!(inner.trace_id(), root.trace_id());
                is(seen(), if lazy { &root } else { &inner });
                trace_block!(name = "client", kind = client, {
                    let client = seen();
                    is(active(), &client);
                    assert_ne!(client.span_id(), inner.span_id());
                });
                one_thread().block_on(trace_block!(name = "asynchronous", async {
                    yield_now().await;
                    let asynchronous = seen();
                    is(active(), &asynchronous);
                    trace_block!(name = "in asynchronous", {
                        let inner = active();
                        is(seen(), if lazy { &asynchronous } else { &inner });
                    });
                }));
                is(active(), &inner);
            });
            is(seen(), &root);
        });
        assert!(!seen().is_valid() && !active().is_valid());
        run.expect(&["root", "  lazy", "    asynchronous", "      in asynchronous", "    client [client]"]);
    });
}

#[test]
fn a_propagator_without_a_hook_names_the_nearest_span_that_is_attached() {
    everywhere(|run| {
        let lazy = run.hooks != Hooks::None;
        let inject = |propagator: &dyn TextMapPropagator| {
            let mut headers = HashMap::new();
            propagator.inject(&mut headers);
            headers.remove("traceparent").expect("a header")
        };
        let (plain, exact) = trace_block!(name = "root", {
            trace_block!(name = "lazy", { (inject(&propagator()), inject(&hooked(propagator()))) })
        });
        let spans = run.spans();
        assert_eq!(ids(&plain), traceparent(named(&spans, if lazy { "root" } else { "lazy" })));
        assert_eq!(ids(&exact), traceparent(named(&spans, "lazy")));
    });
}

#[test]
fn hooks_around_what_needs_none_change_nothing() {
    let run = Run::start(Hooks::None);
    trace_block!(name = "a", {
        trace_block!(name = "b", {
            assert_eq!((active(), hooked_header()), (seen(), headers()["traceparent"].clone()));
        });
    });
    run.expect(&["a", "  b"]);
}

fn hooked_header() -> String {
    let mut headers = HashMap::new();
    hooked(hooked(propagator())).inject(&mut headers);
    headers.remove("traceparent").expect("a header")
}
