//! What tests of users see of their spans, beside each other in one process.
//!
//! Every test runs on its own thread here, and none takes turns with another: that is what is tested.

use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanKind, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, global};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use otelier::config::{Sampler, TailSampling};
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::testing::{Capture, Captured, Sampling, capture, capture_async};
use otelier::{Error, Guard, Pipeline, Span};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, PoisonError, mpsc};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

#[trace(app.number = number)]
fn outer(number: u64) {
    inner(number);
}

#[trace(app.number = number)]
fn inner(number: u64) {
    event!("seen", app.number = number);
}

#[trace(app.number = number)]
async fn task(number: u64) {
    tokio::task::yield_now().await;
    inner(number);
}

#[trace]
async fn never() {
    inner(0);
    std::future::pending().await
}

#[trace]
fn fails() -> Result<(), std::num::ParseIntError> {
    "x".parse::<i32>().map(|_| ())
}

/// Starts a pipeline as soon as no other test has one.
fn pipeline(settings: Telemetry) -> (Guard, MemoryExporter) {
    let memory = MemoryExporter::new(1_000_000);
    let settings = settings.with_shutdown_timeout(PATIENCE);
    loop {
        match Pipeline::new(settings.clone()).with_span_exporter(memory.clone()).start() {
            Ok(guard) => return (guard, memory),
            Err(Error::AlreadyRunning) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => panic!("{error}"),
        }
    }
}

/// What a capture of `outer(number)` shows, and nothing else.
fn text(number: u64) -> String {
    format!("outer app.number={number}\n  inner app.number={number}\n    event seen app.number={number}")
}

fn message_of(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map(|text| (*text).to_owned()).unwrap_or_default(),
    }
}

fn failure(f: impl FnOnce()) -> String {
    message_of(catch_unwind(AssertUnwindSafe(f)).expect_err("the assertion fails"))
}

/// The header that the whole process agrees on, as an example from the specification would be.
const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Headers(HashMap<String, String>);

impl Headers {
    fn example(header: &str) -> Self {
        Self(HashMap::from([("traceparent".to_owned(), header.to_owned())]))
    }
}

impl Extractor for Headers {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

impl Injector for Headers {
    fn set(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }
}

#[test]
fn a_capture_sees_its_spans_and_gives_the_value() {
    let Captured { value, spans } = capture(|| {
        outer(1);
        "value"
    });
    assert_eq!(value, "value");
    spans.assert_tree(
        "
        outer app.number=1
          inner app.number=1
            event seen app.number=1
        ",
    );
    let span = spans.span("outer").has("app.number", 1).has_no("app.other").is_ok().is_root();
    span.is_kind(SpanKind::Internal).is_in_scope("otelier").has_children(["inner"]).has_no_event("seen");
    let inner = span.child("inner").has_event("seen");
    inner.event("seen").has("app.number", 1_u8).has_no("app.other");
    assert_eq!(inner.parent().map(|parent| parent.name()), Some("outer"));
    assert!(inner.duration() <= span.duration() && inner.event("seen").after() <= inner.duration());
    assert_eq!((spans.len(), spans.roots().count()), (2, 1));
    spans.has_no_span("other");
}

#[test]
fn nothing_leaks_between_captures_in_parallel_threads() {
    let barrier = Barrier::new(16);
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                for round in 0..50 {
                    let number = thread * 1000 + round;
                    assert_eq!(capture(|| outer(number)).text(), text(number));
                    // Not of anybody.
                    outer(999_999);
                }
            });
        }
    });
}

