//! OTLP over both protocols, to receivers that behave and to some that do not.

use crate::support::{LONG, PROTOCOLS, Refused, at_the_deadline, receiver, start, telemetry, turn};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use otelier::Pipeline;
use otelier::config::{Otlp, Protocol};
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier_tests::Behaviour;
use std::str::FromStr;
use std::time::{Duration, Instant};

#[trace_workflow(crypto.workflow_name = "it", late(crypto.record_count))]
async fn workflow(symbols: &[&str]) -> Result<usize, Refused> {
    event!("started", app.symbols = symbols.len(), "app.list" = vec!["a", "b"], app.ratio = 0.5);
    let records = collect(symbols).await;
    store(records);
    record!(crypto.record_count = records);
    Ok(records)
}

#[trace_stage(crypto.stage_name = "collect", crypto.symbol_count = symbols.len())]
async fn collect(symbols: &[&str]) -> usize {
    let mut records = 0;
    for symbol in symbols {
        records += fetch(symbol).await.unwrap_or(0);
    }
    // Dropped before it is ready.
    drop(tokio::time::timeout(Duration::ZERO, hang()).await);
    records
}

#[trace_exchange_api(
    crypto.market = Market::Kraken,
    url.template = "/klines",
    crypto.symbol = symbol,
    crypto.retry_after = (symbol.len() > 3).then_some(1.25)
)]
async fn fetch(symbol: &str) -> Result<usize, Refused> {
    tokio::task::yield_now().await;
    if symbol == "BAD" {
        return Err(Refused(418));
    }
    record!(http.response.status_code = 200u16);
    Ok(symbol.len())
}

#[trace]
async fn hang() {
    std::future::pending().await
}

#[trace_storage(storage.operation = StorageOperation::Put, lakehouse.layer = Layer::Gold, "app.flags" = vec![true, false])]
fn store(records: usize) {
    record!(crypto.record_count = records);
    let panicked = std::panic::catch_unwind(|| trace_block!(name = "breaks", { panic!("on purpose") }));
    assert!(panicked.is_err());
}

/// Runs the workflow below a remote parent.
fn run() {
    let state = TraceState::from_str("vendor=value,other=1").expect("a valid state");
    let parent = SpanContext::new(TraceId::from(0xabc), SpanId::from(0xdef), TraceFlags::SAMPLED, true, state);
    let _attached = Context::new().with_remote_span_context(parent).attach();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _ = runtime.block_on(workflow(&["BTCUSDT", "BAD", "ETH"]));
}

/// Ids and names that belong together whatever order the spans are in.
fn sorted(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(|a, b| a.span_id.cmp(&b.span_id));
    for span in &mut spans {
        // A status that is not set may be left out or be empty.
        span.status.get_or_insert_default();
    }
    spans
}

fn string(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match &found.value {
        Some(AnyValue { value: Some(any_value::Value::StringValue(text)) }) => Some(text.clone()),
        other => panic!("{key} is {other:?}"),
    }
}

#[test]
fn what_arrives_is_what_the_memory_exporter_saw() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver(protocol, Behaviour::Accept);
        let memory = MemoryExporter::new(1000);
        let settings = telemetry(protocol, &receiver.endpoint()).with_resource_attribute("app.team", "data");
        let telemetry = Pipeline::new(settings).with_span_exporter(memory.clone()).start().expect("it starts");
        run();
        let stats = telemetry.shutdown().expect("in time");
        assert_eq!(stats.exporters.len(), 2);
        for exporter in &stats.exporters {
            assert_eq!((exporter.exported, exporter.failed, exporter.rejected), (8, 0, 0), "{stats}");
        }
        // The conversion of `opentelemetry-proto` is the judge of ours, to the last field.
        let expected: Vec<Span> = memory.spans().into_iter().map(Span::from).collect();
        assert_eq!(sorted(receiver.spans()), sorted(expected));

        let requests = receiver.requests();
        let resource = &requests[0].resource_spans[0];
        let attributes = &resource.resource.as_ref().expect("a resource").attributes;
        assert_eq!(string(attributes, "service.name").as_deref(), Some("it"));
        assert_eq!(string(attributes, "app.team").as_deref(), Some("data"));
        assert_eq!(string(attributes, "telemetry.sdk.language").as_deref(), Some("rust"));
        let scope = resource.scope_spans[0].scope.as_ref().expect("a scope");
        assert_eq!((scope.name.as_str(), scope.version.as_str()), ("otelier", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn the_trace_has_the_shape_of_the_calls() {
    let _turn = turn();
    let receiver = receiver(Protocol::HttpProtobuf, Behaviour::Accept);
    let telemetry = otelier::init(telemetry(Protocol::HttpProtobuf, &receiver.endpoint())).expect("it starts");
    run();
    telemetry.shutdown().expect("in time");
    let spans = receiver.spans();
    let named = |name: &str| -> Vec<&Span> { spans.iter().filter(|span| span.name == name).collect() };
    let (root, stage) = (named("workflow it")[0], named("stage collect")[0]);
    assert_eq!(root.parent_span_id, 0xdef_u64.to_be_bytes());
    assert_eq!(root.trace_state, "vendor=value,other=1");
    assert_eq!(root.flags, 0x301, "sampled, and the parent is known to be remote");
    assert_eq!(stage.flags, 0x101, "sampled, and the parent is known to be local");
    assert_eq!(stage.parent_span_id, root.span_id);
    let calls = named("kraken /klines");
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.parent_span_id == stage.span_id && call.kind == 3));
    assert_eq!(named("hang")[0].parent_span_id, stage.span_id);
    let put = named("put gold")[0];
    assert_eq!(named("breaks")[0].parent_span_id, put.span_id);
    assert_eq!(put.parent_span_id, root.span_id);
    assert!(spans.iter().all(|span| span.trace_id == 0xabc_u128.to_be_bytes()));

    let failed = calls.iter().find(|call| call.status.as_ref().is_some_and(|status| status.code == 2)).expect("one");
    assert_eq!(failed.status.as_ref().map(|status| status.message.as_str()), Some("the exchange answered 418"));
    assert_eq!(string(&failed.attributes, "error.type").as_deref(), Some("418"));
    assert_eq!(failed.events[0].name, "exception");
    assert_eq!(string(&named("breaks")[0].attributes, "error.type").as_deref(), Some("panic"));
    assert_eq!(root.events[0].attributes.len(), 3);
}

