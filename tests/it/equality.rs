//! What is decoded from the wire against what an in-memory exporter saw: by our own notation of both, and by what
//! `opentelemetry-proto` makes of the same spans.

use crate::notation;
use crate::support::{PROTOCOLS, Refused, receiver, telemetry, turn};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::Pipeline;
use otelier::config::{Keep, Sampler, TailRule, TailSampling};
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier_tests::Behaviour;
use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Keeps the spans and, other than [`MemoryExporter`] alone, the resource.
#[derive(Clone, Debug)]
struct Witness {
    spans: MemoryExporter,
    resource: Arc<Mutex<Option<Resource>>>,
}

impl Witness {
    fn new() -> Self {
        Self { spans: MemoryExporter::new(100_000), resource: Arc::default() }
    }

    fn resource(&self) -> Resource {
        self.resource.lock().expect("nobody panicked").clone().expect("a resource before the first span")
    }
}

impl SpanExporter for Witness {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        self.spans.export(batch)
    }

    fn set_resource(&mut self, resource: &Resource) {
        *self.resource.lock().expect("nobody panicked") = Some(resource.clone());
    }
}

/// Runs `work` with both exporters, once for each protocol, and gives what arrived beside what was seen.
fn observe(configure: fn(Telemetry) -> Telemetry, work: fn()) -> Vec<(Vec<ExportTraceServiceRequest>, Witness)> {
    let both = |protocol| {
        let receiver = receiver(protocol, Behaviour::Accept);
        let witness = Witness::new();
        // A span a batch takes its time on a machine that does other things, too.
        let settings =
            configure(telemetry(protocol, &receiver.endpoint())).with_shutdown_timeout(Duration::from_secs(60));
        let telemetry = Pipeline::new(settings).with_span_exporter(witness.clone()).start().expect("it starts");
        work();
        let stats = telemetry.shutdown().expect("in time");
        assert_eq!(stats.dropped(), 0, "{stats}");
        let seen = witness.spans.spans().len() as u64;
        for exporter in &stats.exporters {
            assert_eq!((exporter.exported, exporter.failed, exporter.rejected), (seen, 0, 0), "{stats}");
        }
        (receiver.requests(), witness)
    };
    PROTOCOLS.map(both).into()
}

fn wire_spans(requests: &[ExportTraceServiceRequest]) -> Vec<&Span> {
    let resources = requests.iter().flat_map(|request| &request.resource_spans);
    resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans).collect()
}

#[trace_workflow(
    crypto.workflow_name = "equality",
    crypto.workflow_type = WorkflowType::Batch,
    late(crypto.record_count)
)]
async fn workflow() -> Result<u64, Refused> {
    event!("started", app.symbols = 3, "app.list" = vec!["a", "", "ä"], app.ratio = 0.5, app.flags = vec![true, false]);
    let records = ingest("BTCUSDT").await?;
    let _ = fetch("BTCUSDT", 418).await;
    let _ = fetch("ETHUSDT", 404).await;
    assert!(Desk { id: 7 }.validate(records).is_err());
    drop(tokio::time::timeout(Duration::ZERO, never()).await);
    let panicked = std::panic::catch_unwind(|| store("gold"));
    assert!(panicked.is_err());
    event!("ended");
    record!(crypto.record_count = records);
    Ok(records)
}

#[trace_ingestion(crypto.data_type = DataType::Klines, crypto.symbol = symbol, late(crypto.record_count))]
async fn ingest(symbol: &str) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    record!(crypto.record_count = u64::MAX);
    Ok(symbol.len() as u64)
}

#[trace_exchange_api(crypto.market = Market::Binance, url.template = "/api/v3/klines", crypto.symbol = symbol)]
async fn fetch(symbol: &str, status: u16) -> Result<(), Refused> {
    record!(http.response.status_code = status);
    tokio::task::yield_now().await;
    Err(Refused(status))
}

#[trace]
async fn never() {
    std::future::pending().await
}

struct Desk {
    id: u64,
}