#[test]
fn a_pipeline_that_comes_and_goes_loses_nothing_and_stops_nobody() {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let captures: Vec<_> = (0..8_u64)
            .map(|thread| {
                scope.spawn(move || {
                    for round in 0..200 {
                        let number = thread * 1000 + round;
                        assert_eq!(capture(|| outer(number)).text(), text(number));
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let (telemetry, memory) = pipeline(Telemetry::default());
                outer(5_000_000);
                telemetry.shutdown().expect("in time");
                let mine = memory.spans().into_iter().filter(|span| {
                    span.attributes.iter().any(|attribute| attribute.value == opentelemetry::Value::I64(5_000_000))
                });
                assert_eq!(mine.count(), 2);
            }
        });
        let results: Vec<_> = captures.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        results.into_iter().for_each(|result| result.expect("every capture is whole"));
    });
}

#[test]
fn a_pipeline_that_starts_and_ends_inside_of_a_capture_changes_nothing_for_it() {
    let capture = Capture::start();
    let open = Span::start("open all the time");
    outer(7_100_001);
    let (telemetry, memory) = pipeline(Telemetry::default());
    open.in_scope(|| inner(7_100_002));
    outer(7_100_003);
    telemetry.shutdown().expect("in time");
    inner(7_100_004);
    drop(open);
    let spans = capture.finish();
    let numbers: Vec<_> = spans.named("inner").filter_map(|span| span.attribute("app.number")).cloned().collect();
    assert_eq!((spans.len(), numbers.len()), (7, 4), "{}", spans.text());
    spans.span("open all the time").has_children(["inner"]).child("inner").has("app.number", 7_100_002);
    let exported = |number: i64| {
        let is = |span: &opentelemetry_sdk::trace::SpanData| {
            span.attributes.iter().any(|attribute| attribute.value == opentelemetry::Value::I64(number))
        };
        memory.spans().into_iter().filter(is).count()
    };
    assert_eq!([7_100_001, 7_100_002, 7_100_003, 7_100_004].map(exported), [0, 1, 2, 0]);
}

#[test]
fn a_snapshot_is_read_from_the_file_of_the_package() {
    let spans = capture(|| outer(1));
    spans.assert_snapshot("outer");
}

#[test]
fn tasks_of_many_captures_on_one_runtime_are_told_apart() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().expect("a runtime");
    let captures: Vec<_> = (0..32_u64)
        .map(|number| {
            runtime.spawn(async move {
                let spans = capture_async(async move {
                    task(number).await;
                    let handed_on = tokio::spawn(otelier::in_current_context(task(number + 100)));
                    let nested = tokio::spawn(otelier::in_current_context(async move {
                        tokio::spawn(otelier::in_current_context(task(number + 200))).await
                    }));
                    handed_on.await.expect("it ends");
                    nested.await.expect("it ends").expect("it ends");
                    // Nothing was handed on.
                    tokio::spawn(task(number + 300)).await.expect("it ends");
                })
                .await;
                for wanted in [number, number + 100, number + 200] {
                    let found = spans.find(|span| span.attribute("app.number") == Some(&(wanted as i64).into()));
                    found.expect("the task was seen").has_children(["inner"]);
                }
                assert_eq!(spans.len(), 6, "{}", spans.text());
            })
        })
        .collect();
    runtime.block_on(async {
        for capture in captures {
            capture.await.expect("the capture is whole");
        }
    });
}

#[test]
fn threads_see_what_is_handed_on_and_only_that() {
    let spans = capture(|| {
        trace_block!(name = "whole", {
            otelier::spawn_thread(|| outer(1)).join().expect("it ends");
            std::thread::spawn(|| outer(2)).join().expect("it ends");
            std::thread::scope(|scope| {
                scope.spawn(otelier::with_current_context(|| inner(3)));
            });
        });
        // Without a span around it, the capture alone is handed on.
        otelier::spawn_thread(|| inner(4)).join().expect("it ends");
    });
    spans.assert_tree(
        "
        whole
          outer app.number=1
            inner app.number=1
              event seen app.number=1
          inner app.number=3
            event seen app.number=3
        inner app.number=4
          event seen app.number=4
        ",
    );
}

