//! Starting, flushing and ending a pipeline.

use crate::support::{Gate, PATIENCE, Recorder, lock, many_threads, one_thread, start, turn, wait_until};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::{Error, Guard, Pipeline, Stats};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[trace(app.number = number)]
fn leaf(number: usize) {}

#[trace(app.number = number)]
async fn step(number: usize) {
    tokio::task::yield_now().await;
    leaf(number);
}

// ---------------------------------------------------------------- starting

#[test]
fn a_second_pipeline_is_refused_until_the_first_has_ended() {
    let recorder = Recorder::start();
    for _ in 0..2 {
        let error = otelier::init(Telemetry::default()).expect_err("one runs already");
        assert!(matches!(error, Error::AlreadyRunning));
        assert_eq!(error.to_string(), "telemetry is running already; shut its guard down before starting it again");
    }
    leaf(1);
    recorder.expect(&["leaf app.number=1"]);
    leaf(2);
    let recorder = Recorder::start();
    leaf(3);
    recorder.expect(&["leaf app.number=3"]);
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
        [
            "the largest export batch is 0 spans; expected at least 1",
            "the schedule delay is 0; expected at least 1 ms",
            "the export timeout is 0; expected at least 1 ms",
        ]
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
    assert_eq!(telemetry.shutdown().expect("in time"), Stats::default());
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

// ---------------------------------------------------------------- flushing

#[test]
fn a_flush_exports_what_a_busy_thread_has_finished() {
    let recorder = Recorder::start();
    let (ready, go_on) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    let busy = std::thread::spawn(move || {
        trace_block!(name = "long", {
            leaf(1);
            ready.0.send(()).expect("the test listens");
            go_on.1.recv().expect("the test speaks");
        });
    });
    ready.1.recv_timeout(PATIENCE).expect("the thread runs");
    recorder.telemetry().force_flush(PATIENCE).expect("in time");
    let names: Vec<_> = recorder.so_far().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["leaf"]);
    go_on.0.send(()).expect("the thread listens");
    busy.join().expect("no panic");
    recorder.expect(&["long", "  leaf app.number=1"]);
}

#[test]
fn flushes_may_be_asked_for_by_many_threads_at_once() {
    let recorder = Recorder::start();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let telemetry = recorder.telemetry();
            scope.spawn(move || {
                for number in 0..20 {
                    leaf(20 * thread + number);
                    telemetry.force_flush(PATIENCE).expect("in time");
                }
            });
        }
    });
    assert_eq!(recorder.so_far().len(), 160);
    assert_eq!(recorder.spans().len(), 160);
}

#[test]
fn a_flush_that_takes_too_long_says_so_and_may_be_asked_for_again() {
    let _turn = turn();
    let gate = Gate::default();
    let telemetry = start(Telemetry::default(), gate.clone());
    leaf(1);
    let error = telemetry.force_flush(Duration::from_millis(20)).expect_err("the gate is closed");
    assert_eq!(error.after, Duration::from_millis(20));
    assert_eq!(error.to_string(), "the exporters did not take all spans within 20ms");
    assert_eq!(error.stats.exporters[0].exported, 0);
    gate.open();
    telemetry.force_flush(PATIENCE).expect("in time");
    assert_eq!(telemetry.stats().exporters[0].exported, 1);
    assert_eq!(telemetry.shutdown().expect("in time").exporters[0].exported, 1);
}

#[test]
fn spans_are_exported_on_schedule_without_being_asked_for() {
    let recorder = Recorder::with(Telemetry::default().with_schedule_delay(Duration::from_millis(20)));
    for number in 1..=3 {
        leaf(number);
        wait_until("the schedule", || recorder.so_far().len() == number);
    }
    assert_eq!(recorder.spans().len(), 3);
}

#[test]
fn a_full_batch_is_exported_before_the_schedule() {
    let recorder = Recorder::with(Telemetry::default().with_schedule_delay(Duration::from_secs(3600)));
    (0..5_000).for_each(leaf);
    wait_until("a full batch", || recorder.so_far().len() >= 512);
    assert_eq!(recorder.so_far().len() % 512, 0, "no batch but a full one");
    assert_eq!(recorder.spans().len(), 5_000);
}

// ---------------------------------------------------------------- ending

fn pipeline() -> (MemoryExporter, Guard) {
    let memory = MemoryExporter::new(100);
    let telemetry = start(Telemetry::default(), memory.clone());
    (memory, telemetry)
}

#[test]
fn a_guard_may_be_flushed_and_dropped_inside_of_a_one_thread_runtime() {
    let _turn = turn();
    one_thread().block_on(async {
        let (memory, telemetry) = pipeline();
        step(1).await;
        telemetry.force_flush(PATIENCE).expect("in time");
        assert_eq!(memory.spans().len(), 2);
        tokio::spawn(step(2)).await.expect("no panic");
        drop(telemetry);
        assert_eq!(memory.spans().len(), 4);
    });
}

