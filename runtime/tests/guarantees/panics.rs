//! Spans of functions that panic, and of what runs while they unwind.

use crate::support::{Recorder, expect, many_threads, named, one_thread, tree};
use opentelemetry::Value;
use opentelemetry_sdk::trace::SpanData;
use otelier::prelude::*;
use otelier::{Pipeline, Span};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::process::Command;

const EXCEPTION: &str = "  * exception exception.type=panic exception.message=on purpose";

#[trace]
fn cleans_up() -> Result<u8, ()> {
    Ok(1)
}

#[trace]
async fn cleans_up_later() {
    tokio::task::yield_now().await;
}

struct CleansUp;

impl Drop for CleansUp {
    fn drop(&mut self) {
        let _ = cleans_up();
        one_thread().block_on(cleans_up_later());
    }
}

#[trace]
fn panics() {
    let _clean = CleansUp;
    trace_block!(name = "inside", { panic!("on purpose") });
}

#[test]
fn what_runs_while_unwinding_has_not_panicked() {
    let recorder = Recorder::start();
    assert!(catch_unwind(panics).is_err());
    recorder.expect(&[
        "panics error.type=panic !panicked",
        "  inside error.type=panic !panicked",
        "    * exception exception.type=panic exception.message=on purpose",
        "  cleans_up",
        "  cleans_up_later",
    ]);
}

struct PanicsInside;

impl Drop for PanicsInside {
    fn drop(&mut self) {
        trace_block!(name = "drops", {
            assert!(catch_unwind(|| trace_block!(name = "caught", { panic!("the second, on purpose") })).is_err());
        });
    }
}

#[trace]
fn panics_and_catches() {
    let _inside = PanicsInside;
    panic!("the first, on purpose")
}

#[test]
fn a_caught_panic_does_not_mark_the_spans_around_it() {
    let recorder = Recorder::start();
    trace_block!(name = "catches", {
        assert!(catch_unwind(panics).is_err());
    });
    let spans = recorder.spans();
    assert!(tree(spans).starts_with("catches\n  panics error.type=panic !panicked\n"));
}

#[test]
fn a_panic_that_ends_inside_a_drop_while_unwinding_is_told_from_the_outer_one() {
    let recorder = Recorder::start();
    assert!(catch_unwind(panics_and_catches).is_err());
    let text = tree(recorder.spans());
    // A thread that panics already cannot say whether it panics once more, so `caught` is not marked.
    assert_eq!(
        text,
        "panics_and_catches error.type=panic !panicked\n  * exception exception.type=panic \
         exception.message=the first, on purpose\n  drops\n    caught"
    );
}

#[trace]
async fn panics_later(steps: u8) {
    for _ in 0..steps {
        tokio::task::yield_now().await;
    }
    panic!("on purpose")
}

#[test]
fn a_panicking_task_ends_its_span_once() {
    let recorder = Recorder::start();
    many_threads().block_on(async {
        let error = tokio::spawn(panics_later(3)).await.expect_err("it panics");
        assert!(error.is_panic());
    });
    recorder.expect(&["panics_later error.type=panic !panicked", EXCEPTION]);
}

#[test]
fn a_future_that_panicked_and_is_dropped_much_later_has_one_span() {
    let recorder = Recorder::start();
    let mut future = Box::pin(panics_later(0));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))).is_err());
    trace_block!(name = "between", {});
    drop(future);
    recorder.expect(&["panics_later error.type=panic !panicked", EXCEPTION, "between"]);
}

#[trace]
fn panics_with(f: impl FnOnce()) {
    f();
}

#[trace]
fn is_outside(f: impl FnOnce()) {
    panics_with(f);
}

/// Runs `f` inside of two spans, and gives back what the outer one passed on.
fn caught(f: impl FnOnce()) -> Box<dyn std::any::Any + Send> {
    catch_unwind(AssertUnwindSafe(|| is_outside(f))).expect_err("it panics")
}

fn exception<'a>(span: &'a SpanData, key: &str) -> Option<&'a Value> {
    let attributes = span.events.events.iter().flat_map(|event| &event.attributes);
    attributes.filter(|attribute| attribute.key.as_str() == key).map(|attribute| &attribute.value).next()
}

