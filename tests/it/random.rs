//! Random trees of spans, of OpenTelemetry's API and of annotated functions mixed, through three exporters of one
//! pipeline: what our OTLP says, what `opentelemetry-otlp` says, and what `opentelemetry-proto` makes of the spans in
//! memory must be the same bytes, and all of it what a plain model of the specification expects.

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

// What is made.

/// A span and what lies below it.
#[derive(Clone, Debug)]
enum Node {
    Api(ApiSpan),
    Traced(Traced),
}

/// A span of OpenTelemetry's API.
#[derive(Clone, Debug)]
struct ApiSpan {
    scope: usize,
    name: String,
    kind: Option<SpanKind>,
    parent: Parent,
    start: Option<Moment>,
    attributes: Option<Vec<KeyValue>>,
    events: Option<Vec<(String, Moment, Vec<KeyValue>)>>,
    links: Option<Vec<(SpanContext, Vec<KeyValue>)>>,
    body: Vec<Step>,
    end: End,
    /// What comes too late to count.
    after: Vec<Op>,
}

#[derive(Clone, Debug)]
enum Parent {
    Current,
    None,
    Given(SpanContext),
}

#[derive(Clone, Debug)]
enum End {
    Dropped,
    Now,
    At(Moment),
}

/// A time that somebody has taken.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Before1970(Duration),
    After1970(Duration),
}

impl Moment {
    fn time(self) -> SystemTime {
        match self {
            Self::Before1970(duration) => UNIX_EPOCH - duration,
            Self::After1970(duration) => UNIX_EPOCH + duration,
        }
    }