#[test]
fn a_guard_may_be_shut_down_inside_of_a_runtime_and_on_another_thread() {
    let _turn = turn();
    for runtime in [one_thread(), many_threads()] {
        let (memory, telemetry) = pipeline();
        let stats = runtime.block_on(async {
            tokio::spawn(async move {
                step(1).await;
                telemetry.shutdown()
            })
            .await
        });
        assert_eq!(stats.expect("no panic").expect("in time").exporters[0].exported, 2);
        assert_eq!(memory.spans().len(), 2);
    }
    let (memory, telemetry) = pipeline();
    leaf(1);
    std::thread::spawn(|| drop(telemetry)).join().expect("no panic");
    assert_eq!(memory.spans().len(), 1);
}

#[test]
fn a_guard_that_is_dropped_by_a_panic_exports_what_is_left() {
    let _turn = turn();
    let memory = MemoryExporter::new(100);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _telemetry = start(Telemetry::default(), memory.clone());
        trace_block!(name = "around", {
            leaf(1);
            panic!("on purpose");
        })
    }));
    assert!(panicked.is_err());
    crate::support::expect(memory.spans(), &["around error.type=panic !panicked", "  leaf app.number=1"]);
    assert!(otelier::init(Telemetry::default()).is_ok());
}

#[test]
fn a_guard_that_is_dropped_inside_of_a_span_leaves_that_span_out() {
    let _turn = turn();
    let (memory, telemetry) = pipeline();
    trace_block!(name = "around", {
        leaf(1);
        drop(telemetry);
        leaf(2);
    });
    let names: Vec<_> = memory.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["leaf"]);
}

/// An exporter whose exports never end, without keeping their thread.
#[derive(Clone, Debug, Default)]
struct Pending(Arc<Mutex<usize>>);

impl SpanExporter for Pending {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        *lock(&self.0) += batch.len();
        std::future::pending().await
    }
}

#[test]
fn an_export_that_never_ends_is_given_up_at_the_deadline_of_the_shutdown() {
    let _turn = turn();
    let settings = Telemetry::default().with_shutdown_timeout(Duration::from_millis(200));
    let telemetry = start(settings, Pending::default());
    leaf(1);
    let begun = Instant::now();
    let stats = telemetry.shutdown().expect("the pipeline itself ends in time");
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!((stats.exporters[0].exported, stats.exporters[0].failed), (0, 1), "{stats}");
    assert!(stats.exporters[0].last_error.as_deref().is_some_and(|error| error.starts_with("the export took longer")));
}

#[test]
fn an_export_that_never_ends_and_began_before_the_shutdown_is_left_behind() {
    let _turn = turn();
    let pending = Pending::default();
    let settings = Telemetry::default()
        .with_schedule_delay(Duration::from_millis(1))
        .with_export_timeout(Duration::from_secs(1))
        .with_shutdown_timeout(Duration::from_millis(50));
    let telemetry = start(settings, pending.clone());
    leaf(1);
    wait_until("the export", || *lock(&pending.0) == 1);
    let error = telemetry.shutdown().expect_err("the export has longer than the shutdown");
    assert_eq!(error.after, Duration::from_millis(50));
    wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
}

#[test]
fn an_export_that_never_ends_is_given_up_at_its_own_timeout() {
    let _turn = turn();
    let settings = Telemetry::default().with_export_timeout(Duration::from_millis(20));
    let telemetry = start(settings, Pending::default());
    leaf(1);
    telemetry.force_flush(PATIENCE).expect("the export is given up in time");
    leaf(2);
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(stats.to_string(), "Pending: 0 exported, 2 failed: the export took longer than 20ms");
}

#[test]
fn an_exporter_that_keeps_its_thread_is_left_behind_at_the_deadline() {
    let _turn = turn();
    for in_drop in [false, true] {
        let gate = Gate::default();
        let settings = Telemetry::default().with_shutdown_timeout(Duration::from_millis(100));
        let telemetry = start(settings, gate.clone());
        leaf(1);
        let begun = Instant::now();
        if in_drop {
            drop(telemetry);
        } else {
            let error = telemetry.shutdown().expect_err("the exporter never returns");
            assert_eq!(error.after, Duration::from_millis(100));
        }
        assert!(begun.elapsed() < PATIENCE);
        assert!(matches!(otelier::init(Telemetry::default()), Err(Error::AlreadyRunning)), "the queue is still in use");
        leaf(2);
        gate.open();
        wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
        assert_eq!(gate.passed(), 1);
    }
}