#[test]
fn the_innermost_span_has_the_message_and_those_further_out_have_the_status() {
    let recorder = Recorder::start();
    caught(|| panic!("a text"));
    caught(|| panic!("number {}", 7));
    caught(|| panic_any(7));
    caught(|| panic!("{}", "long ".repeat(1000)));
    let spans = recorder.spans();
    let long = "long ".repeat(205);
    let messages = ["a text", "number 7", "Box<dyn Any>", &long[..1024]];
    let lines: Vec<String> = messages
        .iter()
        .flat_map(|message| {
            [
                "is_outside error.type=panic !panicked".to_owned(),
                "  panics_with error.type=panic !panicked".to_owned(),
                format!("    * exception exception.type=panic exception.message={message}"),
            ]
        })
        .collect();
    expect(spans, &lines.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn the_place_of_a_panic_is_recorded() {
    let recorder = Recorder::start();
    let line = i64::from(line!()) + 1;
    caught(|| panic!("here"));
    let spans = recorder.spans();
    let span = named(&spans, "panics_with");
    assert_eq!(exception(span, "code.line.number"), Some(&Value::I64(line)));
    let file = exception(span, "code.file.path").expect("a file").to_string();
    assert!(file.ends_with("panics.rs"), "{file}");
}

#[test]
fn a_panic_that_was_moved_calls_no_hook_and_has_no_message() {
    let recorder = Recorder::start();
    let payload = std::thread::spawn(|| panic!("elsewhere")).join().expect_err("it panics");
    caught(|| resume_unwind(payload));
    recorder.expect(&["is_outside error.type=panic !panicked", "  panics_with error.type=panic !panicked"]);
}

#[test]
fn a_panic_that_was_caught_leaves_nothing_for_the_next_one() {
    let recorder = Recorder::start();
    // Without a span; inside of one that ends well; inside of one whose child ends by a panic without a message.
    assert!(catch_unwind(|| panic!("the first")).is_err());
    caught(|| resume_unwind(Box::new(())));
    trace_block!(name = "ends well", { assert!(catch_unwind(|| panic!("the second")).is_err()) });
    caught(|| resume_unwind(Box::new(())));
    let outer = catch_unwind(|| {
        trace_block!(name = "outer", {
            assert!(catch_unwind(|| panic!("the third")).is_err());
            trace_block!(name = "inner", { resume_unwind(Box::new(())) });
        })
    });
    assert!(outer.is_err());
    let again = catch_unwind(|| {
        trace_block!(name = "again", {
            assert!(catch_unwind(|| panic!("the fourth")).is_err());
            trace_block!(name = "inner again", { panic!("the fifth") });
        })
    });
    assert!(again.is_err());
    let last = catch_unwind(|| {
        trace_block!(name = "last", {
            assert!(catch_unwind(|| panic!("the sixth")).is_err());
            panic!("the seventh")
        })
    });
    assert!(last.is_err());
    recorder.expect(&[
        "is_outside error.type=panic !panicked",
        "  panics_with error.type=panic !panicked",
        "ends well",
        "is_outside error.type=panic !panicked",
        "  panics_with error.type=panic !panicked",
        "outer error.type=panic !panicked",
        "  inner error.type=panic !panicked",
        "again error.type=panic !panicked",
        "  inner again error.type=panic !panicked",
        "    * exception exception.type=panic exception.message=the fifth",
        "last error.type=panic !panicked",
        "  * exception exception.type=panic exception.message=the seventh",
    ]);
}

#[test]
fn many_panics_that_are_caught_while_another_unwinds_do_not_hide_it() {
    struct Many;
    impl Drop for Many {
        fn drop(&mut self) {
            for _ in 0..3 {
                trace_block!(name = "drops", { assert!(catch_unwind(|| panic!("one of many")).is_err()) });
            }
        }
    }
    let recorder = Recorder::start();
    caught(|| {
        let _many = Many;
        panic!("the one that counts")
    });
    let spans = recorder.spans();
    let message = exception(named(&spans, "panics_with"), "exception.message").map(ToString::to_string);
    assert_eq!(message.as_deref(), Some("the one that counts"));
    assert!(spans.iter().filter(|span| span.name == "drops").all(|span| span.events.events.is_empty()));
}

#[test]
fn spans_by_hand_have_the_message_too() {
    let recorder = Recorder::start();
    let span = Span::start("by hand");
    assert!(catch_unwind(AssertUnwindSafe(|| span.in_scope(|| panic!("on purpose")))).is_err());
    drop(span);
    recorder.expect(&["by hand error.type=panic !panicked", EXCEPTION]);
}

#[test]
fn spans_of_other_kinds_and_of_the_first_function_have_the_message_too() {
    let recorder = Recorder::start();
    assert!(catch_unwind(|| trace_block!(name = "client", kind = client, { panic!("on purpose") })).is_err());
    assert!(catch_unwind(|| trace_block!(name = "first", { panic!("on purpose") })).is_err());
    recorder.expect(&[
        "client [client] error.type=panic !panicked",
        EXCEPTION,
        "first error.type=panic !panicked",
        EXCEPTION,
    ]);
}

#[trace]
async fn fails_inside() {
    let inner = async { trace_block!(name = "inside", { panic!("on purpose") }) };
    tokio::task::yield_now().await;
    inner.await;
}

#[test]
fn a_panic_inside_of_a_future_is_told_by_the_span_that_it_ends_first() {
    let recorder = Recorder::start();
    assert!(catch_unwind(AssertUnwindSafe(|| one_thread().block_on(fails_inside()))).is_err());
    recorder.expect(&[
        "fails_inside error.type=panic !panicked",
        "  inside error.type=panic !panicked",
        "    * exception exception.type=panic exception.message=on purpose",
    ]);
}

#[test]
fn without_panic_messages_spans_have_the_status_alone() {
    let recorder = Recorder::with(Telemetry::default().with_panic_messages(false));
    caught(|| panic!("a secret"));
    recorder.expect(&["is_outside error.type=panic !panicked", "  panics_with error.type=panic !panicked"]);
}

#[test]
fn the_hook_that_was_there_before_is_called_and_a_hook_set_later_stays() {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let recorder = Recorder::start();
    let ours = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        CALLS.fetch_add(1, Relaxed);
        ours(info);
    }));
    caught(|| panic!("on purpose"));
    // Another pipeline puts no second hook in front.
    drop(recorder.spans());
    let recorder = Recorder::start();
    let before = CALLS.load(Relaxed);
    caught(|| panic!("on purpose"));
    assert!(before >= 1 && CALLS.load(Relaxed) > before);
    let spans = recorder.spans();
    assert_eq!(named(&spans, "panics_with").events.events.len(), 1);
}