impl Desk {
    #[trace_processing(crypto.processing_stage = ProcessingStage::Validation, crypto.data_type = DataType::Trades, late(crypto.validation_rate))]
    fn validate(&self, records: u64) -> Result<f64, std::num::ParseIntError> {
        self.ship()?;
        let rate = 100.0 / records as f64;
        record!(crypto.validation_rate = rate);
        Ok(rate)
    }

    #[trace(name = "ship", kind = producer, app.desk = self.id, app.note = %format_args!("desk {}", self.id), app.absent = None::<i64>)]
    fn ship(&self) -> Result<(), std::num::ParseIntError> {
        "seven".parse::<i32>().map(|_| ())
    }
}

#[trace_storage(storage.operation = StorageOperation::Put, lakehouse.layer = Layer::Gold, late(crypto.data_size_bytes))]
fn store(layer: &str) {
    trace_block!(name = "serve", kind = server, app.layer = layer, {});
    trace_block!(name = "consume", kind = consumer, {});
    if layer == "gold" {
        panic!("on purpose");
    }
    record!(crypto.data_size_bytes = 1);
}

/// The workflow below a remote parent with a trace state, and once more as the root of a trace of its own.
fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let state = TraceState::from_str("vendor=value,other=1").expect("a valid state");
    let parent = SpanContext::new(TraceId::from(0xabc), SpanId::from(0xdef), TraceFlags::SAMPLED, true, state);
    {
        let _attached = Context::new().with_remote_span_context(parent).attach();
        assert_eq!(runtime.block_on(workflow()).ok(), Some(7));
    }
    assert_eq!(runtime.block_on(workflow()).ok(), Some(7));
}

/// The resource's attributes are a set, the empty status is the same as none.
fn normalized(mut resources: Vec<ResourceSpans>) -> Vec<ResourceSpans> {
    for resource in &mut resources {
        resource.resource.get_or_insert_default().attributes.sort_by(|a, b| a.key.cmp(&b.key));
        for span in resource.scope_spans.iter_mut().flat_map(|scope| &mut scope.spans) {
            span.status.get_or_insert_default();
        }
    }
    resources
}

/// Compares what arrived with what was seen, in our notation. Batches overtake each other.
fn assert_spans(requests: &[ExportTraceServiceRequest], seen: &[SpanData]) {
    let mut arrived = wire_spans(requests);
    arrived.sort_by(|a, b| a.span_id.cmp(&b.span_id));
    let mut seen: Vec<_> = seen.iter().collect();
    seen.sort_by_key(|span| span.span_context.span_id().to_bytes());
    assert_eq!(arrived.len(), seen.len());
    for (arrived, seen) in arrived.into_iter().zip(seen) {
        assert_eq!(notation::wire(arrived).join("\n"), notation::seen(seen).join("\n"));
    }
}

#[test]
fn every_fact_of_every_span_arrives_as_it_was_seen() {
    let _turn = turn();
    for (requests, witness) in observe(|settings| settings, run) {
        let seen = witness.spans.spans();
        assert_spans(&requests, &seen);

        // The comparison is worth nothing if the spans are all alike.
        let facts: BTreeSet<String> = seen.iter().flat_map(notation::seen).collect();
        for fact in [
            "name: \"workflow equality\"",
            "state: \"vendor=value,other=1\"",
            "state: \"\"",
            "parent: []",
            "parent: [0, 0, 0, 0, 0, 0, 13, 239]",
            "flags: 769",
            "flags: 257",
            "kind: 1",
            "kind: 2",
            "kind: 3",
            "kind: 4",
            "kind: 5",
            "status: (0, \"\")",
            "status: (2, \"the exchange answered 418\")",
            "crypto.workflow_type = string \"batch\"",
            "crypto.record_count = int 9223372036854775807",
            "crypto.record_count = int 7",
            "http.response.status_code = int 404",
            "error.type = string \"418\"",
            "error.type = string \"panic\"",
            "otelier.cancelled = bool true",
            "app.desk = int 7",
            "app.note = string \"desk 7\"",
            "app.list = [string \"a\", string \"\", string \"ä\"]",
            "app.flags = [bool true, bool false]",
            "app.ratio = double 0x3fe0000000000000",
        ] {
            assert!(facts.contains(fact), "no span has {fact}: {facts:#?}");
        }
        assert!(facts.iter().any(|fact| fact.starts_with("event \"exception\" at ")), "{facts:#?}");
        assert!(!facts.iter().any(|fact| fact.starts_with("app.absent")), "{facts:#?}");
    }
}

