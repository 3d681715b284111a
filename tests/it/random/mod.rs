//! Random trees of spans, of OpenTelemetry's API and of annotated functions mixed, through three exporters of one
//! pipeline: what our OTLP says, what `opentelemetry-otlp` says, and what `opentelemetry-proto` makes of the spans in
//! memory must be the same bytes, and all of it what a plain model of the specification expects.

mod arrives;
mod expected;
mod made;
mod play;

use arrives::*;
use expected::*;
use made::*;
use play::*;

use crate::support::{receiver, telemetry, turn};
use opentelemetry::trace::{
    Event, Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope as WireScope;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::trace::SpanData;
use otelier::bridge::{OtelSpan, TracerProvider};
use otelier::config::{Hooks, Limits, Protocol, Sampler};
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::{Pipeline, current_context};
use otelier_tests::Behaviour;
use prop::collection::vec as list;
use prop::sample::select;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use prost::Message;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

// What random cases, or reading beside them, have found.

/// Runs one function with these limits.
fn one(limits: Limits, work: impl FnOnce()) -> Vec<SpanData> {
    let _turn = turn();
    let seen = observe(Protocol::HttpProtobuf, |settings| settings.with_limits(limits), work);
    seen.check();
    seen.memory
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

#[trace]
fn linked_in_turns() {
    for number in 0..4 {
        Context::current().span().add_link(SpanContext::NONE, Vec::new());
        record!(app.number = number);
    }
}

#[test]
fn links_that_come_between_other_things_are_limited_too() {
    let spans = one(limits(|limits| limits.links = 1), linked_in_turns);
    assert_eq!((spans[0].links.len(), spans[0].links.dropped_count), (1, 3));
}

#[test]
fn names_and_descriptions_are_no_attributes_to_be_cut() {
    let spans = one(limits(|limits| limits.attribute_value_length = 2), || {
        let mut span = TracerProvider::new().tracer("it").start("abc");
        span.add_event("def", vec![KeyValue::new("long key", "ghi")]);
        span.set_status(Status::error("jkl"));
    });
    assert_eq!((&*spans[0].name, &*spans[0].events[0].name), ("abc", "def"));
    assert_eq!(spans[0].status, Status::error("jkl"));
    assert_eq!(spans[0].events[0].attributes, [KeyValue::new("long key", "gh")]);
}

#[trace]
fn told_of_long_ago(time: SystemTime) {
    Context::current().span().add_event_with_timestamp("long ago", time, Vec::new());
}

#[test]
fn times_that_are_given_are_kept_to_the_nanosecond() {
    // Before this machine was started, and too far ahead for 63 bits of ticks.
    for seconds in [1, 1_000_000_000, 10_000_000_000] {
        let time = UNIX_EPOCH + Duration::new(seconds, 1);
        let spans = one(Limits::default(), || {
            told_of_long_ago(time);
            TracerProvider::new().tracer("it").start("ends").end_with_timestamp(time);
        });
        assert_eq!((spans[0].events[0].timestamp, spans[1].end_time), (time, time));
    }
}

#[trace]
fn fails() -> Result<(), Displayed> {
    Err(Displayed("too long".to_owned()))
}

#[test]
fn the_limits_hold_for_what_an_error_adds() {
    let few = limits(|limits| (limits.attribute_value_length, limits.event_attributes) = (2, 1));
    let spans = one(few, || assert!(fails().is_err()));
    assert_eq!(spans[0].attributes, [KeyValue::new("error.type", "it")]);
    let exception = &spans[0].events[0];
    assert_eq!(exception.attributes, [KeyValue::new("exception.type", "it")]);
    assert_eq!(exception.dropped_attributes_count, 1);
}

#[test]
fn a_context_that_is_not_valid_gives_nothing_to_its_children() {
    let state = TraceState::from_key_value([("vendor", "value")]).expect("valid");
    let parent = SpanContext::new(TraceId::from(7), SpanId::INVALID, TraceFlags::SAMPLED, true, state);
    let spans = one(Limits::default(), || {
        let _attached = Context::new().with_remote_span_context(parent).attach();
        trace_block!(name = "ours", {});
        drop(TracerProvider::new().tracer("it").start("theirs"));
    });
    for span in spans {
        assert_eq!((span.span_context.trace_state(), span.parent_span_is_remote), (&TraceState::NONE, false));
    }
}

/// A `NaN` is not equal to itself, and neither is what has one.
#[test]
fn spans_of_a_scope_that_does_not_equal_itself_arrive() {
    let _turn = turn();
    let scope = InstrumentationScope::builder("it").with_attributes([KeyValue::new("nan", f64::NAN)]).build();
    let work = || (0..2).for_each(|_| drop(TracerProvider::new().tracer_with_scope(scope.clone()).start("span")));
    let seen = observe(Protocol::HttpProtobuf, |settings| settings, work);
    // How such spans are grouped is nobody's business, so only the spans are compared.
    let spans = by_id(&seen.ours);
    assert_eq!((spans.len(), by_id(&seen.theirs).len(), seen.memory.len()), (2, 2, 2));
    for (_, scope, _) in spans.into_values() {
        assert_eq!(
            crate::notation::wire_attributes(&scope.expect("a scope").attributes)[0],
            "nan = double 0x7ff8000000000000"
        );
    }
}

#[trace]
fn failed_by_hand() {
    Context::current().span().set_status(Status::error("by hand"));
}

#[test]
fn a_trace_that_failed_by_hand_is_kept() {
    let _turn = turn();
    let tail = otelier::config::TailSampling::failed();
    let seen = observe(Protocol::HttpProtobuf, |settings| settings.with_tail_sampling(tail), failed_by_hand);
    assert_eq!(seen.memory.len(), 1);
}

#[test]
fn random_spans_arrive_over_http_as_other_libraries_would_send_them() {
    check(Protocol::HttpProtobuf, 256);
}

#[test]
fn random_spans_arrive_over_grpc_as_other_libraries_would_send_them() {
    check(Protocol::Grpc, 32);
}