#[test]
fn traces_that_begin_anew_belong_to_the_capture() {
    let spans = capture(|| {
        let root = Span::builder("root").root().start();
        root.in_scope(|| {
            inner(1);
            // The context of a root was made from nothing, so only the trace says whose it is.
            let deeper = Span::builder("deeper").root().start();
            let context = deeper.context().clone();
            std::thread::spawn(move || {
                let _attached = context.attach();
                inner(2);
                Span::builder("deepest").root().start().end();
            })
            .join()
            .expect("it ends");
        });
        let _nothing = Context::new().attach();
        outer(3);
    });
    // The root ends last, so all of them went on at the same time.
    spans.assert_tree(
        "
        deeper
          inner app.number=2
            event seen app.number=2
        deepest
        outer app.number=3
          inner app.number=3
            event seen app.number=3
        root
          inner app.number=1
            event seen app.number=1
        ",
    );
}

#[test]
fn two_captures_that_continue_one_remote_trace_see_their_own_spans() {
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for number in 0..4 {
            let barrier = &barrier;
            scope.spawn(move || {
                let spans = capture(|| {
                    barrier.wait();
                    let parent = TraceContextPropagator::new().extract(&Headers::example(HEADER));
                    let _attached = parent.attach();
                    outer(number);
                    otelier::spawn_thread(move || inner(number)).join().expect("it ends");
                    barrier.wait();
                });
                spans.assert_tree(&format!(
                    "
                    outer [remote parent] app.number={number}
                      inner app.number={number}
                        event seen app.number={number}
                    inner [remote parent] app.number={number}
                      event seen app.number={number}
                    "
                ));
                barrier.wait();
                // Of the same trace, and of nobody.
                let parent = TraceContextPropagator::new().extract(&Headers::example(HEADER));
                let _attached = parent.attach();
                outer(number);
            });
        }
    });
}

#[test]
fn a_parent_that_was_not_sampled_is_no_reason_to_see_nothing() {
    let unsampled = HEADER.replace("-01", "-00");
    let spans = capture(|| {
        let _attached = TraceContextPropagator::new().extract(&Headers::example(&unsampled)).attach();
        outer(1);
    });
    assert_eq!(spans.len(), 2);
    let spans = Capture::builder().with_sampling(Sampling::AsConfigured).capture(|| {
        let _attached = TraceContextPropagator::new().extract(&Headers::example(&unsampled)).attach();
        outer(1);
    });
    assert!(spans.is_empty(), "{}", spans.text());
}

#[test]
fn a_server_of_the_same_process_is_seen_by_whoever_calls_it() {
    // Started outside of every capture, and nothing but the header tells it whose request it works on.
    let (requests, queue) = mpsc::channel::<(Headers, u64, mpsc::Sender<()>)>();
    let server = std::thread::spawn(move || {
        for (headers, number, answer) in queue {
            let context = TraceContextPropagator::new().extract(&headers);
            let attached = context.attach();
            outer(number);
            drop(attached);
            answer.send(()).expect("somebody waits");
        }
    });
    std::thread::scope(|scope| {
        for number in 0..8 {
            let requests = requests.clone();
            scope.spawn(move || {
                // Traces of the capture's own, and one that all of them continue.
                for context in [Context::new(), TraceContextPropagator::new().extract(&Headers::example(HEADER))] {
                    let spans = capture(|| {
                        let call = Span::builder("call").parent(&context).start();
                        let mut headers = Headers(HashMap::new());
                        TraceContextPropagator::new().inject_context(call.context(), &mut headers);
                        let (answer, answered) = mpsc::channel();
                        requests.send((headers, number, answer)).expect("the server runs");
                        answered.recv().expect("it answers");
                    });
                    spans.span("call").child("outer").has("app.number", number).child("inner");
                    assert_eq!(spans.len(), 3, "{}", spans.text());
                }
            });
        }
    });
    drop(requests);
    server.join().expect("it ends");
}