#[test]
fn a_pipeline_may_start_while_its_thread_unwinds() {
    struct Starts;
    impl Drop for Starts {
        fn drop(&mut self) {
            let guard = Pipeline::new(Telemetry::default()).start().expect("the pipeline starts");
            guard.shutdown().expect("and ends");
        }
    }
    let _turn = crate::support::turn();
    let result = catch_unwind(|| {
        let _starts = Starts;
        panic!("on purpose");
    });
    assert!(result.is_err());
}

/// What the variables say is read once in a process, so that each answer needs a process of its own.
#[test]
#[allow(clippy::disallowed_methods, reason = "the child learns from its parent what to expect")]
fn a_stack_trace_is_recorded_if_one_was_asked_for() -> Result<(), Box<dyn std::error::Error>> {
    const CHILD: &str = "OTELIER_TEST_STACK_TRACE";
    const NAME: &str = "panics::a_stack_trace_is_recorded_if_one_was_asked_for";
    if let Ok(wanted) = std::env::var(CHILD) {
        let recorder = Recorder::start();
        caught(|| panic!("on purpose"));
        let spans = recorder.spans();
        let stacktrace = exception(named(&spans, "panics_with"), "exception.stacktrace").map(ToString::to_string);
        assert_eq!(stacktrace.is_some(), wanted == "1");
        assert!(stacktrace.is_none_or(|text| text.contains("panics_with") && text.chars().count() <= 16 * 1024));
        return Ok(());
    }
    for wanted in ["0", "1"] {
        let child = Command::new(std::env::current_exe()?)
            .args(["--exact", NAME])
            .env("RUST_BACKTRACE", wanted)
            .env_remove("RUST_LIB_BACKTRACE")
            .env(CHILD, wanted)
            .output()?;
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    }
    Ok(())
}

#[trace(root, sample = never)]
async fn panics_unrecorded() {
    panic!("nobody is told")
}

struct PollsUnrecorded;

impl Drop for PollsUnrecorded {
    fn drop(&mut self) {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut future = Box::pin(panics_unrecorded());
        assert!(catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))).is_err());
    }
}

#[test]
fn a_panic_of_a_span_that_is_not_recorded_takes_no_message_away() {
    let recorder = Recorder::start();
    drop(caught(|| {
        let _polls = PollsUnrecorded;
        panic!("on purpose");
    }));
    let spans = recorder.spans();
    let span = named(&spans, "panics_with");
    assert_eq!(exception(span, "exception.message").map(ToString::to_string), Some("on purpose".to_owned()));
}