#[test]
fn a_request_is_what_the_protocols_own_library_would_make_of_the_spans() {
    let _turn = turn();
    let configure = |settings: Telemetry| {
        settings.with_resource_attribute("app.team", "data ä").with_resource_attribute("app.empty", "")
    };
    for (requests, witness) in observe(configure, run) {
        assert_eq!(requests.len(), 1, "everything fits into one batch");
        let resource = ResourceAttributesWithSchema::from(&witness.resource());
        let expected = group_spans_by_resource_and_scope(witness.spans.spans(), &resource);
        assert_eq!(normalized(requests[0].resource_spans.clone()), normalized(expected));
    }
}

#[test]
fn the_resource_and_the_scope_arrive_with_every_request() {
    let _turn = turn();
    let configure = |settings: Telemetry| settings.with_max_export_batch_size(4);
    for (requests, witness) in observe(configure, run) {
        assert!(requests.len() > 4, "{}", requests.len());
        let mut seen: Vec<_> =
            witness.resource().iter().map(|(key, value)| format!("{key} = {}", notation::seen_value(value))).collect();
        seen.sort_unstable();
        assert!(seen.contains(&format!("process.pid = int {}", std::process::id())), "{seen:?}");
        for request in requests {
            let [resource] = &request.resource_spans[..] else { panic!("one resource in a request: {request:?}") };
            let mut arrived = notation::wire_attributes(&resource.resource.as_ref().expect("a resource").attributes);
            arrived.sort_unstable();
            assert_eq!(arrived, seen);
            let [scope] = &resource.scope_spans[..] else { panic!("one scope in a resource: {resource:?}") };
            let found = scope.scope.as_ref().expect("a scope");
            assert_eq!((found.name.as_str(), found.version.as_str()), ("otelier", env!("CARGO_PKG_VERSION")));
            assert!((1..=4).contains(&scope.spans.len()), "{}", scope.spans.len());
        }
    }
}

/// Values at the ends of their ranges, and texts as long as makes the length of a message one byte, two and three.
#[trace(
    app.least = i64::MIN,
    app.minus = -1,
    app.most = u64::MAX,
    app.not_a_number = f64::NAN,
    app.infinite = f64::NEG_INFINITY,
    app.minus_zero = -0.0,
    app.tiny = f64::from_bits(1),
    app.no = false,
    app.empty = "",
    app.nothing = Vec::<f64>::new(),
    app.longest = "ä".repeat(1100),
    app.odd = "\0\u{1b}[31m\r\n\u{10ffff}",
    app.doubles = vec![f64::NAN, f64::MAX],
    app.integers = vec![i64::MIN, 0, i64::MAX],
    app.texts = vec!["x".repeat(1024); 17]
)]
fn edges() {
    for length in 100..160 {
        trace_block!(name = "long", app.text = "x".repeat(length), { event!("long", app.text = "y".repeat(length)) });
    }
}

