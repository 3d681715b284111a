//! Starting a pipeline.

use crate::support::{PATIENCE, Recorder, expect, lock, one_thread, start, turn};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::{Error, Pipeline, Stats};
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

#[trace(app.number = number)]
fn leaf(number: usize) {}

#[trace(app.number = number)]
async fn step(number: usize) {
    tokio::task::yield_now().await;
    leaf(number);
}

#[test]
fn a_second_pipeline_is_refused_until_the_first_has_ended() {
    let recorder = Recorder::start();
    for _ in 0..2 {
        let error = otelier::init(Telemetry::default()).expect_err("one runs already");
        assert!(matches!(error, Error::AlreadyRunning));
        assert_eq!(
            error.to_string(),
            "telemetry is running already; shut its guard down before starting it again, or share one with \
             `otelier::init_once`"
        );
    }
    leaf(1);
    recorder.expect(&["leaf app.number=1"]);
}

#[test]
fn what_happens_between_two_pipelines_belongs_to_none() {
    let _turn = turn();
    let memory = MemoryExporter::new(10);
    for number in 1..=3 {
        let telemetry = start(Telemetry::default(), memory.clone());
        leaf(number);
        telemetry.shutdown().expect("in time");
        leaf(100);
    }
    expect(memory.spans(), &["leaf app.number=1", "leaf app.number=2", "leaf app.number=3"]);
}

#[test]
fn a_pipeline_may_be_started_again_many_times() {
    for number in 0..50 {
        let recorder = Recorder::start();
        leaf(number);
        recorder.expect(&[&format!("leaf app.number={number}")]);
    }
}

#[test]
fn settings_that_cannot_be_used_are_reported_all_at_once_and_leave_the_place_free() {
    let turn = turn();
    let settings = Telemetry::default()
        .with_max_queue_size(10)
        .with_max_export_batch_size(0)
        .with_schedule_delay(Duration::ZERO)
        .with_export_timeout(Duration::ZERO);
    let Err(Error::Config(error)) = otelier::init(settings) else { panic!("they cannot be used") };
    assert_eq!(
        error.problems(),
        ["the largest export batch is 0 spans; expected at least 1", "the export timeout is 0; expected at least 1 ms",]
    );
    let settings = Telemetry::default().with_max_queue_size(10).with_max_export_batch_size(11);
    assert!(matches!(otelier::init(settings), Err(Error::Config(_))));
    drop(turn);
    Recorder::start().expect(&[]);
}

#[derive(Debug)]
struct RefusesResources;

impl SpanExporter for RefusesResources {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }

    fn set_resource(&mut self, _resource: &Resource) {
        panic!("on purpose")
    }
}

#[test]
fn an_exporter_that_panics_when_it_is_made_leaves_the_place_free() {
    let turn = turn();
    let start = || Pipeline::new(Telemetry::default()).with_span_exporter(RefusesResources).start();
    assert!(catch_unwind(start).is_err());
    drop(turn);
    let recorder = Recorder::start();
    leaf(1);
    recorder.expect(&["leaf app.number=1"]);
}

#[test]
fn exporters_learn_of_the_resource() {
    #[derive(Debug)]
    struct Learns(Arc<Mutex<Vec<(String, String)>>>);
    impl SpanExporter for Learns {
        async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
            Ok(())
        }
        fn set_resource(&mut self, resource: &Resource) {
            lock(&self.0).extend(resource.iter().map(|(key, value)| (key.to_string(), value.to_string())));
        }
    }
    let _turn = turn();
    let learned = Arc::default();
    let settings = Telemetry::default()
        .with_service_name("lakehouse")
        .with_resource_attribute("deployment.environment.name", "test")
        .with_resource_attribute("deployment.environment.name", "production");
    drop(start(settings, Learns(Arc::clone(&learned))));
    let learned = lock(&learned);
    let of = |wanted: &str| learned.iter().filter(|(key, _)| key == wanted).map(|(_, value)| value).collect::<Vec<_>>();
    assert_eq!(of("service.name"), ["lakehouse"]);
    assert_eq!(of("deployment.environment.name"), ["production"]);
}

#[test]
fn disabled_telemetry_records_nothing_makes_no_exporter_and_still_holds_the_place() {
    let turn = turn();
    let mut settings = Telemetry::default();
    settings.disabled = true;
    let telemetry = start(settings.clone(), RefusesResources);
    leaf(1);
    one_thread().block_on(step(2));
    telemetry.force_flush(Duration::ZERO).expect("nothing to wait for");
    assert!(matches!(otelier::init(Telemetry::default()), Err(Error::AlreadyRunning)));
    assert_eq!(telemetry.shutdown().expect("nothing to wait for"), Stats::default());
    drop(turn);
    Recorder::with(settings).expect(&[]);
}

#[test]
fn a_pipeline_without_exporters_flushes_and_ends() {
    let _turn = turn();
    let telemetry = otelier::init(Telemetry::default()).expect("it starts");
    leaf(1);
    telemetry.force_flush(PATIENCE).expect("in time");
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!((stats.started, stats.open, stats.dropped()), (1, 0, 0));
}

#[test]
fn the_longest_durations_are_accepted_everywhere() {
    let settings = Telemetry::default()
        .with_schedule_delay(Duration::MAX)
        .with_export_timeout(Duration::MAX)
        .with_shutdown_timeout(Duration::MAX);
    let recorder = Recorder::with(settings);
    leaf(1);
    recorder.telemetry().force_flush(Duration::MAX).expect("in time");
    assert_eq!(recorder.so_far().len(), 1);
    leaf(2);
    recorder.expect(&["leaf app.number=1", "leaf app.number=2"]);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the system clock is what spans are compared with")]
fn times_are_those_of_the_system_clock() {
    const TOLERANCE: Duration = Duration::from_millis(100);
    let recorder = Recorder::start();
    let before = SystemTime::now() - TOLERANCE;
    trace_block!(name = "outer", {
        event!("told");
        leaf(1);
    });
    let after = SystemTime::now() + TOLERANCE;
    let spans = recorder.spans();
    let [inner, outer] = &spans[..] else { panic!("two spans") };
    let times =
        [before, outer.start_time, outer.events[0].timestamp, inner.start_time, inner.end_time, outer.end_time, after];
    assert!(times.is_sorted(), "{times:?}");
}