#[test]
fn a_span_around_the_capture_stays_the_parent_and_out_of_sight() {
    let (telemetry, memory) = pipeline(Telemetry::default());
    trace_block!(name = "the test", {
        trace_block!(name = "a lazy one", {
            inner(70);
            let first = capture(|| outer(71));
            let second = capture(|| {
                std::thread::scope(|scope| {
                    scope.spawn(otelier::with_current_context(|| outer(72)));
                })
            });
            assert_eq!((first.text(), second.text()), (text(71), text(72)));
            first.span("outer").is_root();
            inner(73);
        });
    });
    telemetry.shutdown().expect("in time");
    let spans = memory.spans();
    let lazy = spans.iter().find(|span| span.name == "a lazy one").expect("it was exported").span_context.clone();
    let numbers = |name: &str| {
        let of =
            |span: &&opentelemetry_sdk::trace::SpanData| span.name == name && span.parent_span_id == lazy.span_id();
        spans.iter().filter(of).count()
    };
    assert_eq!((numbers("inner"), numbers("outer")), (2, 2));
}

#[test]
fn captures_inside_of_captures_are_seen_by_both() {
    let outside = capture(|| {
        inner(1);
        let inside = capture(|| outer(2));
        assert_eq!(inside.text(), text(2));
        inner(3);
    });
    outside.assert_tree(
        "
        inner app.number=1
          event seen app.number=1
        outer app.number=2
          inner app.number=2
            event seen app.number=2
        inner app.number=3
          event seen app.number=3
        ",
    );
}

#[test]
fn what_the_pipeline_does_not_sample_is_captured_all_the_same() {
    let (telemetry, memory) = pipeline(Telemetry::default().with_sampler(Sampler::AlwaysOff));
    outer(7_000_080);
    assert_eq!(capture(|| outer(7_000_081)).text(), text(7_000_081));
    let asked = Capture::builder().with_sampling(Sampling::AsConfigured).capture(|| outer(7_000_082));
    assert!(asked.is_empty(), "{}", asked.text());
    outer(7_000_083);
    telemetry.shutdown().expect("in time");
    let numbers = |wanted: i64| {
        let is = |span: &&opentelemetry_sdk::trace::SpanData| {
            span.attributes.iter().any(|attribute| attribute.value == opentelemetry::Value::I64(wanted))
        };
        memory.spans().iter().filter(is).count()
    };
    assert_eq!([7_000_080, 7_000_081, 7_000_082, 7_000_083].map(numbers), [0, 2, 0, 0]);
}

/// A hint leaves nothing to chance: `never` holds in a test as it does elsewhere, and a share is all.
#[test]
fn a_sampling_hint_of_never_holds_in_a_capture_and_a_ratio_is_not_left_to_chance() {
    #[trace(sample = never)]
    fn health() {
        trace_block!(name = "inside", {});
    }
    #[trace(sample = 0.0)]
    fn rare() {}
    #[trace(root, sample = 0.5)]
    fn half() {}
    assert!(capture(health).is_empty());
    for _ in 0..8 {
        let spans = capture(|| {
            rare();
            half();
        });
        assert_eq!(spans.text(), "rare\nhalf");
    }
    let asked = Capture::builder().with_sampling(Sampling::AsConfigured).capture(rare);
    assert!(asked.is_empty(), "{}", asked.text());
}

#[test]
fn tail_sampling_forgets_nothing_of_a_capture() {
    let nothing = TailSampling::failed();
    let (telemetry, memory) = pipeline(Telemetry::default().with_tail_sampling(nothing));
    outer(7_000_090);
    assert_eq!(capture(|| outer(7_000_091)).text(), text(7_000_091));
    trace_block!(name = "held back", {
        assert_eq!(capture(|| outer(7_000_092)).text(), text(7_000_092));
    });
    outer(7_000_093);
    telemetry.shutdown().expect("in time");
    let numbers = |wanted: i64| {
        let is = |span: &&opentelemetry_sdk::trace::SpanData| {
            span.attributes.iter().any(|attribute| attribute.value == opentelemetry::Value::I64(wanted))
        };
        memory.spans().iter().filter(is).count()
    };
    assert_eq!([7_000_090, 7_000_093].map(numbers), [0, 0]);
}

