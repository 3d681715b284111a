//! Health walks through an outage and back.

use crate::support::{PATIENCE, lock, start, turn, wait_until};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::Pipeline;
use otelier::export::MemoryExporter;
use otelier::health::Status;
use otelier::prelude::*;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[trace(app.number = number)]
fn leaf(number: usize) {}

/// An exporter whose answers are written beforehand; after them it takes everything.
#[derive(Clone, Debug, Default)]
struct Script(Arc<Mutex<VecDeque<&'static str>>>);

impl SpanExporter for Script {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        match lock(&self.0).pop_front() {
            None | Some("") => Ok(()),
            Some(error) => Err(OTelSdkError::InternalFailure(error.to_owned())),
        }
    }
}

#[test]
fn an_outage_is_degraded_then_failing_and_over_with_the_first_success() {
    let _turn = turn();
    let script =
        Script(Arc::new(Mutex::new(VecDeque::from(["", "down at http://me:secret@host", "down", "down", ""]))));
    let telemetry = start(Telemetry::default(), script);
    let handle = telemetry.health_handle();
    assert_eq!(handle.health().exporters[0].success_rate, None);
    let mut walked = Vec::new();
    for number in 0..5 {
        leaf(number);
        telemetry.force_flush(PATIENCE).expect("in time");
        let health = handle.health();
        let exporter = &health.exporters[0];
        assert!(!health.to_json().contains("secret"), "{}", health.to_json());
        walked.push((health.status, exporter.status, exporter.exports, exporter.success_rate));
    }
    assert_eq!(
        walked,
        [
            (Status::Ok, Status::Ok, 1, Some(1.0)),
            (Status::Degraded, Status::Degraded, 2, Some(0.5)),
            (Status::Degraded, Status::Degraded, 3, Some(1.0 / 3.0)),
            (Status::Failing, Status::Failing, 4, Some(0.25)),
            (Status::Ok, Status::Ok, 5, Some(0.4)),
        ]
    );
    let exporter = handle.health().exporters.remove(0);
    assert_eq!((exporter.exported, exporter.failed, exporter.failed_exports), (2, 3, 3));
    let (when, error) = exporter.last_error.expect("the outage is remembered");
    assert!(error.contains("down") && exporter.last_success.expect("there was one") >= when);
    telemetry.shutdown().expect("in time");
    let health = handle.health();
    assert_eq!((health.status, health.pipeline.status, health.pipeline.started), (Status::Stopped, Status::Stopped, 5));
    let other = start(Telemetry::default(), MemoryExporter::new(10));
    leaf(1);
    assert_eq!(handle.health().pipeline.started, 5, "the numbers are not those of the next pipeline");
    drop(other);
}

#[test]
fn one_exporter_of_two_that_fails_degrades_the_whole() {
    let _turn = turn();
    let script = Script(Arc::new(Mutex::new(VecDeque::from(["down"; 4]))));
    let telemetry = Pipeline::new(Telemetry::default())
        .with_span_exporter(script)
        .with_span_exporter(MemoryExporter::new(10))
        .start()
        .expect("it starts");
    for number in 0..4 {
        leaf(number);
        telemetry.force_flush(PATIENCE).expect("in time");
    }
    let health = telemetry.health();
    assert_eq!(health.status, Status::Degraded);
    assert_eq!(health.exporters[0].status, Status::Failing);
    assert_eq!(health.exporters[1].status, Status::Ok);
}

#[test]
fn health_names_the_exporter_that_keeps_the_thread_of_all() {
    let _turn = turn();
    let gate = crate::support::Gate::default();
    let telemetry = Pipeline::new(Telemetry::default().with_schedule_delay(Duration::from_millis(1)))
        .with_span_exporter(MemoryExporter::new(10))
        .with_span_exporter(gate.clone())
        .start()
        .expect("it starts");
    leaf(1);
    gate.wait_for_a_batch();
    assert!(telemetry.health().exporters[1].busy_for.is_some());
    wait_until("the exporter to be found out", || telemetry.health().exporters[1].status == Status::Failing);
    let health = telemetry.health();
    let reason = health.exporters[1].reason.clone().expect("there is one");
    assert!(reason.starts_with("it has kept the exporters' thread for"), "{reason}");
    assert_eq!(health.exporters[0].status, Status::Ok);
    gate.open();
    wait_until("the exporter to go on", || telemetry.health().status == Status::Ok);
    assert!(telemetry.health().exporters[1].busy_for.is_none());
}

#[test]
fn a_queue_that_is_half_full_or_dropped_something_is_degraded() {
    let _turn = turn();
    let gate = crate::support::Gate::default();
    let settings = Telemetry::default()
        .with_max_queue_size(128)
        .with_max_export_batch_size(16)
        .with_schedule_delay(Duration::from_millis(1));
    let telemetry = start(settings, gate.clone());
    leaf(1);
    gate.wait_for_a_batch();
    (0..10_000).for_each(leaf);
    // The collector may still take some away, until the exporter has no room for more.
    let mut queue = telemetry.health().queue;
    wait_until("a queue that is half full", || {
        (0..100).for_each(leaf);
        queue = telemetry.health().queue;
        queue.share() > 0.5
    });
    assert_eq!((queue.status, queue.capacity), (Status::Degraded, 128 * 512), "{queue:?}");
    assert!(
        queue.share() > 0.5 && queue.share() <= 1.0 && queue.spans > 0 && queue.bytes <= queue.capacity,
        "{queue:?}"
    );
    gate.open();
    telemetry.force_flush(PATIENCE).expect("in time");
    let health = telemetry.health();
    assert_eq!((health.queue.bytes, health.queue.spans), (0, 0));
    let reason = health.queue.reason.expect("spans were dropped");
    assert!(reason.starts_with("spans were dropped within the last minute: "), "{reason}");
    let dropped: u64 = health.pipeline.dropped.iter().map(|(_, count)| count).sum();
    assert_eq!(dropped, telemetry.stats().dropped());
    assert!(dropped > 0);
}

#[test]
fn warnings_and_disabled_telemetry_are_shown() {
    let _turn = turn();
    let mut settings = Telemetry::default();
    settings.warnings.push("`OTEL_LOG_LEVEL` is `loud`".into());
    settings.disabled = true;
    let telemetry = otelier::init(settings).expect("it starts");
    let health = telemetry.health();
    assert!(health.pipeline.disabled && telemetry.health_handle().is_ready());
    assert_eq!(health.status, Status::Degraded);
    assert_eq!(health.configuration.warnings, ["`OTEL_LOG_LEVEL` is `loud`"]);
    assert_eq!(health.queue.capacity, 0);
}