    /// OTLP has no time before 1970, and none after 2554.
    fn nanos(self) -> u64 {
        match self {
            Self::Before1970(_) => 0,
            Self::After1970(duration) => u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

/// What happens in the body of a span.
#[derive(Clone, Debug)]
enum Step {
    /// By OpenTelemetry's API, where the span is current for it.
    Api(Op),
    /// By `record!`; only in annotated functions.
    Record(usize, Value),
    /// By `event!`; only in annotated functions.
    Event(Value, Option<String>),
    Child(Box<Node>),
}

#[derive(Clone, Debug)]
enum Op {
    Attribute(KeyValue),
    Event(String, Option<Moment>, Vec<KeyValue>),
    Link(SpanContext, Vec<KeyValue>),
    Status(Status),
    /// Only for spans of the API: the name of an annotated function stays.
    Name(String),
    Error(String),
}

/// A call of an annotated function.
#[derive(Clone, Debug)]
struct Traced {
    shape: Shape,
    /// The context to call it in, unless the current one.
    parent: Option<SpanContext>,
    value: Value,
    text: String,
    optional: Option<f64>,
    body: Vec<Step>,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Internal,
    InternalAsync,
    Server,
    ExchangeApi,
    WorkflowAsync,
}

#[derive(Clone, Debug)]
enum Outcome {
    Good,
    Error {
        class: Cow<'static, str>,
        message: String,
        expected: bool,
    },
    Panic,
    /// Of asynchronous functions; the others return.
    Cancelled,
}

#[derive(Clone, Debug)]
struct Case {
    limits: Limits,
    hooks: Hooks,
    batch: usize,
    resource: Vec<(String, String)>,
    trees: Vec<Node>,
}

// How it is made.

fn text() -> BoxedStrategy<String> {
    let long = (
        select(&["x", "ä", "😀", "\0", "e\u{301}"][..]),
        select(&[1, 3, 7, 8, 9, 16, 17, 511, 512, 1024, 1025, 3000][..]),
    );
    prop_oneof![
        2 => Just(String::new()),
        6 => any::<String>(),
        2 => "[a-z]{1,4}",
        2 => long.prop_map(|(piece, times)| piece.repeat(times)),
    ]
    .boxed()
}

fn double() -> BoxedStrategy<f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        select(&[0.0, -0.0, 1.5, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE][..]),
        // A signalling NaN with a payload, to be kept bit by bit.
        Just(f64::from_bits(0x7ff0_0000_0000_0001)),
    ]
    .boxed()
}

fn integer() -> BoxedStrategy<i64> {
    prop_oneof![any::<i64>(), select(&[i64::MIN, -1, 0, 1, 127, 128, i64::MAX][..])].boxed()
}

fn value() -> BoxedStrategy<Value> {
    prop_oneof![
        3 => text().prop_map(Value::from),
        2 => integer().prop_map(Value::I64),
        2 => double().prop_map(Value::F64),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => list(text().prop_map(StringValue::from), 0..4).prop_map(|values| Value::Array(Array::String(values))),
        1 => list(integer(), 0..4).prop_map(|values| Value::Array(Array::I64(values))),
        1 => list(double(), 0..4).prop_map(|values| Value::Array(Array::F64(values))),
        1 => list(any::<bool>(), 0..4).prop_map(|values| Value::Array(Array::Bool(values))),
    ]
    .boxed()
}

/// Few keys, so that they come again, and odd ones.
fn key() -> BoxedStrategy<String> {
    prop_oneof![
        4 => select(&["a", "b", "c", "d"][..]).prop_map(str::to_owned),
        1 => select(&["", " ", "ключ", "error.type", "exception.message", "a.b.c", "\"\n\0"][..]).prop_map(str::to_owned),
        1 => text(),
    ].boxed()
}

fn attributes() -> BoxedStrategy<Vec<KeyValue>> {
    list(attribute(), 0..5).boxed()
}

fn attribute() -> BoxedStrategy<KeyValue> {
    (key(), value()).prop_map(|(key, value)| KeyValue::new(key, value)).boxed()
}

/// Seconds and nanoseconds of times of all sorts.
fn moment() -> BoxedStrategy<Moment> {
    prop_oneof![
        1 => (0..10_000_000_000u64, 0..1_000_000_000u32).prop_map(|(s, n)| Moment::Before1970(Duration::new(s, n))),
        1 => Just(Moment::After1970(Duration::ZERO)),
        1 => (0..3u64, 0..1_000_000_000u32).prop_map(|(s, n)| Moment::After1970(Duration::new(s, n))),
        4 => (0..4_000_000_000u64, 0..1_000_000_000u32).prop_map(|(s, n)| Moment::After1970(Duration::new(s, n))),
        // To the end of what 64 bits hold, and over it.
        1 => (18_446_744_070..18_446_744_080u64).prop_map(|s| Moment::After1970(Duration::new(s, 999_999_999))),
    ]
    .boxed()
}

/// As W3C allows it; what it does not allow (a value that ends with a blank) the API's parser changes.
fn trace_state() -> BoxedStrategy<TraceState> {
    let member = (select(&["a", "vendor", "tenant@system", "0_-*/"][..]), "([ -+--<>-~]{0,8}[!-+--<>-~])?");
    prop_oneof![
        3 => Just(TraceState::NONE),
        2 => list(member.clone(), 0..4).prop_map(|list| TraceState::from_key_value(list).expect("valid")),
        // More than the 32 members that are kept.
        1 => list(member, 30..36).prop_map(|list| TraceState::from_key_value(list).expect("valid")),
    ]
    .boxed()
}

fn span_context() -> BoxedStrategy<SpanContext> {
    let ids = prop_oneof![3 => (any::<u128>(), any::<u64>()), 1 => (0..2u128, 0..2u64)];
    (ids, any::<u8>(), any::<bool>(), trace_state())
        .prop_map(|((trace, span), flags, remote, state)| {
            SpanContext::new(TraceId::from(trace), SpanId::from(span), TraceFlags::new(flags), remote, state)
        })
        .boxed()
}

fn status() -> BoxedStrategy<Status> {
    prop_oneof![1 => Just(Status::Unset), 1 => Just(Status::Ok), 3 => text().prop_map(Status::error)].boxed()
}

fn op() -> BoxedStrategy<Op> {
    prop_oneof![
        4 => attribute().prop_map(Op::Attribute),
        3 => (text(), prop::option::of(moment()), attributes()).prop_map(|(name, time, list)| Op::Event(name, time, list)),
        2 => (span_context(), attributes()).prop_map(|(to, list)| Op::Link(to, list)),
        1 => status().prop_map(Op::Status),
        1 => text().prop_map(Op::Name),
        1 => text().prop_map(Op::Error),
    ].boxed()
}

fn steps(child: Option<BoxedStrategy<Node>>) -> BoxedStrategy<Vec<Step>> {
    let own = prop_oneof![
        4 => op().prop_map(Step::Api),
        2 => (0..3usize, value()).prop_map(|(key, value)| Step::Record(key, value)),
        2 => (value(), prop::option::of(text())).prop_map(|(value, text)| Step::Event(value, text)),
    ];
    match child {
        None => list(own, 0..8).boxed(),
        Some(child) => {
            list(prop_oneof![4 => own, 1 => child.prop_map(|node| Step::Child(Box::new(node)))], 0..8).boxed()
        }
    }
}

fn api_span(child: Option<BoxedStrategy<Node>>) -> impl Strategy<Value = ApiSpan> {
    let kinds = [SpanKind::Client, SpanKind::Server, SpanKind::Producer, SpanKind::Consumer, SpanKind::Internal];
    let parent = prop_oneof![
        4 => Just(Parent::Current),
        1 => Just(Parent::None),
        1 => span_context().prop_map(Parent::Given),
    ];
    let end = prop_oneof![Just(End::Dropped), Just(End::Now), moment().prop_map(End::At)];
    let head =
        (0..scopes().len(), text(), prop::option::of(select(kinds.to_vec())), parent, prop::option::of(moment()));
    let builder = (
        prop::option::of(attributes()),
        prop::option::of(list((text(), moment(), attributes()), 0..3)),
        prop::option::of(list((span_context(), attributes()), 0..3)),
    );
    (head, builder, steps(child), end, list(op(), 0..2)).prop_map(
        |((scope, name, kind, parent, start), (attributes, events, links), body, end, after)| ApiSpan {
            scope,
            name,
            kind,
            parent,
            start,
            attributes,
            events,
            links,
            body,
            end,
            after,
        },
    )
}

fn outcome() -> BoxedStrategy<Outcome> {
    let class = prop_oneof![
        select(&["", "429", "not_listed_anywhere"][..]).prop_map(Cow::Borrowed),
        text().prop_map(Cow::Owned),
    ];
    prop_oneof![
        3 => Just(Outcome::Good),
        3 => (class, text(), any::<bool>())
            .prop_map(|(class, message, expected)| Outcome::Error { class, message, expected }),
        1 => Just(Outcome::Panic),
        1 => Just(Outcome::Cancelled),
    ]
    .boxed()
}

fn traced(child: Option<BoxedStrategy<Node>>) -> impl Strategy<Value = Traced> {
    use Shape::*;
    let shape = select(&[Internal, InternalAsync, Server, ExchangeApi, WorkflowAsync][..]);
    let parent = prop::option::weighted(0.2, span_context());
    (shape, parent, value(), text(), prop::option::of(double()), steps(child), outcome()).prop_map(
        |(shape, parent, value, text, optional, body, outcome)| Traced {
            shape,
            parent,
            value,
            text,
            optional,
            body,
            outcome,
        },
    )
}

fn node(depth: u32) -> BoxedStrategy<Node> {
    let child = || (depth > 0).then(|| node(depth - 1));
    prop_oneof![api_span(child()).prop_map(Node::Api).boxed(), traced(child()).prop_map(Node::Traced).boxed()].boxed()
}

fn case() -> impl Strategy<Value = Case> {
    let few = || prop_oneof![2 => 0..4usize, 1 => Just(128usize)];
    let length = prop_oneof![select(&[0usize, 1, 3, 8, 9][..]), Just(1024)];
    let limits = (length, few(), few(), few(), few(), few()).prop_map(|(length, a, e, l, ea, la)| {
        let mut limits = Limits::default();
        (limits.attribute_value_length, limits.attributes, limits.events) = (length, a, e);
        (limits.links, limits.event_attributes, limits.link_attributes) = (l, ea, la);
        limits
    });
    let limits = prop_oneof![2 => limits, 1 => Just(Limits::default())];
    let hooks = select(&[Hooks::Global, Hooks::Manual, Hooks::None][..]);
    (limits, hooks, select(&[1usize, 2, 512][..]), list((key(), text()), 0..3), list(node(2), 1..5))
        .prop_map(|(limits, hooks, batch, resource, trees)| Case { limits, hooks, batch, resource, trees })
}

/// The scopes are a fixed set, because each that a process ever sees is kept.
fn scopes() -> &'static [InstrumentationScope] {
    static SCOPES: std::sync::LazyLock<Vec<InstrumentationScope>> = std::sync::LazyLock::new(|| {
        let scope = |name: &'static str| InstrumentationScope::builder(name);
        let attributes = || {
            let list = Value::Array(Array::String(vec!["".into(), "ä".into()]));
            [
                KeyValue::new("ä", list),
                KeyValue::new("empty", ""),
                KeyValue::new("minus", -1),
                KeyValue::new("half", 0.5),
            ]
        };
        vec![
            scope("").build(),
            scope("billing").build(),
            scope("billing").with_version("1.0").build(),
            scope("billing").with_version("1.0").with_schema_url("https://example.org/1").build(),
            scope("billing").with_attributes(attributes()).build(),
            scope("ключ\0").with_version("ä").with_schema_url("").with_attributes(attributes()).build(),
            // The name under which our own spans are made, and still another scope.
            scope("otelier").build(),
        ]
    });
    &SCOPES
}

