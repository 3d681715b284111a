//! Exceptions as log records: what they say beside span events, where they go, and what happens if nobody takes them.

use crate::support::{PROTOCOLS, Refused, receiver, receiver_with_logs, telemetry, turn};
use opentelemetry::Context;
use opentelemetry::logs::{AnyValue, Severity};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::logs::tonic::group_logs_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLogRecord};
use otelier::config::{self, ExceptionSignal, Otlp, Protocol, Variables};
use otelier::export::console::{TextStyle, render_text};
use otelier::export::tree::Trace;
use otelier::export::{MemoryExporter, Signal};
use otelier::prelude::*;
use otelier::{Pipeline, Span as ManualSpan, Stats};
use otelier_tests::{Behaviour, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

struct Opaque;

#[trace(name = "client", kind = client)]
fn client(status: u16) -> Result<(), Refused> {
    if status == 200 { Ok(()) } else { Err(Refused(status)) }
}

#[trace(name = "internal")]
fn internal() -> Result<(), Refused> {
    client(200)?;
    client(503)
}

#[trace(name = "opaque")]
fn opaque() -> Result<(), Opaque> {
    Err(Opaque)
}

#[trace(name = "server", kind = server)]
async fn server() -> Result<(), Refused> {
    tokio::task::yield_now().await;
    event!("exception", app.note = "recorded by the program");
    let _ = client(404);
    let _ = opaque();
    internal()
}

#[trace(name = "root")]
fn root() -> Result<(), std::num::ParseIntError> {
    let elsewhere = otelier::spawn_thread(opaque);
    assert!(elsewhere.join().is_ok_and(|result| result.is_err()));
    trace_block!(name = "manual parent", {
        let manual = ManualSpan::builder("manual").start();
        manual.record_error(&Refused(500));
        manual.end();
        let tracer = otelier::bridge::TracerProvider::new().tracer("lib");
        tracer.in_span("of the API", |context| context.span().record_error(&Refused(501)));
    });
    "seven".parse::<i32>().map(|_| ())
}

/// A trace below a remote parent, and one that begins here.
fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let parent =
        SpanContext::new(TraceId::from(0xabc), SpanId::from(0xdef), TraceFlags::SAMPLED, true, TraceState::NONE);
    {
        let _attached = Context::new().with_remote_span_context(parent).attach();
        assert!(runtime.block_on(server()).is_err());
        assert!(internal().is_err());
    }
    assert!(root().is_err());
}

/// Runs against `receiver` and gives the numbers.
fn send(protocol: Protocol, receiver: &Receiver, signal: ExceptionSignal, work: fn()) -> Stats {
    let settings = telemetry(protocol, &receiver.endpoint()).with_exception_signal(signal);
    let telemetry = otelier::init(settings).expect("it starts");
    work();
    telemetry.shutdown().expect("in time")
}

/// The exceptions that span events show, other than those the program recorded itself.
fn events(spans: &[Span]) -> Vec<(&Span, &opentelemetry_proto::tonic::trace::v1::span::Event)> {
    let events = spans.iter().flat_map(|span| span.events.iter().map(move |event| (span, event)));
    let of_errors = events.filter(|(_, event)| event.attributes.iter().any(|one| one.key == "exception.type"));
    of_errors.filter(|(_, event)| event.name == "exception").collect()
}

fn assert_same(records: &[LogRecord], spans: &[Span]) {
    let events = events(spans);
    assert_eq!(records.len(), events.len());
    for (span, event) in events {
        let said = |record: &&LogRecord| record.span_id == span.span_id;
        let found: Vec<_> = records.iter().filter(said).collect();
        let [record] = found[..] else { panic!("one record for each span that failed: {found:?}") };
        let expected = LogRecord {
            time_unix_nano: event.time_unix_nano,
            observed_time_unix_nano: event.time_unix_nano,
            // Compared elsewhere; no event says it.
            severity_number: record.severity_number,
            attributes: event.attributes.clone(),
            dropped_attributes_count: event.dropped_attributes_count,
            flags: 1,
            trace_id: span.trace_id.clone(),
            span_id: span.span_id.clone(),
            event_name: event.name.clone(),
            ..LogRecord::default()
        };
        assert_eq!(*record, expected);
        assert!((span.start_time_unix_nano..=span.end_time_unix_nano).contains(&record.time_unix_nano));
    }
}