#[test]
fn a_shutdown_without_any_time_ends_at_once() {
    let _turn = turn();
    let gate = Gate::default();
    let telemetry = start(Telemetry::default().with_shutdown_timeout(Duration::ZERO), gate.clone());
    leaf(1);
    assert_eq!(telemetry.shutdown().expect_err("there was no time").after, Duration::ZERO);
    gate.open();
    wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
}

/// An exporter that does what it is told when it is shut down.
#[derive(Clone, Debug)]
struct Ends(Arc<Mutex<usize>>, Option<&'static str>);

impl SpanExporter for Ends {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        assert!(timeout <= Duration::from_secs(5));
        *lock(&self.0) += 1;
        match self.1 {
            None => Ok(()),
            Some("panic") => panic!("on purpose"),
            Some(error) => Err(opentelemetry_sdk::error::OTelSdkError::InternalFailure(error.to_owned())),
        }
    }
}

#[test]
fn every_exporter_is_shut_down_once_whatever_the_others_do() {
    let _turn = turn();
    let ended: Arc<Mutex<usize>> = Arc::default();
    let ends = |error| Ends(Arc::clone(&ended), error);
    let telemetry = Pipeline::new(Telemetry::default())
        .with_span_exporter(ends(Some("the disk is gone")))
        .with_span_exporter(ends(Some("panic")))
        .with_span_exporter(ends(None))
        .start()
        .expect("it starts");
    leaf(1);
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(*lock(&ended), 3);
    assert!(stats.exporters.iter().all(|exporter| (exporter.exported, exporter.failed) == (1, 0)), "{stats}");
    let errors: Vec<_> = stats.exporters.into_iter().map(|exporter| exporter.last_error).collect();
    assert!(errors[0].as_deref().is_some_and(|error| error.contains("the disk is gone")), "{errors:?}");
    assert!(errors[1].as_deref().is_some_and(|error| error.contains("panicked")), "{errors:?}");
    assert_eq!(errors[2], None);
}

// ---------------------------------------------------------------- exporters

#[derive(Debug)]
struct Panics;

impl SpanExporter for Panics {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        panic!("on purpose")
    }
}

#[derive(Debug)]
struct Fails;

impl SpanExporter for Fails {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        Err(opentelemetry_sdk::error::OTelSdkError::InternalFailure(format!("{} spans refused", batch.len())))
    }
}

#[test]
fn exporters_that_panic_fail_or_hang_do_so_alone() {
    let _turn = turn();
    let memory = MemoryExporter::new(10);
    let telemetry = Pipeline::new(Telemetry::default().with_export_timeout(Duration::from_millis(50)))
        .with_span_exporter(Panics)
        .with_span_exporter(Fails)
        .with_span_exporter(Pending::default())
        .with_span_exporter(memory.clone())
        .start()
        .expect("it starts");
    for number in 1..=2 {
        leaf(number);
        telemetry.force_flush(PATIENCE).expect("in time");
    }
    let stats = telemetry.shutdown().expect("in time");
    let counts: Vec<_> =
        stats.exporters.iter().map(|exporter| (&*exporter.name, exporter.exported, exporter.failed)).collect();
    assert_eq!(counts, [("Panics", 0, 2), ("Fails", 0, 2), ("Pending", 0, 2), ("MemoryExporter", 2, 0)]);
    let errors: Vec<_> =
        stats.exporters.iter().map(|exporter| exporter.last_error.clone().unwrap_or_default()).collect();
    assert!(errors[0].contains("the exporter panicked"), "{errors:?}");
    assert!(errors[1].contains("1 spans refused"), "{errors:?}");
    assert_eq!(errors[2], "the export took longer than 50ms");
    assert_eq!(errors[3], "");
    assert_eq!(memory.spans().len(), 2);
}

#[derive(Clone, Debug, Default)]
struct Sizes(Arc<Mutex<Vec<usize>>>);

impl SpanExporter for Sizes {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        lock(&self.0).push(batch.len());
        Ok(())
    }
}

#[test]
fn batches_hold_at_most_what_is_asked() {
    let _turn = turn();
    for (largest, wanted) in [(100, &[100, 100, 50][..]), (250, &[250]), (251, &[250]), (1, &[1; 250])] {
        let sizes = Sizes::default();
        let telemetry = start(Telemetry::default().with_max_export_batch_size(largest), sizes.clone());
        (0..250).for_each(leaf);
        telemetry.shutdown().expect("in time");
        assert_eq!(*lock(&sizes.0), wanted);
    }
}

#[test]
fn the_memory_exporter_keeps_what_it_has_room_for_and_counts_the_rest() {
    let _turn = turn();
    let memory = MemoryExporter::new(3);
    let telemetry = start(Telemetry::default().with_max_export_batch_size(2), memory.clone());
    (0..7).for_each(leaf);
    telemetry.shutdown().expect("in time");
    assert_eq!((memory.spans().len(), memory.discarded()), (3, 4));
}