// What is expected.

#[derive(Clone, Copy, Debug)]
enum When {
    Exactly(u64),
    /// Taken by our clock, between these readings of the system's.
    Between(u64, u64),
}

impl When {
    fn check(self, nanos: u64, what: &str) {
        const SLACK: u64 = 50_000_000;
        let (low, high) = match self {
            Self::Exactly(nanos) => (nanos, nanos),
            Self::Between(low, high) => (low.saturating_sub(SLACK), high + SLACK),
        };
        assert!((low..=high).contains(&nanos), "{what} is {nanos}, expected {self:?}");
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64
}

/// A bounded list and how much it did not take.
#[derive(Clone, Debug)]
struct Bounded<T>(Vec<T>, u32);

impl<T> Bounded<T> {
    fn push(&mut self, item: T, limit: usize) {
        if self.0.len() < limit { self.0.push(item) } else { self.1 += 1 }
    }

    fn of(items: impl IntoIterator<Item = T>, limit: usize) -> Self {
        let mut all = Self(Vec::new(), 0);
        items.into_iter().for_each(|item| all.push(item, limit));
        all
    }
}

/// The attributes of a span: each key once.
#[derive(Clone, Debug, Default)]
struct Attributes {
    kept: BTreeMap<String, Value>,
    /// Every value that was ever set.
    all: BTreeMap<String, Vec<Value>>,
    refused: u32,
}

impl Attributes {
    fn set(&mut self, key: &str, value: Value, limits: &Limits) {
        let value = cut(value, limits);
        self.all.entry(key.to_owned()).or_default().push(value.clone());
        if self.kept.contains_key(key) || self.kept.len() < limits.attributes {
            self.kept.insert(key.to_owned(), value);
        } else {
            self.refused += 1;
        }
    }
}

#[derive(Clone, Debug)]
struct ExpectedEvent {
    name: String,
    time: When,
    attributes: Bounded<KeyValue>,
}

#[derive(Clone, Debug)]
struct Expected {
    context: SpanContext,
    parent: SpanId,
    parent_is_remote: bool,
    name: Name,
    kind: SpanKind,
    scope: InstrumentationScope,
    start: When,
    end: When,
    attributes: Attributes,
    events: Bounded<ExpectedEvent>,
    links: Bounded<(SpanContext, Bounded<KeyValue>)>,
    status: Status,
    /// Whether the attributes may be more than fit before anybody looks; see `check_attributes`.
    annotated: bool,
}

#[derive(Clone, Debug)]
enum Name {
    Fixed(String),
    /// A schema's pattern, and its id where the pattern cannot be filled.
    Pattern(&'static str, &'static str),
}

fn cut_text(text: &str, limits: &Limits) -> String {
    text.chars().take(limits.attribute_value_length).collect()
}

fn cut(value: Value, limits: &Limits) -> Value {
    match value {
        Value::String(text) => cut_text(text.as_str(), limits).into(),
        Value::Array(Array::String(values)) => {
            Value::Array(Array::String(values.into_iter().map(|text| cut_text(text.as_str(), limits).into()).collect()))
        }
        other => other,
    }
}

impl Expected {
    fn event(&mut self, name: &str, time: When, attributes: Vec<KeyValue>, limits: &Limits) {
        let attributes = attributes.into_iter().map(|item| KeyValue::new(item.key, cut(item.value, limits)));
        let attributes = Bounded::of(attributes, limits.event_attributes);
        self.events.push(ExpectedEvent { name: name.to_owned(), time, attributes }, limits.events);
    }

    fn link(&mut self, to: &SpanContext, attributes: &[KeyValue], limits: &Limits) {
        let attributes = attributes.iter().map(|item| KeyValue::new(item.key.clone(), cut(item.value.clone(), limits)));
        self.links.push((to.clone(), Bounded::of(attributes, limits.link_attributes)), limits.links);
    }

    /// "Ok" is final, and "unset" says nothing.
    fn status(&mut self, status: &Status) {
        if self.status != Status::Ok && *status != Status::Unset {
            self.status = status.clone();
        }
    }

    fn op(&mut self, op: &Op, before: u64, limits: &Limits) {
        match op {
            Op::Attribute(item) => self.attributes.set(item.key.as_str(), item.value.clone(), limits),
            Op::Event(name, time, attributes) => {
                let time = time.map_or(When::Between(before, now()), |time| When::Exactly(time.nanos()));
                self.event(name, time, attributes.clone(), limits);
            }
            Op::Link(to, attributes) => self.link(to, attributes, limits),
            Op::Status(status) => self.status(status),
            Op::Name(name) => self.name = Name::Fixed(name.clone()),
            Op::Error(message) => {
                let attributes = vec![KeyValue::new("exception.message", message.clone())];
                self.event("exception", When::Between(before, now()), attributes, limits);
            }
        }
    }
}

// How it runs.

#[derive(Debug)]
struct Text<'a>(&'a str);

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // In pieces, because that is how values are displayed.
        self.0.char_indices().try_for_each(|(at, char)| f.write_str(&self.0[at..at + char.len_utf8()]))
    }
}