#[test]
fn a_log_record_says_what_the_span_event_says() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver_with_logs(protocol, Behaviour::Accept);
        let stats = send(protocol, &receiver, ExceptionSignal::Both, run);
        let (records, spans) = (receiver.log_records(), receiver.spans());
        assert_same(&records, &spans);
        assert_eq!(records.len(), 10);
        let [_, exporter] = &stats.exporters[..] else { panic!("one exporter of each: {stats:?}") };
        assert_eq!((stats.exporters[0].signal, exporter.signal), (Signal::Spans, Signal::Logs));
        assert_eq!((exporter.exported, exporter.failed, exporter.rejected), (10, 0, 0));
        assert_eq!(stats.exporters[0].exported, spans.len() as u64);
        let line = format!("{}: 10 log records exported", exporter.name);
        assert!(stats.to_string().ends_with(&line), "{stats}");

        let (traces, logs) = (receiver.requests(), receiver.log_requests());
        assert_eq!((traces.len(), logs.len()), (1, 1), "one request of each for a batch");
        let (traces, logs) = (&traces[0].resource_spans, &logs[0].resource_logs);
        assert_eq!((traces.len(), logs.len()), (1, 1));
        assert_eq!(logs[0].resource, traces[0].resource);
        // The tracer of the API has recorded no error but an event, so its scope has no log record.
        assert_eq!((traces[0].scope_spans.len(), logs[0].scope_logs.len()), (2, 1));
        assert_eq!(logs[0].scope_logs[0].scope.as_ref().map(|scope| scope.name.as_str()), Some("otelier"));
    }
}

#[test]
fn severity_says_who_has_to_handle_the_error() {
    let _turn = turn();
    let receiver = receiver_with_logs(Protocol::HttpProtobuf, Behaviour::Accept);
    send(Protocol::HttpProtobuf, &receiver, ExceptionSignal::Both, run);
    let spans = receiver.spans();
    let mut found: Vec<_> = receiver
        .log_records()
        .iter()
        .map(|record| {
            let span = spans.iter().find(|span| span.span_id == record.span_id).expect("the span of the record");
            (span.name.clone(), record.severity_number)
        })
        .collect();
    found.sort();
    let expected = [
        ("client", 5), // expected
        ("client", 13),
        ("client", 13),
        ("internal", 13), // below `server`
        ("internal", 17), // below a remote span
        ("manual", 13),
        ("opaque", 13),
        ("opaque", 13), // on another thread
        ("root", 17),
        ("server", 17),
    ];
    let found: Vec<_> = found.iter().map(|(name, severity)| (name.as_str(), *severity)).collect();
    assert_eq!(found, expected);
}

#[test]
fn with_logs_alone_spans_keep_status_and_error_type_and_lose_the_event() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver_with_logs(protocol, Behaviour::Accept);
        let memory = MemoryExporter::new(1000);
        let settings =
            telemetry(protocol, &receiver.endpoint()).with_exception_signal(ExceptionSignal::Logs).with_console(false);
        let telemetry = Pipeline::new(settings).with_span_exporter(memory.clone()).start().expect("it starts");
        run();
        telemetry.shutdown().expect("in time");
        let spans = receiver.spans();
        assert_eq!(events(&spans), []);
        assert!(!receiver.log_records().is_empty());
        // What the program and the API recorded by that name is theirs.
        assert_eq!(spans.iter().flat_map(|span| &span.events).count(), 2);
        assert_eq!(memory.spans().iter().map(|span| span.events.events.len()).sum::<usize>(), 2);
        let failed = spans.iter().find(|span| span.name == "root").expect("the root");
        assert_eq!(failed.status.as_ref().map(|status| status.code), Some(2));
        assert!(failed.attributes.iter().any(|attribute| attribute.key == "error.type"));
        assert_eq!(failed.dropped_events_count, 0);
    }
}

#[test]
fn nothing_is_sent_to_logs_unless_it_is_asked_for() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver_with_logs(protocol, Behaviour::Accept);
        let stats = send(protocol, &receiver, ExceptionSignal::SpanEvents, run);
        assert_eq!((receiver.log_requests().len(), stats.exporters.len()), (0, 1));
        assert_eq!(events(&receiver.spans()).len(), 10);
    }
}