#[test]
fn a_slow_exporter_neither_delays_a_capture_nor_costs_it_spans() {
    use opentelemetry_sdk::trace::{SpanData, SpanExporter};

    #[derive(Clone, Debug, Default)]
    struct Slow(Arc<AtomicBool>);

    impl SpanExporter for Slow {
        async fn export(&self, _: Vec<SpanData>) -> opentelemetry_sdk::error::OTelSdkResult {
            while !self.0.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        }
    }

    let open = Arc::new(AtomicBool::new(false));
    let slow = Slow(Arc::clone(&open));
    let mut settings = Telemetry::default().with_shutdown_timeout(PATIENCE);
    settings.batch.max_queue_size = 64;
    settings.batch.max_export_batch_size = 16;
    let telemetry = loop {
        match Pipeline::new(settings.clone()).with_span_exporter(slow.clone()).start() {
            Ok(telemetry) => break telemetry,
            Err(Error::AlreadyRunning) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => panic!("{error}"),
        }
    };
    let spans = capture(|| (0..20_000).for_each(inner));
    assert_eq!(spans.len(), 20_000);
    open.store(true, Ordering::Relaxed);
    telemetry.shutdown().expect("in time");
}

#[test]
fn a_panic_leaves_the_spans_readable_and_nothing_behind() {
    let capture_of_panic = Capture::start();
    let panicked = catch_unwind(|| trace_block!(name = "divide", { panic!("by zero") }));
    assert!(panicked.is_err());
    let spans = capture_of_panic.finish();
    spans.span("divide").failed_with("panic");
    assert_eq!(spans.len(), 1);

    // The closure form unwinds, and the next capture on the thread begins from nothing.
    assert!(catch_unwind(|| capture(|| trace_block!(name = "lost", { panic!("again") }))).is_err());
    assert_eq!(capture(|| outer(1)).text(), text(1));
    let after = Capture::start();
    assert!(after.finish().is_empty());
}

#[test]
fn futures_that_are_dropped_unready_are_seen_as_cancelled() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let spans = runtime.block_on(capture_async(async {
        let _ = tokio::time::timeout(Duration::from_millis(5), never()).await;
    }));
    spans.span("never").has("otelier.cancelled", true).child("inner");
    // A capture that is itself dropped leaves nothing behind.
    runtime.block_on(async {
        let _ = tokio::time::timeout(Duration::from_millis(5), capture_async(never())).await;
    });
    assert_eq!(capture(|| outer(1)).text(), text(1));
}

#[test]
fn what_ends_later_can_be_waited_for() {
    let capture = Capture::start();
    assert!(capture.spans().is_empty());
    let (go, wait) = mpsc::channel::<()>();
    let thread = otelier::spawn_thread(move || {
        let _ = wait.recv_timeout(PATIENCE);
        outer(1);
    });
    go.send(()).expect("it waits");
    let spans = capture.wait_for(PATIENCE, |spans| spans.named("outer").count() == 1);
    assert_eq!(spans.text(), text(1));
    let message = failure(|| _ = capture.wait_for(Duration::ZERO, |spans| spans.len() > 2));
    assert!(message.contains("within 0ns") && message.contains("outer app.number=1"), "{message}");
    thread.join().expect("it ends");
    assert_eq!(capture.finish().text(), text(1));
}