impl std::error::Error for Text<'_> {}

#[derive(Debug)]
struct Displayed(String);

impl std::fmt::Display for Displayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug)]
struct Classified {
    class: Cow<'static, str>,
    message: String,
    expected: bool,
}

impl std::fmt::Display for Classified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl ErrorClass for Classified {
    fn error_type(&self) -> Cow<'static, str> {
        self.class.clone()
    }

    fn is_expected(&self) -> bool {
        self.expected
    }
}

#[derive(Debug)]
struct Opaque;

/// The errors of a shape, made from what an outcome says.
trait Failure: Sized {
    fn fail(outcome: &Outcome) -> Result<(), Self>;
    /// Type, message and whether it is expected.
    fn seen(class: &str, message: &str, expected: bool) -> (String, Option<String>, bool);
}

fn failed(outcome: &Outcome) -> Option<(Cow<'static, str>, String, bool)> {
    match outcome {
        Outcome::Error { class, message, expected } => Some((class.clone(), message.clone(), *expected)),
        _ => None,
    }
}

impl Failure for Displayed {
    fn fail(outcome: &Outcome) -> Result<(), Self> {
        failed(outcome).map_or(Ok(()), |(_, message, _)| Err(Self(message)))
    }

    fn seen(_: &str, message: &str, _: bool) -> (String, Option<String>, bool) {
        (std::any::type_name::<Self>().to_owned(), Some(message.to_owned()), false)
    }
}

impl Failure for Classified {
    fn fail(outcome: &Outcome) -> Result<(), Self> {
        failed(outcome).map_or(Ok(()), |(class, message, expected)| Err(Self { class, message, expected }))
    }

    fn seen(class: &str, message: &str, expected: bool) -> (String, Option<String>, bool) {
        (class.to_owned(), Some(message.to_owned()), expected)
    }
}

impl Failure for Opaque {
    fn fail(outcome: &Outcome) -> Result<(), Self> {
        failed(outcome).map_or(Ok(()), |_| Err(Self))
    }

    fn seen(_: &str, _: &str, _: bool) -> (String, Option<String>, bool) {
        (std::any::type_name::<Self>().to_owned(), None, false)
    }
}

/// A case that runs, and the spans that it has to make.
struct Run {
    limits: Limits,
    expected: Vec<Expected>,
}

/// What a span of an annotated function says of itself.
struct Site {
    kind: SpanKind,
    name: Name,
    attributes: Vec<(&'static str, Value)>,
    /// Whether OpenTelemetry's API reaches the span in every case.
    is_attached: bool,
}

/// Where a node runs.
#[derive(Clone)]
struct Place {
    parent: SpanContext,
    is_traced: bool,
}

impl Place {
    fn none() -> Self {
        Self { parent: SpanContext::NONE, is_traced: false }
    }
}

/// An open span of an annotated function.
struct Opened {
    number: usize,
    place: Place,
    /// Whether OpenTelemetry's API reaches it.
    reaches: bool,
}

impl Run {
    fn nodes(&mut self, nodes: &[Node], place: &Place) {
        nodes.iter().for_each(|node| self.node(node, place));
    }

    fn node(&mut self, node: &Node, place: &Place) {
        match node {
            Node::Api(span) => self.api(span, place),
            Node::Traced(call) => match &call.parent {
                None => self.traced(call, place),
                Some(parent) => {
                    let _attached = Context::new().with_remote_span_context(parent.clone()).attach();
                    self.traced(call, &Place { parent: parent.clone(), is_traced: false });
                }
            },
        }
    }

    /// A span whose place in the tree is known and that has nothing in it yet.
    fn expect(&mut self, context: &SpanContext, parent: &SpanContext, before: u64) -> &mut Expected {
        assert!(context.is_valid() && context.is_sampled() && !context.is_remote(), "{context:?}");
        let is_root = !parent.is_valid();
        if !is_root {
            assert_eq!(context.trace_id(), parent.trace_id());
        }
        // The state of a context that is not valid belongs to no trace.
        let none = TraceState::NONE;
        assert_eq!(context.trace_state(), if is_root { &none } else { parent.trace_state() });
        assert_ne!(context.span_id(), parent.span_id());
        let version = env!("CARGO_PKG_VERSION");
        self.expected.push(Expected {
            context: context.clone(),
            parent: if is_root { SpanId::INVALID } else { parent.span_id() },
            parent_is_remote: !is_root && parent.is_remote(),
            name: Name::Fixed(String::new()),
            kind: SpanKind::Internal,
            scope: InstrumentationScope::builder("otelier").with_version(version).build(),
            start: When::Between(before, now()),
            end: When::Exactly(0),
            attributes: Attributes::default(),
            events: Bounded(Vec::new(), 0),
            links: Bounded(Vec::new(), 0),
            status: Status::Unset,
            annotated: false,
        });
        self.expected.last_mut().expect("just pushed")
    }