#[test]
fn a_batch_without_exceptions_sends_no_log_records() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver_with_logs(protocol, Behaviour::Accept);
        let settings = telemetry(protocol, &receiver.endpoint())
            .with_exception_signal(ExceptionSignal::Logs)
            .with_max_export_batch_size(1);
        let telemetry = otelier::init(settings).expect("it starts");
        for status in [200, 500, 200, 200] {
            let _ = client(status);
        }
        let stats = telemetry.shutdown().expect("in time");
        assert_eq!((receiver.requests().len(), receiver.log_requests().len()), (4, 1));
        assert_eq!((stats.exporters[0].exported, stats.exporters[1].exported), (4, 1));
    }
}

#[test]
fn a_receiver_without_logs_does_no_harm_to_the_traces_and_is_named() {
    let _turn = turn();
    for (protocol, expected) in [
        (Protocol::HttpProtobuf, "/v1/logs answered 404: expected POST /v1/traces"),
        (Protocol::Grpc, "/ answered Unimplemented"),
    ] {
        let receiver = receiver(protocol, Behaviour::Accept);
        let stats = send(protocol, &receiver, ExceptionSignal::Logs, run);
        let spans = receiver.spans().len() as u64;
        let (traces, logs) = (&stats.exporters[0], &stats.exporters[1]);
        assert_eq!((traces.exported, traces.failed, &traces.last_error), (spans, 0, &None), "{stats}");
        assert_eq!((logs.exported, logs.failed, logs.rejected), (0, 10, 0), "{stats}");
        assert!(logs.last_error.as_deref().is_some_and(|error| error.ends_with(expected)), "{stats}");
        assert!(stats.to_string().contains("0 log records exported, 10 failed: http://127.0.0.1:"), "{stats}");
    }
}

#[test]
fn rejected_log_records_are_counted_with_the_receivers_words() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver_with_logs(protocol, Behaviour::Reject(2, "too old".to_owned()));
        let stats = send(protocol, &receiver, ExceptionSignal::Logs, run);
        let logs = &stats.exporters[1];
        assert_eq!((logs.exported, logs.failed, logs.rejected), (8, 0, 2), "{stats}");
        assert_eq!(logs.last_error.as_deref(), Some("too old"));
        assert_eq!((stats.exporters[0].rejected, &stats.exporters[0].last_error), (0, &None), "{stats}");
    }
}

#[test]
fn log_records_may_go_elsewhere_by_another_protocol() {
    let _turn = turn();
    for (of_spans, of_logs) in [(Protocol::Grpc, Protocol::HttpProtobuf), (Protocol::HttpProtobuf, Protocol::Grpc)] {
        let spans = receiver(of_spans, Behaviour::Accept);
        let logs = receiver_with_logs(of_logs, Behaviour::Accept);
        // Used as it is: HTTP appends nothing to it.
        let path = if of_logs == Protocol::Grpc { "" } else { "/v1/logs" };
        let other = Otlp::to_exactly(format!("{}{path}", logs.endpoint()))
            .with_protocol(of_logs)
            .with_headers("x-api-key=logs");
        let otlp = Otlp::to(spans.endpoint()).with_protocol(of_spans).with_headers("x-api-key=spans");
        let settings = Telemetry::default()
            .with_otlp(otlp)
            .with_log_exporters([config::LogExporter::Otlp(other)])
            .with_exception_signal(ExceptionSignal::Logs);
        let telemetry = otelier::init(settings).expect("it starts");
        run();
        let stats = telemetry.shutdown().expect("in time");
        assert_eq!((spans.log_records().len(), logs.spans().len()), (0, 0));
        assert_eq!(logs.log_records().len(), 10, "{stats}");
        assert_eq!(spans.headers()[0]["x-api-key"], "spans");
        assert_eq!(logs.log_headers()[0]["x-api-key"], "logs");
        assert!(logs.log_headers()[0]["user-agent"].to_str().is_ok_and(|agent| agent.starts_with("otelier/")));
    }
}

