//! The cases: trees of spans, and how proptest draws them.

use super::*;

/// A span and what lies below it.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Api(ApiSpan),
    Traced(Traced),
}

/// A span of OpenTelemetry's API.
#[derive(Clone, Debug)]
pub(super) struct ApiSpan {
    pub(super) scope: usize,
    pub(super) name: String,
    pub(super) kind: Option<SpanKind>,
    pub(super) parent: Parent,
    pub(super) start: Option<Moment>,
    pub(super) attributes: Option<Vec<KeyValue>>,
    pub(super) events: Option<Vec<(String, Moment, Vec<KeyValue>)>>,
    pub(super) links: Option<Vec<(SpanContext, Vec<KeyValue>)>>,
    pub(super) body: Vec<Step>,
    pub(super) end: End,
    /// What comes too late to count.
    pub(super) after: Vec<Op>,
}

#[derive(Clone, Debug)]
pub(super) enum Parent {
    Current,
    None,
    Given(SpanContext),
}

#[derive(Clone, Debug)]
pub(super) enum End {
    Dropped,
    Now,
    At(Moment),
}

/// A time that somebody has taken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    Before1970(Duration),
    After1970(Duration),
}

impl Moment {
    pub(super) fn time(self) -> SystemTime {
        match self {
            Self::Before1970(duration) => UNIX_EPOCH - duration,
            Self::After1970(duration) => UNIX_EPOCH + duration,
        }
    }

    /// OTLP has no time before 1970, and none after 2554.
    pub(super) fn nanos(self) -> u64 {
        match self {
            Self::Before1970(_) => 0,
            Self::After1970(duration) => u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

/// What happens in the body of a span.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// By OpenTelemetry's API, where the span is current for it.
    Api(Op),
    /// By `record!`; only in annotated functions.
    Record(usize, Value),
    /// By `event!`; only in annotated functions.
    Event(Value, Option<String>),
    Child(Box<Node>),
}

#[derive(Clone, Debug)]
pub(super) enum Op {
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
pub(super) struct Traced {
    pub(super) shape: Shape,
    /// The context to call it in, unless the current one.
    pub(super) parent: Option<SpanContext>,
    pub(super) value: Value,
    pub(super) text: String,
    pub(super) optional: Option<f64>,
    pub(super) body: Vec<Step>,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    Internal,
    InternalAsync,
    Server,
    ExchangeApi,
    WorkflowAsync,
}

#[derive(Clone, Debug)]
pub(super) enum Outcome {
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
pub(super) struct Case {
    pub(super) limits: Limits,
    pub(super) hooks: Hooks,
    pub(super) batch: usize,
    pub(super) resource: Vec<(String, String)>,
    pub(super) trees: Vec<Node>,
}

// How it is made.

pub(super) fn text() -> BoxedStrategy<String> {
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

pub(super) fn double() -> BoxedStrategy<f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        select(&[0.0, -0.0, 1.5, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE][..]),
        // A signalling NaN with a payload, to be kept bit by bit.
        Just(f64::from_bits(0x7ff0_0000_0000_0001)),
    ]
    .boxed()
}

pub(super) fn integer() -> BoxedStrategy<i64> {
    prop_oneof![any::<i64>(), select(&[i64::MIN, -1, 0, 1, 127, 128, i64::MAX][..])].boxed()
}

pub(super) fn value() -> BoxedStrategy<Value> {
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
pub(super) fn key() -> BoxedStrategy<String> {
    prop_oneof![
        4 => select(&["a", "b", "c", "d"][..]).prop_map(str::to_owned),
        1 => select(&["", " ", "ключ", "error.type", "exception.message", "a.b.c", "\"\n\0"][..]).prop_map(str::to_owned),
        1 => text(),
    ].boxed()
}

pub(super) fn attributes() -> BoxedStrategy<Vec<KeyValue>> {
    list(attribute(), 0..5).boxed()
}

pub(super) fn attribute() -> BoxedStrategy<KeyValue> {
    (key(), value()).prop_map(|(key, value)| KeyValue::new(key, value)).boxed()
}

/// Seconds and nanoseconds of times of all sorts.
pub(super) fn moment() -> BoxedStrategy<Moment> {
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
pub(super) fn trace_state() -> BoxedStrategy<TraceState> {
    let member = (select(&["a", "vendor", "tenant@system", "0_-*/"][..]), "([ -+--<>-~]{0,8}[!-+--<>-~])?");
    prop_oneof![
        3 => Just(TraceState::NONE),
        2 => list(member.clone(), 0..4).prop_map(|list| TraceState::from_key_value(list).expect("valid")),
        // More than the 32 members that are kept.
        1 => list(member, 30..36).prop_map(|list| TraceState::from_key_value(list).expect("valid")),
    ]
    .boxed()
}

pub(super) fn span_context() -> BoxedStrategy<SpanContext> {
    let ids = prop_oneof![3 => (any::<u128>(), any::<u64>()), 1 => (0..2u128, 0..2u64)];
    (ids, any::<u8>(), any::<bool>(), trace_state())
        .prop_map(|((trace, span), flags, remote, state)| {
            SpanContext::new(TraceId::from(trace), SpanId::from(span), TraceFlags::new(flags), remote, state)
        })
        .boxed()
}

pub(super) fn status() -> BoxedStrategy<Status> {
    prop_oneof![1 => Just(Status::Unset), 1 => Just(Status::Ok), 3 => text().prop_map(Status::error)].boxed()
}

pub(super) fn op() -> BoxedStrategy<Op> {
    prop_oneof![
        4 => attribute().prop_map(Op::Attribute),
        3 => (text(), prop::option::of(moment()), attributes()).prop_map(|(name, time, list)| Op::Event(name, time, list)),
        2 => (span_context(), attributes()).prop_map(|(to, list)| Op::Link(to, list)),
        1 => status().prop_map(Op::Status),
        1 => text().prop_map(Op::Name),
        1 => text().prop_map(Op::Error),
    ].boxed()
}

pub(super) fn steps(child: Option<BoxedStrategy<Node>>) -> BoxedStrategy<Vec<Step>> {
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

pub(super) fn api_span(child: Option<BoxedStrategy<Node>>) -> impl Strategy<Value = ApiSpan> {
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

pub(super) fn outcome() -> BoxedStrategy<Outcome> {
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

pub(super) fn traced(child: Option<BoxedStrategy<Node>>) -> impl Strategy<Value = Traced> {
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

pub(super) fn node(depth: u32) -> BoxedStrategy<Node> {
    let child = || (depth > 0).then(|| node(depth - 1));
    prop_oneof![api_span(child()).prop_map(Node::Api).boxed(), traced(child()).prop_map(Node::Traced).boxed()].boxed()
}

/// Settings refuse attributes of the resource without a name.
fn name() -> impl Strategy<Value = String> {
    key().prop_filter("a name", |key| !key.trim().is_empty())
}

pub(super) fn case() -> impl Strategy<Value = Case> {
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
    (limits, hooks, select(&[1usize, 2, 512][..]), list((name(), text()), 0..3), list(node(2), 1..5))
        .prop_map(|(limits, hooks, batch, resource, trees)| Case { limits, hooks, batch, resource, trees })
}

/// The scopes are a fixed set, because each that a process ever sees is kept.
pub(super) fn scopes() -> &'static [InstrumentationScope] {
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