    fn api(&mut self, node: &ApiSpan, place: &Place) {
        let limits = self.limits.clone();
        let mut builder = SpanBuilder::from_name(node.name.clone());
        builder.span_kind = node.kind.clone();
        builder.start_time = node.start.map(Moment::time);
        builder.attributes = node.attributes.clone();
        let event = |(name, time, list): &(String, Moment, Vec<KeyValue>)| {
            Event::new(name.clone(), time.time(), list.clone(), 0)
        };
        builder.events = node.events.as_ref().map(|events| events.iter().map(event).collect());
        let link = |(to, list): &(SpanContext, Vec<KeyValue>)| Link::new(to.clone(), list.clone(), 0);
        builder.links = node.links.as_ref().map(|links| links.iter().map(link).collect());
        let parent = match &node.parent {
            Parent::Current => current_context(),
            Parent::None => Context::new(),
            Parent::Given(parent) => Context::new().with_remote_span_context(parent.clone()),
        };
        let parent_context = match &node.parent {
            Parent::Current => place.parent.clone(),
            Parent::None => SpanContext::NONE,
            Parent::Given(parent) => parent.clone(),
        };
        let before = now();
        let scope = scopes()[node.scope].clone();
        let span: OtelSpan =
            TracerProvider::new().tracer_with_scope(scope.clone()).build_with_context(builder, &parent);
        let context = span.span_context().clone();
        let number = self.expected.len();
        let expected = self.expect(&context, &parent_context, before);
        expected.name = Name::Fixed(node.name.clone());
        expected.kind = node.kind.clone().unwrap_or(SpanKind::Internal);
        expected.scope = scope;
        if let Some(start) = node.start {
            expected.start = When::Exactly(start.nanos());
        }
        for item in node.attributes.iter().flatten() {
            expected.attributes.set(item.key.as_str(), item.value.clone(), &limits);
        }
        for (name, time, list) in node.events.iter().flatten() {
            let time = When::Exactly(time.nanos());
            expected.event(name, time, list.clone(), &limits);
        }
        for (to, list) in node.links.iter().flatten() {
            expected.link(to, list, &limits);
        }
        let with_span = parent.with_span(span);
        let here = Place { parent: context, is_traced: false };
        {
            let _attached = with_span.clone().attach();
            for step in &node.body {
                match step {
                    Step::Api(op) => {
                        let before = now();
                        apply(&with_span, op);
                        self.expected[number].op(op, before, &limits);
                    }
                    Step::Child(child) => self.node(child, &here),
                    Step::Record(..) | Step::Event(..) => {}
                }
            }
        }
        assert!(with_span.span().is_recording());
        let before = now();
        match node.end {
            End::Dropped => {}
            End::Now => with_span.span().end(),
            End::At(time) => with_span.span().end_with_timestamp(time.time()),
        }
        if !matches!(node.end, End::Dropped) {
            assert!(!with_span.span().is_recording());
            node.after.iter().for_each(|op| apply(&with_span, op));
            // Only the first end counts.
            with_span.span().end_with_timestamp(UNIX_EPOCH + Duration::from_secs(1));
        }
        drop(with_span);
        let expected = &mut self.expected[number];
        expected.end = match node.end {
            End::At(time) => When::Exactly(time.nanos()),
            End::Dropped | End::Now => When::Between(before, now()),
        };
    }

    fn traced(&mut self, call: &Traced, place: &Place) {
        let before = now();
        let number = self.expected.len();
        // Every step of an asynchronous function is polled once; what is left then is cancelled.
        let polls = call.body.len() + 1;
        let ended = catch_unwind(AssertUnwindSafe(|| match call.shape {
            Shape::Internal => Ok(internal(self, call, place, before).is_ok()),
            Shape::Server => Ok(server(self, call, place, before).is_ok()),
            Shape::ExchangeApi => Ok(exchange_api(self, call, place, before).is_ok()),
            Shape::InternalAsync => poll(polls, internal_async(self, call, place, before)).map(|ended| ended.is_ok()),
            Shape::WorkflowAsync => poll(polls, workflow_async(self, call, place, before)).map(|ended| ended.is_ok()),
        }));
        let limits = self.limits.clone();
        let expected = &mut self.expected[number];
        match ended {
            Ok(Ok(_)) => {}
            Ok(Err(Pending)) => expected.attributes.set("otelier.cancelled", true.into(), &limits),
            Err(_) => {
                assert!(matches!(call.outcome, Outcome::Panic), "an assertion failed");
                // Nobody foresees a panic, so it overwrites what was said of the error.
                expected.attributes.set("error.type", "panic".into(), &limits);
                if expected.status == Status::Unset {
                    expected.status = Status::error("panicked");
                }
            }
        }
        expected.end = When::Between(before, now());
    }

    /// Opens the expectation of the span of an annotated function, which is the active one.
    fn enter(&mut self, site: Site, place: &Place, before: u64) -> Opened {
        let context = current_context().span().span_context().clone();
        let limits = self.limits.clone();
        let number = self.expected.len();
        let expected = self.expect(&context, &place.parent, before);
        expected.annotated = true;
        expected.kind = site.kind;
        expected.name = site.name;
        for (key, value) in site.attributes {
            expected.attributes.set(key, value, &limits);
        }
        let reaches = site.is_attached || !place.is_traced;
        Opened { number, place: Place { parent: context, is_traced: true }, reaches }
    }

    /// A step that needs no macro.
    fn step(&mut self, opened: &Opened, step: &Step) {
        match step {
            Step::Api(Op::Name(_)) | Step::Record(..) | Step::Event(..) => {}
            Step::Api(op) if opened.reaches => {
                let before = now();
                apply(&Context::current(), op);
                let limits = self.limits.clone();
                self.expected[opened.number].op(op, before, &limits);
            }
            Step::Api(_) => {}
            Step::Child(child) => self.node(child, &opened.place),
        }
    }

    fn recorded(&mut self, opened: &Opened, key: &str, value: &Value) {
        self.expected[opened.number].attributes.set(key, value.clone(), &self.limits);
    }

    fn told(&mut self, opened: &Opened, before: u64, value: &Value, text: &Option<String>) {
        let mut attributes = vec![KeyValue::new("app.value", value.clone())];
        attributes.extend(text.as_ref().map(|text| KeyValue::new("app.text", text.clone())));
        let limits = self.limits.clone();
        self.expected[opened.number].event("told", When::Between(before, now()), attributes, &limits);
    }