#[test]
fn the_environment_is_enough() {
    let _turn = turn();
    let work = || assert!(client(500).is_err());
    for (value, events_seen, records) in [("logs", 0, 1), ("logs/dup", 1, 1), ("", 1, 0)] {
        let receiver = receiver_with_logs(Protocol::HttpProtobuf, Behaviour::Accept);
        let variables = Variables::of([
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", value),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.endpoint()),
        ]);
        let telemetry = otelier::init(Telemetry::from_variables(&variables).expect("valid")).expect("it starts");
        work();
        telemetry.shutdown().expect("in time");
        assert_eq!((events(&receiver.spans()).len(), receiver.log_records().len()), (events_seen, records), "{value}");
    }
}

#[test]
fn where_nothing_takes_log_records_exceptions_stay_on_the_spans() {
    let _turn = turn();
    let receiver = receiver_with_logs(Protocol::HttpProtobuf, Behaviour::Accept);
    let settings = Telemetry::default()
        .with_otlp(Otlp::to(receiver.endpoint()))
        .with_log_exporters([])
        .with_exception_signal(ExceptionSignal::Logs);
    let telemetry = otelier::init(settings).expect("it starts");
    run();
    telemetry.shutdown().expect("in time");
    assert_eq!((events(&receiver.spans()).len(), receiver.log_requests().len()), (10, 0));
}

#[test]
fn mistakes_that_spans_and_log_records_share_are_said_once() {
    let otlp = Otlp::to("localhost:4318").with_headers("novalue");
    let settings = Telemetry::default().with_otlp(otlp).with_exception_signal(ExceptionSignal::Logs);
    let Err(otelier::Error::Config(error)) = otelier::init(settings) else { panic!("expected a refusal") };
    assert_eq!(error.problems().len(), 2, "{error}");
}

#[test]
fn the_limit_for_events_does_not_keep_log_records_out() {
    let _turn = turn();
    let receiver = receiver_with_logs(Protocol::HttpProtobuf, Behaviour::Accept);
    let settings = telemetry(Protocol::HttpProtobuf, &receiver.endpoint());
    let mut limits = settings.limits.clone();
    (limits.events, limits.event_attributes) = (0, 1);
    let settings = settings.with_limits(limits).with_exception_signal(ExceptionSignal::Logs);
    let telemetry = otelier::init(settings).expect("it starts");
    assert!(client(500).is_err());
    telemetry.shutdown().expect("in time");
    let [record] = &receiver.log_records()[..] else { panic!("one log record") };
    assert_eq!(record.attributes.len(), 1);
    assert!(record.dropped_attributes_count > 0);
    assert_eq!(receiver.spans()[0].dropped_events_count, 0);
}

/// Keeps what arrives, and fails if it is told to.
#[derive(Clone, Debug, Default)]
struct Kept {
    requests: Arc<Mutex<Vec<Vec<opentelemetry_proto::tonic::logs::v1::ResourceLogs>>>>,
    records: Arc<Mutex<Vec<SdkLogRecord>>>,
    resource: Option<Resource>,
    fails: bool,
}

impl LogExporter for Kept {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let resource = ResourceAttributesWithSchema::from(self.resource.as_ref().expect("a resource"));
        let request = group_logs_by_resource_and_scope(&batch, &resource);
        self.requests.lock().expect("nobody panicked").push(request);
        self.records.lock().expect("nobody panicked").extend(batch.iter().map(|(record, _)| record.clone()));
        if self.fails { Err(OTelSdkError::InternalFailure("on purpose".to_owned())) } else { Ok(()) }
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = Some(resource.clone());
    }
}

