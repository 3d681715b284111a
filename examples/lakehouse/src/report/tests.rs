//! The figures of the summary, from a trace made by hand.

use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use otelier::export::tree::Trace;

use super::figures::{Figures, slowest_path};

fn span(
    id: u64,
    parent: u64,
    name: &'static str,
    millis: (u64, u64),
    attributes: &[(&'static str, Value)],
) -> SpanData {
    let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
    let context =
        SpanContext::new(TraceId::from(1_u128), SpanId::from(id), TraceFlags::SAMPLED, false, TraceState::default());
    SpanData {
        span_context: context,
        parent_span_id: SpanId::from(parent),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: name.into(),
        start_time: at(millis.0),
        end_time: at(millis.1),
        attributes: attributes.iter().map(|(key, value)| KeyValue::new(*key, value.clone())).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

fn trace() -> Trace {
    let template = ("url.template", Value::from("/api/v3/klines"));
    let limit = ("crypto.rate_limit.limit", Value::I64(50));
    let spans = vec![
        span(1, 0, "workflow", (0, 100), &[]),
        span(2, 1, "ingest", (0, 60), &[("error.type", Value::from("503"))]),
        span(3, 2, "call", (0, 10), &[template.clone(), ("error.type", Value::from("503"))]),
        span(
            4,
            2,
            "call",
            (10, 60),
            &[
                template.clone(),
                limit.clone(),
                ("http.request.resend_count", Value::I64(1)),
                ("crypto.rate_limit.used_weight", Value::I64(12)),
                ("crypto.symbol", Value::from("BTCUSDT")),
            ],
        ),
        span(5, 1, "call", (0, 20), &[template, limit, ("crypto.rate_limit.used_weight", Value::I64(9))]),
        span(6, 1, "put", (60, 70), &[("error.type", Value::from("write"))]),
        span(7, 1, "ingest", (0, 50), &[("otelier.cancelled", Value::Bool(true))]),
    ];
    Trace::group(spans).remove(0)
}

#[test]
fn calls_retries_and_errors_are_counted_once() {
    let figures = Figures::of(&trace());
    assert_eq!((figures.calls, figures.retries, figures.cancelled), (3, 1, 1));
    assert_eq!(figures.errors(), "1 x 503, 1 x write, 1 x cancelled");
    assert_eq!(figures.calls(), "3 requests, 1 of them repeated");
}

#[test]
fn the_budget_is_that_of_the_busiest_minute() {
    let budget = Figures::of(&trace()).budget();
    assert_eq!(budget.as_deref(), Some("12 of 50 request weight used in the busiest minute (24.0 %)"));
    assert_eq!(Figures::default().budget(), None);
}

#[test]
fn the_objective_is_met_or_missed_as_the_span_says() {
    let run = |kept: bool| {
        let attributes =
            [("performance.slo.compliant", Value::Bool(kept)), ("performance.slo.threshold", Value::F64(5.0))];
        Figures::of(&Trace::group(vec![span(1, 0, "workflow", (0, 100), &attributes)])[0]).objective()
    };
    assert_eq!(run(true).as_deref(), Some("met: the archive is to be ready within 5.00 s"));
    assert_eq!(run(false).as_deref(), Some("missed: the archive is to be ready within 5.00 s"));
    assert_eq!(Figures::default().objective(), None);
}

#[test]
fn the_slowest_path_follows_the_longest_child() {
    assert_eq!(slowest_path(&trace()), "workflow > ingest > call BTCUSDT (50.0 ms of 100 ms)");
}