    /// The end of a function's body.
    fn leave<E: Failure>(&mut self, opened: &Opened, outcome: &Outcome) -> Result<(), E> {
        if let Outcome::Error { class, message, expected: is_expected } = outcome {
            let (class, message, is_expected) = E::seen(class, message, *is_expected);
            let limits = self.limits.clone();
            let expected = &mut self.expected[opened.number];
            let mut attributes = vec![KeyValue::new("exception.type", std::any::type_name::<E>())];
            attributes.extend(message.as_ref().map(|text| KeyValue::new("exception.message", text.clone())));
            let time = When::Between(now(), now() + 1_000_000_000);
            expected.event("exception", time, attributes, &limits);
            if !expected.attributes.kept.contains_key("error.type") {
                expected.attributes.set("error.type", class.into(), &limits);
            }
            // What was said by hand weighs more; the message is what the exception keeps of it.
            if expected.status == Status::Unset && !is_expected {
                expected.status = Status::error(cut_text(&message.unwrap_or_default(), &limits));
            }
        }
        if let Outcome::Panic = outcome {
            // Without a word on standard error.
            resume_unwind(Box::new(()));
        }
        E::fail(outcome)
    }
}

fn apply(context: &Context, op: &Op) {
    let span = context.span();
    match op.clone() {
        Op::Attribute(item) => span.set_attribute(item),
        Op::Event(name, None, list) => span.add_event(name, list),
        Op::Event(name, Some(time), list) => span.add_event_with_timestamp(name, time.time(), list),
        Op::Link(to, list) => span.add_link(to, list),
        Op::Status(status) => span.set_status(status),
        Op::Name(name) => span.update_name(name),
        Op::Error(message) => span.record_error(&Text(&message)),
    }
}

/// The future was not ready in time.
struct Pending;

/// Polls so many times at most.
fn poll<T>(times: usize, future: impl Future<Output = T>) -> Result<T, Pending> {
    let mut future = pin!(future);
    let mut context = std::task::Context::from_waker(Waker::noop());
    for _ in 0..times {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
    }
    Err(Pending)
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

fn int(value: &Value) -> Option<i64> {
    if let Value::I64(value) = value { Some(*value) } else { None }
}

#[trace(
    app.value = call.value,
    app.text = call.text,
    app.shown = %Text(&call.text),
    app.optional = call.optional,
    app.constant = "constant ä",
    app.number = 7
)]
fn internal(run: &mut Run, call: &Traced, place: &Place, before: u64) -> Result<(), Displayed> {
    let opened = run.enter(plain_site("internal", call, false), place, before);
    for step in &call.body {
        match step {
            Step::Record(0, value) => {
                record!(app.value = value);
                run.recorded(&opened, "app.value", value);
            }
            Step::Record(1, value) => {
                record!(app.late = value);
                run.recorded(&opened, "app.late", value);
            }
            Step::Record(_, value) => {
                record!("error.type" = value);
                run.recorded(&opened, "error.type", value);
            }
            Step::Event(value, text) => {
                let before = now();
                event!("told", app.value = value, app.text = text);
                run.told(&opened, before, value, text);
            }
            step => run.step(&opened, step),
        }
    }
    run.leave(&opened, &call.outcome)
}

#[trace(
    app.value = call.value,
    app.text = call.text,
    app.shown = %Text(&call.text),
    app.optional = call.optional,
    app.constant = "constant ä",
    app.number = 7
)]
async fn internal_async(run: &mut Run, call: &Traced, place: &Place, before: u64) -> Result<(), Classified> {
    let opened = run.enter(plain_site("internal_async", call, true), place, before);
    for step in &call.body {
        match step {
            Step::Record(0, value) => {
                record!(app.value = value);
                run.recorded(&opened, "app.value", value);
            }
            Step::Record(1, value) => {
                record!(app.late = value);
                run.recorded(&opened, "app.late", value);
            }
            Step::Record(_, value) => {
                record!("error.type" = value);
                run.recorded(&opened, "error.type", value);
            }
            Step::Event(value, text) => {
                let before = now();
                event!("told", app.value = value, app.text = text);
                run.told(&opened, before, value, text);
            }
            step => run.step(&opened, step),
        }
        yield_once().await;
    }
    if let Outcome::Cancelled = call.outcome {
        std::future::pending::<()>().await;
    }
    run.leave(&opened, &call.outcome)
}

fn plain_site(name: &'static str, call: &Traced, is_attached: bool) -> Site {
    // What is known at compile time comes first.
    let mut attributes = vec![
        ("app.constant", "constant ä".into()),
        ("app.number", Value::I64(7)),
        ("app.value", call.value.clone()),
        ("app.text", call.text.clone().into()),
        ("app.shown", call.text.clone().into()),
    ];
    attributes.extend(call.optional.map(|value| ("app.optional", value.into())));
    Site { kind: SpanKind::Internal, name: Name::Fixed(name.to_owned()), attributes, is_attached }
}

#[trace(name = "a name ä", kind = server, app.value = call.value)]
fn server(run: &mut Run, call: &Traced, place: &Place, before: u64) -> Result<(), Opaque> {
    let site = Site {
        kind: SpanKind::Server,
        name: Name::Fixed("a name ä".to_owned()),
        attributes: vec![("app.value", call.value.clone())],
        is_attached: true,
    };
    let opened = run.enter(site, place, before);
    for step in &call.body {
        match step {
            Step::Record(_, value) => {
                record!(app.value = value);
                run.recorded(&opened, "app.value", value);
            }
            Step::Event(value, text) => {
                let before = now();
                event!("told", app.value = value, app.text = text);
                run.told(&opened, before, value, text);
            }
            step => run.step(&opened, step),
        }
    }
    run.leave(&opened, &call.outcome)
}

#[trace_exchange_api(crypto.market = Market::Kraken, url.template = call.text, "app.value" = call.value)]
fn exchange_api(run: &mut Run, call: &Traced, place: &Place, before: u64) -> Result<(), Classified> {
    let site = Site {
        kind: SpanKind::Client,
        name: Name::Pattern("{crypto.market} {url.template}", "crypto.exchange_api"),
        attributes: vec![
            ("crypto.operation_type", "api_call".into()),
            ("crypto.market", "kraken".into()),
            ("url.template", call.text.clone().into()),
            ("app.value", call.value.clone()),
        ],
        is_attached: true,
    };
    let opened = run.enter(site, place, before);
    for step in &call.body {
        match step {
            Step::Record(0, Value::I64(value)) => {
                record!(crypto.record_count = value);
                run.recorded(&opened, "crypto.record_count", &Value::I64(*value));
            }
            Step::Record(_, Value::String(value)) => {
                record!(url.template = value.as_str());
                run.recorded(&opened, "url.template", &Value::String(value.clone()));
            }
            Step::Event(value, text) => {
                let before = now();
                event!("told", app.value = value, app.text = text);
                run.told(&opened, before, value, text);
            }
            step => run.step(&opened, step),
        }
    }
    run.leave(&opened, &call.outcome)
}