#[test]
fn spans_of_opentelemetry_and_headers_work_as_after_init() {
    let spans = capture(|| {
        trace_block!(name = "ours", {
            global::tracer("theirs").in_span("in between", |_| inner(1));
            otelier::bridge::TracerProvider::new().tracer("mine").in_span("by hand", |context| {
                assert!(context.span().span_context().is_sampled());
            });
            let mut headers = Headers(HashMap::new());
            global::get_text_map_propagator(|propagator| propagator.inject(&mut headers));
            assert!(headers.get("traceparent").is_some_and(|header| header.ends_with("-03")));
        });
    });
    spans.span("ours").has_children(["in between", "by hand"]);
    spans.span("in between").is_in_scope("theirs").child("inner");
    spans.span("by hand").is_in_scope("mine");
}

#[test]
fn links_are_shown_by_name_and_events_kinds_and_statuses_as_documented() {
    let spans = capture(|| {
        let first = Span::start("import\nfirst");
        let second = Span::builder("second").kind(otelier::schema::Kind::Producer).start();
        second.add_link(&first.span_context(), [opentelemetry::KeyValue::new("app.reason", "retry")]);
        let parent = TraceContextPropagator::new().extract(&Headers::example(HEADER));
        second.add_link(parent.span().span_context(), []);
        second.set_status(opentelemetry::trace::Status::Ok);
        second.set_attribute("app.zip", "00420");
        second.set_attribute("app.text", "two words");
        second.set_attribute("app.list", vec![1.0, 2.5]);
        second.set_attribute("app.plain", "plain");
        second.set_attribute("app.empty", "");
        drop(second);
        drop(first);
        let _ = fails();
    });
    let fails = "core::num::error::ParseIntError";
    spans.redacted("error.type").assert_tree(
        r#"
        import\nfirst
        second [producer] ✓ app.empty="" app.list=[1.0,2.5] app.plain=plain app.text="two words" app.zip="00420"
          link import\nfirst app.reason=retry
          link elsewhere
        fails ✗ error.type=<redacted>
        "#,
    );
    assert!(spans.span("fails").attribute("error.type").is_some_and(|found| found.to_string() == fails));
    let errors = spans.without("error.type").without("exception.type").with_errors().text();
    let message = "invalid digit found in string";
    let expected = format!("fails ✗ {message:?}\n  event exception exception.message={message:?}");
    assert!(errors.ends_with(&expected), "{errors}");
    spans.span("second").links_to("import\nfirst");
}

#[test]
fn ids_and_times_are_numbers_on_request() {
    let spans = capture(|| {
        outer(1);
        inner(2);
    });
    spans.without("app.*").with_ids().with_times().assert_tree(
        "
        outer (trace 1, span 1) @0..4
          inner (trace 1, span 2) @1..3
            event seen @2
        inner (trace 2, span 3) @5..7
          event seen @6
        ",
    );
}

#[test]
fn tasks_that_run_at_the_same_time_have_the_same_text_in_every_run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().expect("a runtime");
    for _ in 0..50 {
        let barrier = Arc::new(Barrier::new(4));
        let spans = runtime.block_on(capture_async(async move {
            let tasks: Vec<_> = (0..4)
                .map(|number| {
                    let barrier = Arc::clone(&barrier);
                    tokio::spawn(otelier::in_current_context(async move {
                        trace_block!(name = "part", app.number = number, { barrier.wait() });
                    }))
                })
                .collect();
            for task in tasks {
                task.await.expect("it ends");
            }
        }));
        spans.assert_tree("part app.number=0\npart app.number=1\npart app.number=2\npart app.number=3");
    }
}