#[test]
fn an_exporter_of_the_sdk_gets_the_same_log_records() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver_with_logs(protocol, Behaviour::Accept);
        let settings = telemetry(protocol, &receiver.endpoint()).with_exception_signal(ExceptionSignal::Logs);
        let kept = Kept::default();
        let telemetry = Pipeline::new(settings).with_log_exporter(kept.clone()).start().expect("it starts");
        run();
        let stats = telemetry.shutdown().expect("in time");
        let names: Vec<_> = stats.exporters.iter().map(|exporter| exporter.name.as_str()).collect();
        assert!(names[1].starts_with("otlp ") && names[2] == "Kept", "{names:?}");
        assert_eq!(stats.exporters[2].exported, 10);
        // The library of the protocol makes the same request of them as we do.
        let requests = kept.requests.lock().expect("nobody panicked");
        let [expected] = &requests[..] else { panic!("one batch: {requests:?}") };
        let normalized = |mut resources: Vec<opentelemetry_proto::tonic::logs::v1::ResourceLogs>| {
            for resource in &mut resources {
                resource.resource.get_or_insert_default().attributes.sort_by(|a, b| a.key.cmp(&b.key));
            }
            resources
        };
        let arrived = receiver.log_requests().remove(0).resource_logs;
        assert_eq!(normalized(arrived), normalized(expected.clone()));

        let records = kept.records.lock().expect("nobody panicked");
        let first = records.iter().find(|record| record.severity_number() == Some(Severity::Debug)).expect("a 404");
        assert_eq!((first.event_name(), first.severity_text(), first.body()), (Some("exception"), None, None));
        let message =
            first.attributes_iter().find(|(key, _)| key.as_str() == "exception.message").map(|(_, value)| value);
        assert_eq!(message, Some(&AnyValue::from("the exchange answered 404")));
    }
}

#[test]
fn an_exporter_of_log_records_alone_is_enough_and_its_failure_is_counted() {
    let _turn = turn();
    let memory = MemoryExporter::new(100);
    let settings = Telemetry::default().with_exception_signal(ExceptionSignal::Logs);
    let telemetry = Pipeline::new(settings)
        .with_span_exporter(memory.clone())
        .with_log_exporter(Kept { fails: true, ..Kept::default() })
        .start()
        .expect("it starts");
    assert!(client(500).is_err());
    let stats = telemetry.shutdown().expect("in time");
    assert!(memory.spans()[0].events.events.is_empty());
    let logs = &stats.exporters[1];
    assert_eq!((logs.exported, logs.failed), (0, 1), "{stats}");
    assert!(logs.last_error.as_deref().is_some_and(|error| error.contains("on purpose")), "{stats}");
    assert_eq!(stats.exporters[0].exported, 1);
}

#[test]
fn the_tree_for_people_shows_the_same_errors_whatever_carries_exceptions() {
    let _turn = turn();
    let errors = [ExceptionSignal::SpanEvents, ExceptionSignal::Logs].map(|signal| {
        let memory = MemoryExporter::new(100);
        let settings = Telemetry::default().with_exception_signal(signal);
        let pipeline = Pipeline::new(settings).with_span_exporter(memory.clone()).with_log_exporter(Ignores);
        let telemetry = pipeline.start().expect("it starts");
        assert!(internal().is_err());
        telemetry.shutdown().expect("in time");
        let traces = Trace::group(memory.spans());
        let text = render_text(&traces[0], &TextStyle::default());
        text.lines().filter(|line| line.contains('✗')).map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(errors[0], errors[1]);
    assert!(errors[0].iter().any(|line| line.contains("503: the exchange answered 503")), "{errors:?}");
}

/// Takes log records and forgets them.
#[derive(Debug)]
struct Ignores;

impl LogExporter for Ignores {
    async fn export(&self, _batch: LogBatch<'_>) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn a_receiver_that_never_answers_log_records_keeps_no_span_back() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver_with_logs(protocol, Behaviour::Hang);
        let otlp = Otlp::to(receiver.endpoint()).with_protocol(protocol);
        let slow = otlp.clone().with_timeout(Duration::from_millis(200));
        let settings = Telemetry::default()
            .with_otlp(otlp)
            .with_log_exporters([config::LogExporter::Otlp(slow)])
            .with_exception_signal(ExceptionSignal::Logs);
        let telemetry = otelier::init(settings).expect("it starts");
        run();
        let stats = telemetry.shutdown().expect("in time");
        let (traces, logs) = (&stats.exporters[0], &stats.exporters[1]);
        assert_eq!((traces.exported, traces.failed), (receiver.spans().len() as u64, 0), "{stats}");
        assert_eq!((logs.exported, logs.failed), (0, 10), "{stats}");
        assert!(
            logs.last_error.as_deref().is_some_and(|error| error.ends_with("did not answer within 200ms")),
            "{stats}"
        );
    }
}