#[trace_workflow(
    crypto.workflow_name = call.text,
    crypto.workflow_type = WorkflowType::Batch,
    crypto.symbol_count = int(&call.value)
)]
async fn workflow_async(run: &mut Run, call: &Traced, place: &Place, before: u64) -> Result<(), Opaque> {
    let mut attributes = vec![
        ("crypto.operation_type", "workflow_execution".into()),
        ("crypto.workflow_name", call.text.clone().into()),
        ("crypto.workflow_type", "batch".into()),
    ];
    attributes.extend(int(&call.value).map(|value| ("crypto.symbol_count", value.into())));
    let site = Site {
        kind: SpanKind::Internal,
        name: Name::Pattern("workflow {crypto.workflow_name}", "workflow.run"),
        attributes,
        is_attached: true,
    };
    let opened = run.enter(site, place, before);
    for step in &call.body {
        match step {
            Step::Record(0, Value::I64(value)) => {
                record!(crypto.record_count = value);
                run.recorded(&opened, "crypto.record_count", &Value::I64(*value));
            }
            Step::Record(_, value) => {
                record!("app.value" = value);
                run.recorded(&opened, "app.value", value);
            }
            Step::Event(value, text) => {
                let before = now();
                event!("told", app.value = value, app.text = text);
                run.told(&opened, before, value, text);
            }
            step => run.step(&opened, step),
        }
        yield_once().await;
    }
    if let Outcome::Cancelled = call.outcome {
        std::future::pending::<()>().await;
    }
    run.leave(&opened, &call.outcome)
}

// What arrives.

/// Sends nothing, but keeps the bytes that `opentelemetry-otlp` would send.
#[derive(Clone, Debug, Default)]
struct Captured(Arc<Mutex<Vec<Bytes>>>);

#[tonic::async_trait]
impl HttpClient for Captured {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.0.lock().expect("nobody panicked").push(request.into_body());
        Ok(Response::new(Bytes::new()))
    }
}

impl Captured {
    fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let bodies = self.0.lock().expect("nobody panicked");
        bodies.iter().map(|body| ExportTraceServiceRequest::decode(&body[..]).expect("it is a request")).collect()
    }
}

/// What the three exporters made of the spans.
struct Seen {
    ours: Vec<ExportTraceServiceRequest>,
    theirs: Vec<ExportTraceServiceRequest>,
    memory: Vec<SpanData>,
}

fn observe(protocol: Protocol, configure: impl FnOnce(Telemetry) -> Telemetry, work: impl FnOnce()) -> Seen {
    let receiver = receiver(protocol, Behaviour::Accept);
    let (captured, memory) = (Captured::default(), MemoryExporter::new(100_000));
    let theirs = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(captured.clone())
        .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
        .with_endpoint("http://nowhere.invalid/v1/traces")
        .build()
        .expect("an exporter");
    let settings =
        telemetry(protocol, &receiver.endpoint()).with_sampler(Sampler::AlwaysOn).with_max_queue_size(65_536);
    let pipeline = Pipeline::new(configure(settings)).with_span_exporter(memory.clone()).with_span_exporter(theirs);
    let guard = pipeline.start().expect("it starts");
    work();
    let stats = guard.shutdown().expect("in time");
    let memory = memory.spans();
    assert_eq!((stats.started, stats.dropped()), (memory.len() as u64, 0), "{stats}");
    for exporter in &stats.exporters {
        assert_eq!((exporter.exported, exporter.failed, exporter.rejected), (stats.started, 0, 0), "{stats}");
    }
    Seen { ours: receiver.requests(), theirs: captured.requests(), memory }
}

/// The only liberties that the two ways to the wire may take:
///
/// * `opentelemetry-proto` writes a status that is unset as an empty message, we write none. OTLP: "Status ... when this
///   field isn't set ... semantically equals to unset".
/// * A resource is a hash map for the SDK, so that its attributes come in any order; OTLP gives the order no meaning.
fn normalized(mut request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    for resource in &mut request.resource_spans {
        resource.resource.get_or_insert_default().attributes.sort_by(|a, b| a.key.cmp(&b.key));
        for span in resource.scope_spans.iter_mut().flat_map(|scope| &mut scope.spans) {
            span.status.get_or_insert_default();
        }
    }
    request
}

/// The spans of requests by their ids, each with the bytes of its scope and schema URL.
fn by_id(requests: &[ExportTraceServiceRequest]) -> BTreeMap<Vec<u8>, (Span, Option<WireScope>, String)> {
    let mut all = BTreeMap::new();
    let resources = requests.iter().flat_map(|request| &request.resource_spans);
    for scope in resources.flat_map(|resource| &resource.scope_spans) {
        for span in &scope.spans {
            let entry = (span.clone(), scope.scope.clone(), scope.schema_url.clone());
            assert!(all.insert(span.span_id.clone(), entry).is_none(), "a span came twice: {span:?}");
        }
    }
    all
}

/// Equal by the bytes, so that every `NaN` counts.
fn assert_same<M: Message + std::fmt::Debug>(ours: &M, theirs: &M, whose: &str) {
    assert!(ours.encode_to_vec() == theirs.encode_to_vec(), "ours:\n{ours:#?}\n{whose}:\n{theirs:#?}");
}

impl Seen {
    /// What the three exporters say is the same.
    fn check(&self) {
        let ours: Vec<_> = self.ours.iter().cloned().map(normalized).collect();
        let theirs: Vec<_> = self.theirs.iter().cloned().map(normalized).collect();
        assert_eq!(ours.len(), theirs.len());
        let spans = by_id(&ours);
        // One by one first, because that is easier to read when it fails.
        for (id, (span, scope, url)) in by_id(&theirs) {
            let (our_span, our_scope, our_url) = spans.get(&id).unwrap_or_else(|| panic!("we have lost {span:?}"));
            assert_same(our_span, &span, "opentelemetry-otlp");
            assert_same(our_scope.as_ref().expect("a scope"), scope.as_ref().expect("a scope"), "opentelemetry-otlp");
            assert_eq!(*our_url, url);
        }
        for data in &self.memory {
            let url = data.instrumentation_scope.schema_url().unwrap_or_default().to_owned();
            let scope = WireScope::from((&data.instrumentation_scope, None));
            let span = Span::from(data.clone());
            let (our_span, our_scope, our_url) =
                spans.get(&span.span_id).unwrap_or_else(|| panic!("we have lost {span:?}"));
            assert_same(our_span, &span, "opentelemetry-proto");
            assert_same(our_scope.as_ref().expect("a scope"), &scope, "opentelemetry-proto");
            assert_eq!(*our_url, url);
        }
        assert_eq!(spans.len(), self.memory.len());
        for request in &ours {
            assert_eq!(request.resource_spans.len(), 1);
            let scopes = &request.resource_spans[0].scope_spans;
            let of = |scope: &opentelemetry_proto::tonic::trace::v1::ScopeSpans| {
                assert!(!scope.spans.is_empty(), "nothing in {scope:?}");
                (scope.scope.as_ref().expect("a scope").encode_to_vec(), scope.schema_url.clone())
            };
            assert_eq!(scopes.iter().map(of).collect::<BTreeSet<_>>().len(), scopes.len(), "a scope twice");
        }
        // Scopes, their spans, and the resource, in the same order.
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_same(ours, theirs, "opentelemetry-otlp");
        }
    }
}