#[test]
fn headers_are_sent() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver(protocol, Behaviour::Accept);
        let otlp = Otlp::to(receiver.endpoint()).with_protocol(protocol).with_headers("x-api-key=a%20b");
        let telemetry = otelier::init(Telemetry::default().with_otlp(otlp)).expect("it starts");
        store(1);
        telemetry.shutdown().expect("in time");
        let headers = &receiver.headers()[0];
        assert_eq!(headers["x-api-key"], "a b");
        assert!(headers["user-agent"].to_str().is_ok_and(|agent| agent.starts_with("otelier/")), "{headers:?}");
    }
}

/// Runs one span against a receiver that misbehaves, and gives the numbers of the exporter.
fn export_to(protocol: Protocol, behaviour: Behaviour) -> otelier::ExporterStats {
    let receiver = receiver(protocol, behaviour);
    let telemetry = otelier::init(telemetry(protocol, &receiver.endpoint())).expect("it starts");
    trace_block!(name = "one", {});
    telemetry.shutdown().expect("in time").exporters.remove(0)
}

#[test]
fn a_failing_receiver_is_counted_and_named() {
    let _turn = turn();
    for (protocol, expected) in [
        (Protocol::HttpProtobuf, "answered 503: out of \u{fffd}[31morder"),
        (Protocol::Grpc, "answered Unavailable: out of \u{fffd}[31morder"),
    ] {
        let stats = export_to(protocol, Behaviour::Fail(503));
        assert_eq!((stats.exported, stats.failed), (0, 1));
        let error = stats.last_error.expect("a reason");
        assert!(error.starts_with("http://127.0.0.1:") && error.ends_with(expected), "{error}");
    }
}

#[test]
fn who_sends_to_a_path_that_is_not_there_is_told_the_usual_one() {
    let _turn = turn();
    let receiver = receiver(Protocol::HttpProtobuf, Behaviour::Accept);
    for (path, hint) in [("/", true), ("/otlp", true), ("/nowhere/v1/traces", false)] {
        let otlp = Otlp::to_exactly(format!("{}{path}", receiver.endpoint()));
        let telemetry = otelier::init(Telemetry::default().with_otlp(otlp)).expect("it starts");
        trace_block!(name = "x", {});
        let stats = telemetry.shutdown().expect("in time").exporters.remove(0);
        let error = stats.last_error.expect("there is nothing at that path");
        assert!(error.contains(" answered 404"), "{error}");
        assert_eq!(error.ends_with("OTLP is usually taken at `/v1/traces`"), hint, "{error}");
    }
}

#[test]
fn rejected_spans_are_counted_with_the_receivers_words() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let stats = export_to(protocol, Behaviour::Reject(1, "too old".to_owned()));
        assert_eq!((stats.exported, stats.rejected, stats.failed), (0, 1, 0));
        assert_eq!(stats.last_error.as_deref(), Some("too old"));
    }
}