#[test]
fn values_and_lengths_at_the_edges_arrive_as_they_are() {
    let _turn = turn();
    for (requests, witness) in observe(|settings| settings, edges) {
        assert_spans(&requests, &witness.spans.spans());
        let arrived = wire_spans(&requests);
        let edges = arrived.iter().find(|span| span.name == "edges").expect("the span of the function");
        let facts = notation::wire_attributes(&edges.attributes);
        for fact in [
            "app.least = int -9223372036854775808".to_owned(),
            "app.minus = int -1".to_owned(),
            "app.most = int 9223372036854775807".to_owned(),
            format!("app.not_a_number = double {:#x}", f64::NAN.to_bits()),
            "app.infinite = double 0xfff0000000000000".to_owned(),
            "app.minus_zero = double 0x8000000000000000".to_owned(),
            "app.tiny = double 0x1".to_owned(),
            "app.no = bool false".to_owned(),
            "app.empty = string \"\"".to_owned(),
            "app.nothing = []".to_owned(),
            format!("app.longest = string {:?}", "ä".repeat(1024)),
            "app.odd = string \"\\0\\u{1b}[31m\\r\\n\\u{10ffff}\"".to_owned(),
            "app.integers = [int -9223372036854775808, int 0, int 9223372036854775807]".to_owned(),
        ] {
            assert!(facts.contains(&fact), "no attribute is {fact}: {facts:#?}");
        }
    }
}

#[trace]
fn leaf() {}

#[trace(name = "kept by {app.name}", app.name = name)]
fn named(name: &str) {
    leaf();
    leaf();
}

/// Traces that are kept for different reasons, one after the other, and some below parents that tell a threshold.
fn kept() {
    for number in 0..60_u128 {
        named(["first", "second", "none"][number as usize % 3]);
        let state = ["", "ot=th:c;rv:ffffffffffffff", "vendor=value", "vendor=value,ot=th:8;rv:f0000000000000"];
        let state = TraceState::from_str(state[number as usize % 4]).expect("it is valid");
        let parent = SpanContext::new(TraceId::from(0xabc + number), SpanId::from(7), TraceFlags::SAMPLED, true, state);
        let _attached = Context::new().with_remote_span_context(parent).attach();
        named(["second", "none"][number as usize % 2]);
    }
}

#[test]
fn why_traces_are_kept_and_for_how_many_they_stand_arrives_as_it_was_seen() {
    let _turn = turn();
    let configure = |settings: Telemetry| {
        let rule = |name: &str| TailRule::new(name, Keep::Always).span_name(format!("kept by {name}"));
        let tail = TailSampling::new(1.0).with_rule(rule("first")).with_rule(rule("second"));
        settings.with_sampler(Sampler::Probability(0.5)).with_tail_sampling(tail).with_max_export_batch_size(50)
    };
    for (requests, witness) in observe(configure, kept) {
        let seen = witness.spans.spans();
        assert_spans(&requests, &seen);
        let facts: BTreeSet<String> = seen.iter().flat_map(notation::seen).collect();
        for fact in [
            "otelier.sampler.rule = string \"first\"",
            "otelier.sampler.rule = string \"second\"",
            "otelier.sampler.reason = string \"tail.ratio\"",
            "otelier.sampler.probability = double 0x3fe0000000000000",
            "state: \"ot=th:8\"",
        ] {
            assert!(facts.contains(fact), "no span has {fact}: {facts:#?}");
        }
        let states = facts.iter().filter(|fact| fact.starts_with("state: ")).count();
        assert!(states >= 3, "{facts:#?}");
    }
}

fn many_threads() {
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for number in 0..200 {
                    trace_block!(name = "outer", app.thread = thread, app.number = number, {
                        trace_block!(name = "inner", app.thread = thread, {});
                    });
                }
            });
        }
    });
}

#[test]
fn every_span_of_every_thread_arrives_once_whatever_the_size_of_a_batch() {
    let _turn = turn();
    let batches: [fn(Telemetry) -> Telemetry; 3] = [
        |settings| settings.with_max_export_batch_size(1),
        |settings| settings.with_max_export_batch_size(7),
        |settings| settings.with_max_export_batch_size(2048),
    ];
    for configure in batches {
        for (requests, witness) in observe(configure, many_threads) {
            assert_spans(&requests, &witness.spans.spans());
            let arrived = wire_spans(&requests);
            let ids: BTreeSet<&[u8]> = arrived.iter().map(|span| span.span_id.as_slice()).collect();
            assert_eq!((arrived.len(), ids.len()), (1600, 1600));
            let inner = arrived.iter().filter(|span| span.name == "inner");
            assert!(inner.into_iter().all(|span| ids.contains(span.parent_span_id.as_slice())));
        }
    }
}