fn nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64
}

/// Attributes in a form that tells every `NaN` apart.
fn shown<'a>(list: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Vec<String> {
    list.into_iter().map(|(key, value)| format!("{key:?} = {}", crate::notation::seen_value(value))).collect()
}

fn shown_list(list: &[KeyValue]) -> Vec<String> {
    shown(list.iter().map(|item| (item.key.as_str(), &item.value)))
}

impl Expected {
    fn check(&self, span: &SpanData, limits: &Limits) {
        assert_eq!(span.span_context, self.context);
        assert_eq!((span.parent_span_id, span.parent_span_is_remote), (self.parent, self.parent_is_remote));
        assert_eq!(span.span_kind, self.kind);
        assert_eq!(span.instrumentation_scope, self.scope);
        self.start.check(nanos(span.start_time), "the start");
        self.end.check(nanos(span.end_time), "the end");
        self.check_attributes(span, limits);
        let name = match &self.name {
            Name::Fixed(name) => name.clone(),
            Name::Pattern(pattern, id) => filled(pattern, span).unwrap_or_else(|| (*id).to_owned()),
        };
        assert_eq!(span.name, name);
        assert_eq!(span.status, self.status);

        let events = &self.events;
        let names: Vec<_> = span.events.iter().map(|event| event.name.as_ref()).collect();
        assert_eq!(names, events.0.iter().map(|event| event.name.as_str()).collect::<Vec<_>>());
        assert_eq!(span.events.dropped_count, events.1, "events that were dropped");
        for (seen, expected) in span.events.iter().zip(&events.0) {
            expected.time.check(nanos(seen.timestamp), "the time of an event");
            assert_eq!(shown_list(&seen.attributes), shown_list(&expected.attributes.0), "event {:?}", seen.name);
            assert_eq!(seen.dropped_attributes_count, expected.attributes.1, "attributes of event {:?}", seen.name);
        }
        assert_eq!((span.links.len(), span.links.dropped_count), (self.links.0.len(), self.links.1), "links");
        for (seen, (to, attributes)) in span.links.iter().zip(&self.links.0) {
            assert_eq!(seen.span_context, *to);
            assert_eq!(shown_list(&seen.attributes), shown_list(&attributes.0));
            assert_eq!(seen.dropped_attributes_count, attributes.1, "attributes of a link");
        }
    }

    /// The order of attributes means nothing.
    ///
    /// Where an annotation has more of them than fit, all are recorded at first: what was dropped then counts once for its
    /// key, or each time that it was recorded. "Discarded attributes", as OTLP has it, may be either.
    fn check_attributes(&self, span: &SpanData, limits: &Limits) {
        let expected = &self.attributes;
        let mut seen = shown_list(&span.attributes);
        let mut wanted = shown(expected.kept.iter().map(|(key, value)| (key.as_str(), value)));
        seen.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(seen, wanted);
        let dropped = span.dropped_attributes_count;
        if self.annotated && expected.all.len() > limits.attributes {
            let distinct = (expected.all.len() - expected.kept.len()) as u32;
            assert!((distinct..=expected.refused).contains(&dropped), "{dropped} attributes dropped: {expected:?}");
        } else {
            assert_eq!(dropped, expected.refused, "attributes that were dropped");
        }
    }
}

/// A schema's pattern with the values that the span has.
fn filled(pattern: &str, span: &SpanData) -> Option<String> {
    let mut name = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (key, after) = after.split_once('}').expect("a pattern");
        let value = &span.attributes.iter().find(|item| item.key.as_str() == key)?.value;
        name = name + before + &value.as_str();
        rest = after;
    }
    Some(name + rest)
}

fn run(protocol: Protocol, case: &Case) {
    let _turn = turn();
    let mut run = Run { limits: case.limits.clone(), expected: Vec::new() };
    let configure = |settings: Telemetry| {
        let settings = settings.with_limits(case.limits.clone()).with_hooks(case.hooks);
        let settings = settings.with_max_export_batch_size(case.batch);
        case.resource.iter().fold(settings, |settings, (key, value)| settings.with_resource_attribute(key, value))
    };
    let seen = observe(protocol, configure, || run.nodes(&case.trees, &Place::none()));
    seen.check();
    let memory: BTreeMap<_, _> =
        seen.memory.iter().map(|span| (span.span_context.span_id().to_bytes(), span)).collect();
    assert_eq!(memory.len(), run.expected.len());
    for expected in &run.expected {
        let span = memory.get(&expected.context.span_id().to_bytes()).expect("a span that was made");
        expected.check(span, &case.limits);
    }
}

/// Runs so many random cases, or as many as `OTELIER_CASES` says. A failure prints the seed with which `OTELIER_SEED`
/// repeats it.
fn check(protocol: Protocol, cases: u32) {
    let number = |name| std::env::var_os(name).and_then(|value| value.to_str()?.parse::<u64>().ok());
    let cases = number("OTELIER_CASES").map_or(cases, |cases| cases as u32);
    let seed = number("OTELIER_SEED").unwrap_or_else(now);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 3000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let result = runner.run(&case(), |case| {
        // Shrinking runs many cases that fail, and only the last one is of interest.
        let result = catch_unwind(AssertUnwindSafe(|| run(protocol, &case)));
        result.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            TestCaseError::fail(text.unwrap_or_default())
        })
    });
    if let Err(error) = result {
        panic!("OTELIER_SEED={seed}: {error}");
    }
}

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