#[test]
fn odd_answers_with_a_good_status_are_success() {
    let _turn = turn();
    let truncated = vec![0x0a, 0x7f, 0x08];
    for (status, content_type, body) in [
        (200, Some("application/json"), b"{\"partialSuccess\":null}".to_vec()),
        (201, None, Vec::new()),
        (200, Some("application/x-protobuf"), truncated),
        (200, Some("application/json"), b"{\"partialSuccess\":{\"rejectedSpans\":\"1".to_vec()),
        (200, Some("application/json"), b"{\"partialSuccess\":{\"rejectedSpans\":\"-1\"}}".to_vec()),
        (204, None, Vec::new()),
        (202, Some("text/html"), vec![b'x'; 1 << 20]),
    ] {
        for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
            let stats = export_to(protocol, Behaviour::Raw(status, content_type, body.clone()));
            let numbers = (stats.exported, stats.failed, stats.rejected, stats.last_error);
            // `None` of all that the receiver did not say clearly.
            assert_eq!(numbers, (1, 0, 0, None), "{protocol:?} {status}");
        }
    }
}

#[test]
fn no_more_is_rejected_than_was_sent() {
    let _turn = turn();
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc] {
        for count in [2, i64::MAX] {
            let stats = export_to(protocol, Behaviour::Reject(count, "all".to_owned()));
            assert_eq!((stats.exported, stats.rejected, stats.failed), (0, 1, 0), "{protocol:?} {count}");
        }
        // A warning without a number takes nothing away.
        let stats = export_to(protocol, Behaviour::Reject(0, "soon too old".to_owned()));
        assert_eq!((stats.exported, stats.rejected, stats.last_error.as_deref()), (1, 0, Some("soon too old")));
        let stats = export_to(protocol, Behaviour::Reject(-1, String::new()));
        assert_eq!((stats.exported, stats.rejected, stats.failed), (1, 0, 0), "{protocol:?}");
    }
}

#[test]
fn a_refused_endpoint_fails_clearly_and_holds_nobody_up() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.local_addr().expect("an address").port()
        };
        let start = Instant::now();
        let telemetry = otelier::init(telemetry(protocol, &format!("http://127.0.0.1:{port}"))).expect("it starts");
        store(1);
        let stats = telemetry.shutdown().expect("in time");
        assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
        assert_eq!((stats.exporters[0].exported, stats.exporters[0].failed), (0, 2), "{stats}");
        let error = stats.exporters[0].last_error.clone().expect("a reason");
        assert!(error.contains(&format!("127.0.0.1:{port}")) && error.contains("refused"), "{error}");
    }
}

#[test]
fn a_receiver_that_never_answers_is_left_behind_at_the_deadline() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver(protocol, Behaviour::Hang);
        let settings = telemetry(protocol, &receiver.endpoint()).with_shutdown_timeout(Duration::from_secs(1));
        let stats = at_the_deadline(|| {
            let telemetry = start(settings.clone());
            trace_block!(name = "one", {});
            let begin = Instant::now();
            let ended = telemetry.shutdown();
            assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
            ended
        });
        assert_eq!((stats.exporters[0].exported, stats.exporters[0].failed), (0, 1), "{stats}");
    }
}

#[test]
fn a_one_thread_runtime_can_start_flush_and_end_telemetry() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver(protocol, Behaviour::Accept);
        let endpoint = receiver.endpoint();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let telemetry = otelier::init(telemetry(protocol, &endpoint)).expect("it starts");
            let _ = workflow(&["BTCUSDT"]).await;
            telemetry.force_flush(LONG).expect("in time");
            assert_eq!(receiver.spans().len(), 6);
            trace_block!(name = "after the flush", {});
            drop(telemetry);
        });
        assert_eq!(receiver.spans().len(), 7);
    }
}

#[test]
fn a_panic_exports_what_was_recorded() {
    let _turn = turn();
    let receiver = receiver(Protocol::HttpProtobuf, Behaviour::Accept);
    let endpoint = receiver.endpoint();
    let panicked = std::thread::spawn(move || {
        let _telemetry = otelier::init(telemetry(Protocol::HttpProtobuf, &endpoint)).expect("it starts");
        trace_block!(name = "last words", { panic!("on purpose") })
    })
    .join();
    assert!(panicked.is_err());
    let spans = receiver.wait_for(1, LONG);
    assert_eq!(spans[0].name, "last words");
    assert_eq!(string(&spans[0].attributes, "error.type").as_deref(), Some("panic"));
}

#[test]
fn unusable_settings_are_refused_all_at_once() {
    let otlp = Otlp::to("localhost:4318").with_headers("novalue");
    let settings = Telemetry::default().with_otlp(otlp).with_max_export_batch_size(0);
    let Err(otelier::Error::Config(error)) = otelier::init(settings) else { panic!("expected a refusal") };
    assert_eq!(error.problems().len(), 3, "{error}");
    assert!(error.to_string().contains("`localhost:4318`; expected a URL such as `http://localhost:4318`"), "{error}");
}
