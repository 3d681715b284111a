//! Spans with everything a span can have, made as users make them.

use super::facts::{self, Spans};
use crate::support::Refused;
use opentelemetry::trace::{
    Event, Link, Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::bridge::TracerProvider;
use otelier::config::{Compression, Otlp, Protocol};
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::schema::Kind;
use otelier::{ExporterStats, Pipeline, Span};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) const SERVICE: &str = "counterparties";

/// A text that breaks what quotes badly: quotes, controls, terminal escapes, several planes of Unicode, both directions.
const HOSTILE: &str = "quo\"te ' \\ back\u{1b}[31m\r\n\t\u{7f}\u{85}\u{2028}\u{feff}ß漢😀\u{202e}אב}],{[: <b>&amp;%00";

#[trace_exchange_api(
    crypto.market = Market::Kraken,
    url.template = "/klines",
    crypto.symbol = symbol,
    "app.missing" = None::<i64>
)]
fn fetch(symbol: &str) -> Result<usize, Refused> {
    event!("asked", app.symbol = symbol, "app.list" = vec!["a", "", "ä"], app.ratio = 0.1, app.first = true);
    if symbol.is_empty() { Err(Refused(418)) } else { Ok(symbol.len()) }
}

#[trace(name = "annotated", kind = server, "app.count" = count, "app.text" = text, "app.ratios" = vec![0.5, -0.0])]
fn annotated(count: i64, text: &str) {
    assert!(fetch("").is_err());
    assert!(fetch("BTCUSDT").is_ok());
    assert!(std::panic::catch_unwind(|| trace_block!(name = "breaks", { panic!("on purpose") })).is_err());
    record!("app.late" = count.wrapping_sub(1));
}

fn at(seconds: u64, nanos: u32) -> SystemTime {
    UNIX_EPOCH + Duration::new(1_700_000_000 + seconds, nanos)
}

fn linked(number: u64, is_remote: bool) -> SpanContext {
    let state = TraceState::from_key_value([("a", "b"), ("tenant@vendor", "x:y;z")]).expect("a valid state");
    let flags = if is_remote { TraceFlags::SAMPLED } else { TraceFlags::default() };
    SpanContext::new(TraceId::from(u128::MAX - 5), SpanId::from(number), flags, is_remote, state)
}

/// Every type that OpenTelemetry's API has, at its extremes.
fn values() -> Vec<KeyValue> {
    let strings: Vec<StringValue> = vec!["".into(), HOSTILE.into(), String::from("owned").into()];
    let values: Vec<(&str, Value)> = vec![
        ("bool.true", true.into()),
        ("bool.false", false.into()),
        ("int.zero", 0.into()),
        ("int.min", i64::MIN.into()),
        ("int.max", i64::MAX.into()),
        ("int.more_than_a_double", ((1_i64 << 53) + 1).into()),
        ("double.whole", 3.0.into()),
        ("double.zero", 0.0.into()),
        ("double.minus_zero", (-0.0).into()),
        ("double.tenth", 0.1.into()),
        ("double.smallest", f64::from_bits(1).into()),
        ("double.largest", f64::MAX.into()),
        ("string.empty", "".into()),
        ("string.hostile", HOSTILE.into()),
        ("string.number", "0012".into()),
        ("string.json", "{\"a\": [1, 2]}".into()),
        ("string.long", "long ä ".repeat(1000).into()),
        ("digits.007", 7.into()),
        ("key with spaces \"ä\" 漢", 1.into()),
        ("list.bool", Value::Array(Array::Bool(vec![true, false]))),
        ("list.int", Value::Array(Array::I64(vec![i64::MIN, -1, i64::MAX]))),
        ("list.double", Value::Array(Array::F64(vec![0.1, -0.0, 1e300, 2.0]))),
        ("list.string", Value::Array(Array::String(strings))),
        ("list.empty", Value::Array(Array::String(Vec::new()))),
    ];
    values.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect()
}