#[test]
fn a_failed_assertion_shows_all_spans_and_marks_the_one() {
    let spans = capture(|| {
        outer(1);
        let _ = fails();
    });
    let span = spans.span("inner");
    let tree = "\n\n  outer app.number=1\n>   inner app.number=1\n      event seen app.number=1\n  fails ✗";
    for (fails, expected) in [
        (failure(|| _ = span.has("app.number", 2)), "span `inner`: `app.number` is 1 (int), not 2 (int)"),
        (failure(|| _ = span.has("app.number", "1")), "span `inner`: `app.number` is 1 (int), not \"1\" (string)"),
        (failure(|| _ = span.has("app.number", 1.0)), "span `inner`: `app.number` is 1 (int), not 1.0 (double)"),
        (failure(|| _ = span.has("app.number", None::<i64>)), "span `inner`: `app.number` is 1 (int), not absent"),
        (
            failure(|| _ = span.has("app.nmber", 1)),
            "span `inner`: there is no attribute `app.nmber`, which should be 1 (int); there is `app.number`",
        ),
        (failure(|| _ = span.has_key("app.x")), "span `inner`: there is no attribute `app.x`"),
        (failure(|| _ = span.has_no("app.number")), "span `inner`: there is an attribute `app.number`"),
        (failure(|| _ = span.is_error()), "span `inner`: the status is not an error"),
        (failure(|| _ = span.child("x")), "span `inner`: no children named `x`, not one"),
        (failure(|| _ = span.has_children(["x"])), "span `inner`: the children are [], not [\"x\"]"),
        (failure(|| _ = span.event("x")), "span `inner`: no events named `x`, not one"),
        (
            failure(|| _ = span.event("seen").has("app.number", true)),
            "span `inner`: event `seen`: `app.number` is 1 (int), not true (boolean)",
        ),
        (failure(|| _ = span.is_root()), "span `inner`: it has a parent"),
        (failure(|| _ = span.is_kind(SpanKind::Client)), "span `inner`: the kind is internal, not client"),
        (failure(|| _ = span.is_in_scope("x")), "span `inner`: the scope is `otelier`, not `x`"),
        (failure(|| _ = span.links_to("x")), "span `inner`: there is no link to a span `x`"),
        (failure(|| _ = spans.has_no_span("inner")), "there is a span named `inner`"),
    ] {
        assert!(fails.starts_with(&format!("{expected}{tree}")), "{fails}");
    }
    let none = failure(|| _ = spans.span("x"));
    assert!(none.starts_with("no spans named `x`, not one\n\n  outer"), "{none}");
    let nothing = failure(|| _ = capture(|| ()).span("x"));
    assert_eq!(nothing, "no spans named `x`, not one\n\nthere are no spans\n");
    let several = capture(|| (0..2).for_each(inner));
    let several = failure(|| _ = several.span("inner"));
    assert!(several.starts_with("2 spans named `inner`, not one\n\n> inner app.number=0"), "{several}");
    let difference = failure(|| spans.assert_tree("outer app.number=1\n  inner app.number=2"));
    assert!(difference.contains("-   inner app.number=2\n+   inner app.number=1\n"), "{difference}");
}

#[test]
fn a_failed_assertion_is_reported_at_the_line_that_asserts() {
    static PLACE: Mutex<Option<(std::thread::ThreadId, u32)>> = Mutex::new(None);
    let spans = capture(|| inner(1));
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let line = info.location().filter(|place| place.file().ends_with("testing.rs")).map(std::panic::Location::line);
        let mut place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = line.filter(|_| place.is_none()) {
            *place = Some((std::thread::current().id(), line));
        }
        drop(place);
        before(info);
    }));
    let mine = std::thread::current().id();
    for _ in 0..100 {
        *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let line = line!() + 1;
        failure(|| _ = spans.span("inner").has("app.number", 2));
        let place = *PLACE.lock().unwrap_or_else(PoisonError::into_inner);
        // Another test may have panicked first.
        if let Some((thread, at)) = place
            && thread == mine
        {
            assert_eq!(at, line);
            return;
        }
    }
    panic!("the place was never seen");
}

/// Both orders; most tests run so, with nobody who looks at their spans.
#[test]
#[trace_test]
fn test_cases_stand_below_the_attribute() {}

#[trace_test]
#[test]
fn test_cases_stand_above_the_attribute() {}