/// Doubles that JSON has no numbers for.
fn beyond_numbers() -> [KeyValue; 3] {
    [
        KeyValue::new("double.nan", f64::NAN),
        KeyValue::new("double.infinite", f64::INFINITY),
        KeyValue::new("double.minus_infinite", f64::NEG_INFINITY),
    ]
}

/// Annotated functions, spans by hand and spans of OpenTelemetry's API, in one trace below a remote parent.
fn work(beyond: bool) {
    let state = "vendor=value,tenant@other=1".parse().expect("a valid state");
    let trace = TraceId::from_bytes(rand_id());
    let parent = SpanContext::new(trace, SpanId::from(0xdef), TraceFlags::SAMPLED, true, state);
    let _attached = Context::new().with_remote_span_context(parent).attach();
    annotated(i64::MAX, HOSTILE);

    let by_hand = Span::builder("by hand").kind(Kind::Producer).attribute("app.symbols", ["BTC", ""]);
    by_hand.event("queued", [KeyValue::new("app.position", 3)]).link(&linked(4, true), values()).start().end();

    let scope =
        InstrumentationScope::builder("a library").with_version("1.2.3-β").with_schema_url("https://example.com/1");
    let scope = scope.with_attributes([KeyValue::new("tier", "ä"), KeyValue::new("share", 0.5)]).build();
    let tracer = TracerProvider::new().tracer_with_scope(scope);
    let span = tracer.span_builder("everything").with_kind(SpanKind::Consumer).with_start_time(at(1, 1));
    let events = vec![
        Event::new("first", at(2, 987_654_321), values(), 0),
        Event::new(HOSTILE, at(2, 987_654_322), Vec::new(), 0),
    ];
    let links = vec![Link::new(linked(3, false), values(), 0), Link::with_context(linked(4, true))];
    let mut span = span.with_attributes(values()).with_events(events).with_links(links).start(&tracer);
    if beyond {
        span.set_attributes(beyond_numbers());
    }
    span.set_status(Status::error(HOSTILE));
    span.end_with_timestamp(at(5, 999_999_999));

    // More than the limit of 128: what is over it is counted.
    let mut many = tracer.span_builder(HOSTILE).with_kind(SpanKind::Client).start(&tracer);
    many.set_attributes((0..130).map(|number| KeyValue::new(format!("many.n{number}"), number)));
    (0..130).for_each(|number| many.add_event(format!("event {number}"), Vec::new()));
    many.add_event_with_timestamp(
        "too many",
        at(3, 0),
        (0..130).map(|number| KeyValue::new(format!("n{number}"), number)).collect(),
    );
    (0..130).for_each(|number| many.add_link(linked(number + 1, true), Vec::new()));
    many.set_status(Status::Ok);
    many.end();
    tracer.span_builder("no time at all").with_start_time(at(7, 7)).start(&tracer).end_with_timestamp(at(7, 7));
}

/// Another trace in each run, so that a counterparty may keep those before.
fn rand_id() -> [u8; 16] {
    use std::hash::{BuildHasher, RandomState};
    let half = || RandomState::new().hash_one(std::process::id()).to_be_bytes();
    [half(), half()].concat().try_into().expect("16 bytes")
}

/// Keeps the resource beside the spans.
#[derive(Clone, Debug)]
struct Witness {
    spans: MemoryExporter,
    resource: Arc<Mutex<Option<Resource>>>,
}

impl SpanExporter for Witness {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        self.spans.export(batch)
    }

    fn set_resource(&mut self, resource: &Resource) {
        *self.resource.lock().expect("nobody panicked") = Some(resource.clone());
    }
}

/// What one run has made, and what became of its sending.
pub(super) struct Made {
    pub(super) spans: Spans,
    pub(super) trace: String,
    pub(super) stats: ExporterStats,
}

/// Does the work with this exporter and one that sees the spans without any encoding.
pub(super) fn send(otlp: Otlp) -> Made {
    send_with(otlp, true)
}

/// The same without doubles that JSON has no numbers for.
pub(super) fn send_numbers(otlp: Otlp) -> Made {
    send_with(otlp, false)
}

fn send_with(otlp: Otlp, beyond: bool) -> Made {
    let witness = Witness { spans: MemoryExporter::new(1000), resource: Arc::default() };
    let settings = Telemetry::default()
        .with_service_name(SERVICE)
        .with_resource_attribute("app.team", HOSTILE)
        .with_resource_attribute("app.ports", vec![1_i64, 2])
        .with_resource_attribute("app.empty", "")
        .with_otlp(otlp.with_timeout(Duration::from_secs(60)))
        .with_export_timeout(Duration::from_secs(60))
        .with_shutdown_timeout(Duration::from_secs(60));
    let telemetry = Pipeline::new(settings).with_span_exporter(witness.clone()).start().expect("it starts");
    work(beyond);
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(stats.dropped(), 0, "{stats}");
    let resource = witness.resource.lock().expect("nobody panicked").clone().expect("a resource before the first span");
    let spans: Spans = witness
        .spans
        .spans()
        .iter()
        .map(|span| facts::seen(span, &resource))
        .map(|facts| (facts["span"].clone(), facts))
        .collect();
    assert_eq!(spans.len(), 8, "{stats}");
    let trace = spans.values().next().expect("a span")["trace"].clone();
    assert!(spans.values().all(|facts| facts["trace"] == trace));
    let exporter = stats.exporters.iter().find(|exporter| exporter.name.starts_with("otlp")).expect("an OTLP exporter");
    Made { spans, trace, stats: exporter.clone() }
}

impl Made {
    /// That all of it was taken.
    #[track_caller]
    pub(super) fn arrived(&self, what: &str) {
        let stats = &self.stats;
        let numbers = (stats.exported, stats.failed, stats.rejected);
        assert_eq!(numbers, (self.spans.len() as u64, 0, 0), "{what}: {:?}", stats.last_error);
        // Whatever it answers with a good status, and in whatever notation, is understood or passed over.
        assert_eq!(stats.last_error, None, "{what}");
    }

    /// That all of it was refused, and with which words.
    #[track_caller]
    pub(super) fn was_refused(&self, words: &str, what: &str) {
        let (stats, error) = (&self.stats, self.stats.last_error.as_deref().unwrap_or_default());
        let numbers = (stats.exported, stats.failed, stats.rejected);
        assert_eq!(numbers, (0, self.spans.len() as u64, 0), "{what}: {error}");
        assert!(error.contains(words), "{what}: {error}");
    }
}

/// A transport and a compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding(pub(super) Protocol, pub(super) Compression);

pub(super) const GRPC: Encoding = Encoding(Protocol::Grpc, Compression::None);
pub(super) const GRPC_GZIP: Encoding = Encoding(Protocol::Grpc, Compression::Gzip);
pub(super) const PROTOBUF: Encoding = Encoding(Protocol::HttpProtobuf, Compression::None);
pub(super) const PROTOBUF_GZIP: Encoding = Encoding(Protocol::HttpProtobuf, Compression::Gzip);
pub(super) const JSON: Encoding = Encoding(Protocol::HttpJson, Compression::None);
pub(super) const JSON_GZIP: Encoding = Encoding(Protocol::HttpJson, Compression::Gzip);

/// All that we speak.
pub(super) const ALL: [Encoding; 6] = [GRPC, GRPC_GZIP, PROTOBUF, PROTOBUF_GZIP, JSON, JSON_GZIP];

impl Encoding {
    /// To the port for this transport.
    pub(super) fn to(self, grpc: u16, http: u16) -> Otlp {
        let port = if self.0 == Protocol::Grpc { grpc } else { http };
        Otlp::to(format!("http://127.0.0.1:{port}")).with_protocol(self.0).with_compression(self.1)
    }
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let compression = if self.1 == Compression::None { "" } else { " with gzip" };
        write!(f, "{}{compression}", self.0.as_str())
    }
}
