//! Traces that threads and tasks share, and how long they wait for their decision.

use crate::support::*;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, Value};
use opentelemetry_sdk::trace::SpanData;
use otelier::config::{Composable, Keep, Rule, Sampler, TailRule, TailSampling};
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::{CorrelationContext, Span, TailCounts, in_current_context, with_current_context};
use std::str::FromStr;
use std::time::Duration;

fn keeping(tail: TailSampling) -> Recorder {
    Recorder::with(Telemetry::default().with_tail_sampling(tail))
}

fn errors() -> TailSampling {
    TailSampling::new(0.0).with_rule(TailRule::new("errors", Keep::Always).failed())
}

fn names(spans: &[SpanData]) -> Vec<String> {
    let mut names: Vec<_> = spans.iter().map(|span| span.name.to_string()).collect();
    names.sort_unstable();
    names
}

/// Everything that can be decided is.
fn settled(recorder: &Recorder) -> (Vec<String>, TailCounts) {
    recorder.telemetry().force_flush(PATIENCE).expect("in time");
    (names(&recorder.so_far()), recorder.telemetry().tail_counts().expect("there is tail sampling"))
}

#[trace]
fn work(fails: bool) -> Result<(), String> {
    if fails { Err("no".to_owned()) } else { Ok(()) }
}

#[trace]
async fn step(fails: bool) -> Result<(), String> {
    tokio::task::yield_now().await;
    let _ = work(fails);
    Ok(())
}

#[trace]
fn fans_out(fails: bool) {
    std::thread::scope(|scope| {
        for number in 0..3 {
            scope.spawn(with_current_context(move || work(fails && number == 1)));
        }
    });
    let _ = work(false);
}

#[test]
fn what_fails_on_another_thread_keeps_all_of_the_trace() {
    let recorder = keeping(errors());
    fans_out(false);
    fans_out(true);
    fans_out(false);
    let (spans, stats) = recorder.finish();
    assert_eq!(names(&spans), ["fans_out", "work", "work", "work", "work"]);
    let trace = spans[0].span_context.trace_id();
    assert!(spans.iter().all(|span| span.span_context.trace_id() == trace));
    assert_eq!((stats.started, stats.dropped_by_tail_sampling, stats.open), (15, 10, 0));
}

#[test]
fn a_span_that_ends_on_another_thread_counts_for_its_trace() {
    let recorder = keeping(errors());
    for fails in [false, true] {
        trace_block!(name = "root", {
            let child = Span::start("child");
            let thread = std::thread::spawn(move || {
                if fails {
                    child.record_error(&std::io::Error::other("no"));
                }
                child.end();
            });
            thread.join().expect("no panic");
            let _ = work(false);
        });
    }
    let (spans, stats) = recorder.finish();
    assert_eq!(names(&spans), ["child", "root", "work"]);
    assert_eq!(stats.dropped_by_tail_sampling, 3);
}

#[trace]
async fn request(fails: bool) {
    let spawned: Vec<_> = (0..4).map(|number| tokio::spawn(in_current_context(step(fails && number == 3)))).collect();
    for task in spawned {
        let _ = task.await.expect("no panic");
    }
    let _ = step(false).await;
}

#[test]
fn traces_of_tasks_are_kept_or_forgotten_whole_on_every_runtime() {
    for runtime in [one_thread(), many_threads()] {
        let recorder = keeping(errors());
        runtime.block_on(async {
            let all: Vec<_> = (0..100).map(|number| tokio::spawn(request(number % 10 == 0))).collect();
            for one in all {
                one.await.expect("no panic");
            }
        });
        drop(runtime);
        let counts = settled(&recorder).1;
        let (spans, stats) = recorder.finish();
        assert_eq!((counts.kept, counts.dropped, counts.held_traces), (10, 90, 0), "{counts:?}");
        assert_eq!(spans.len(), 10 * 11);
        assert_eq!((stats.started, stats.dropped_by_tail_sampling), (1100, 990));
    }
}

#[test]
fn spans_that_come_late_follow_the_decision_and_those_that_a_rule_keeps_are_kept() {
    let recorder = keeping(errors());
    let late = |fails: bool| {
        let mut handle = None;
        trace_block!(name = "root", {
            let _ = work(fails);
            let later = with_current_context(move || {
                let _ = work(false);
                let _ = work(true);
                let _ = work(false);
            });
            handle = Some(later);
        });
        handle
    };
    // Of a thread that comes to it after the decision.
    let (kept, forgotten) = (late(true), late(false));
    let (before, _) = settled(&recorder);
    assert_eq!(before, ["root", "work"]);
    std::thread::spawn(kept.expect("it was made")).join().expect("no panic");
    std::thread::spawn(forgotten.expect("it was made")).join().expect("no panic");
    let (after, counts) = settled(&recorder);
    assert_eq!(after, ["root", "work", "work", "work", "work"], "of the other trace nothing begins any more");
    assert_eq!((counts.kept, counts.dropped, counts.late_kept), (1, 1, 3), "{counts:?}");

    // Of one that began before.
    let root = Span::builder("open").root().start();
    let child = root.in_scope(|| Span::start("child"));
    let failing = root.in_scope(|| Span::start("failing"));
    drop(root);
    let (after, _) = settled(&recorder);
    assert_eq!(after.len(), 5);
    drop(child);
    failing.record_error(&std::io::Error::other("no"));
    drop(failing);
    let (after, counts) = settled(&recorder);
    assert_eq!(after, ["failing", "root", "work", "work", "work", "work"]);
    assert_eq!((counts.late_kept, counts.late_dropped), (4, 1), "{counts:?}");
    let _ = recorder.finish();
}

#[test]
fn a_trace_that_is_kept_whatever_comes_is_exported_before_it_is_over() {
    let recorder = keeping(errors());
    let root = Span::builder("workflow").root().start();
    root.in_scope(|| work(false)).expect("it does not fail");
    assert_eq!(settled(&recorder).0, [""; 0]);
    let _ = root.in_scope(|| work(true));
    assert_eq!(settled(&recorder).0, ["work", "work"]);
    let _ = root.in_scope(|| work(false));
    assert_eq!(settled(&recorder).0, ["work", "work", "work"]);
    drop(root);
    assert_eq!(settled(&recorder).0, ["work", "work", "work", "workflow"]);
    assert_eq!(settled(&recorder).1.late_kept, 0);
    let (spans, _) = recorder.finish();
    let probability = attribute(named(&spans, "workflow"), "otelier.sampler.probability");
    assert_eq!(probability, Some(&Value::F64(1.0)), "what the head says is known with the root");

    // But not where a rule further in front may yet decide otherwise.
    let never = TailRule::new("probes", Keep::Never).attribute_is("app.probe", ["true"]);
    let mut tail = errors();
    tail.rules.insert(0, never);
    let recorder = keeping(tail);
    let root = Span::builder("workflow").root().start();
    let _ = root.in_scope(|| work(true));
    assert_eq!(settled(&recorder).0, [""; 0]);
    drop(root);
    assert_eq!(settled(&recorder).0, ["work", "workflow"]);
    let _ = recorder.finish();
}

#[test]
fn a_trace_that_takes_too_long_is_decided_by_what_is_known_and_goes_on_in_parts() {
    let mut tail = TailSampling::new(0.0).or_slower_than(Duration::from_millis(50));
    tail.decide_after = Duration::from_millis(100);
    let recorder = keeping(tail);
    let root = Span::builder("workflow").root().start();
    root.in_scope(|| work(false)).expect("it does not fail");
    wait_until("the trace is decided", || settled(&recorder).0 == ["work"]);
    root.in_scope(|| work(false)).expect("it does not fail");
    assert_eq!(settled(&recorder).0, ["work", "work"]);
    drop(root);
    let (found, counts) = settled(&recorder);
    assert_eq!(found, ["work", "work", "workflow"]);
    assert_eq!((counts.unfinished, counts.kept, counts.late_kept), (1, 1, 0), "{counts:?}");
    let _ = recorder.finish();

    let mut tail = errors();
    tail.decide_after = Duration::from_millis(50);
    let recorder = keeping(tail);
    let root = Span::builder("quiet").root().start();
    root.in_scope(|| work(false)).expect("it does not fail");
    wait_until("the trace is decided", || settled(&recorder).1.dropped == 1);
    root.in_scope(|| work(false)).expect("it does not fail");
    let _ = root.in_scope(|| work(true));
    drop(root);
    assert_eq!(settled(&recorder).0, ["quiet", "work"], "from the failure on");
    let _ = recorder.finish();
}

#[test]
fn where_there_is_no_room_the_oldest_traces_are_decided_and_what_fails_later_is_kept() {
    let mut tail = errors();
    tail.max_bytes = 64 << 10;
    let recorder = keeping(tail);
    let open: Vec<_> = (0..1000)
        .map(|number| {
            let root = Span::builder("root").attribute("app.number", number).root().start();
            let _ = root.in_scope(|| work(false));
            root
        })
        .collect();
    let (found, counts) = settled(&recorder);
    assert_eq!(found, [""; 0]);
    assert!(counts.held_bytes <= 64 << 10 && counts.overflows > 500, "{counts:?}");
    assert_eq!(counts.held_traces + counts.overflows, 1000);
    // Of the first nothing is left, of the last all is there.
    for number in [0, 999] {
        let _ = open[number].in_scope(|| work(true));
    }
    drop(open);
    let (spans, stats) = recorder.finish();
    assert_eq!(names(&spans), ["root", "root", "work", "work", "work"]);
    assert_eq!(stats.started, stats.dropped() + 5);
}

#[test]
fn a_root_that_lasts_keeps_no_other_trace_from_being_exported() {
    let recorder = keeping(errors());
    trace_block!(name = "main", {
        let other = Span::builder("other").root().start();
        let _ = other.in_scope(|| work(true));
        drop(other);
        assert_eq!(settled(&recorder).0, ["other", "work"]);
        let _ = work(true);
        assert_eq!(settled(&recorder).0, ["other", "work", "work"], "what was taken away is decided elsewhere");
    });
    assert_eq!(settled(&recorder).0, ["main", "other", "work", "work"]);
    trace_block!(name = "next", {
        let _ = work(false);
    });
    assert_eq!(settled(&recorder).1.dropped, 1);
    let _ = recorder.finish();
}

#[test]
fn the_end_of_the_pipeline_decides_what_is_open_by_what_is_known() {
    // Kept to the end of this test, because spans end after the pipeline.
    let _turn = turn();
    let memory = MemoryExporter::new(100);
    let telemetry = start(Telemetry::default().with_tail_sampling(errors()), memory.clone());
    let (good, bad) = (Span::builder("good").root().start(), Span::builder("bad").root().start());
    let inner = bad.in_scope(|| Span::start("inner"));
    let _ = good.in_scope(|| work(false));
    let _ = inner.in_scope(|| work(false));
    let _ = good.in_scope(|| work(false));
    telemetry.force_flush(PATIENCE).expect("in time");
    let _ = inner.in_scope(|| work(true));
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(names(&memory.spans()), ["work", "work"]);
    assert_eq!(stats.dropped_by_tail_sampling, 2);
    drop((good, bad, inner));
}

#[test]
fn settings_that_change_hold_for_what_waits() {
    let settings = || Telemetry::default().with_tail_sampling(errors());
    let recorder = Recorder::with(settings());
    let (first, second) = (Span::builder("first").root().start(), Span::builder("second").root().start());
    let _ = first.in_scope(|| work(false));
    let _ = second.in_scope(|| work(false));
    recorder.telemetry().force_flush(PATIENCE).expect("in time");
    let all = TailRule::new("all", Keep::Always).attribute_is("app.probe", ["true"]);
    let keeps = Telemetry::default().with_tail_sampling(errors().with_rule(all).or_ratio(1.0));
    recorder.telemetry().reload(&keeps).expect("it can change");
    drop(first);
    assert_eq!(settled(&recorder).0, ["first", "work"]);
    recorder.telemetry().reload(&Telemetry::default()).expect("it can change");
    drop(second);
    recorder.telemetry().force_flush(PATIENCE).expect("in time");
    assert_eq!(names(&recorder.so_far()), ["first", "second", "work", "work"]);
    assert_eq!(recorder.telemetry().tail_counts(), None);
    let _ = recorder.finish();
}

fn remote(state: &str) -> Context {
    let state = TraceState::from_str(state).expect("it is valid");
    let (trace, span) = (TraceId::from(u128::MAX - 5), SpanId::from(8));
    Context::new().with_remote_span_context(SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state))
}

#[test]
fn the_root_says_why_it_was_kept_and_all_spans_how_many_they_stand_for() {
    let root_of = |tail: TailSampling, parent: Option<&str>, fails: bool| {
        let recorder = keeping(tail);
        for _ in 0..40 {
            match parent {
                None => trace_block!(name = "root", { _ = work(fails) }),
                Some(state) => {
                    let _attached = remote(state).attach();
                    trace_block!(name = "root", { _ = work(fails) });
                    break;
                }
            }
        }
        let (spans, _) = recorder.finish();
        let root = spans.iter().find(|span| span.name == "root").expect("one of forty is kept").clone();
        let trace = root.span_context.trace_id();
        let states: Vec<_> = spans
            .iter()
            .filter(|span| span.span_context.trace_id() == trace)
            .map(|span| span.span_context.trace_state().header())
            .collect();
        assert_eq!(states.len(), 2);
        assert_eq!(states[0], states[1]);
        let text = |key: &str| attribute(&root, key).map(|value| value.as_str().into_owned());
        let probability = match attribute(&root, "otelier.sampler.probability") {
            Some(Value::F64(probability)) => Some(*probability),
            _ => None,
        };
        assert!(
            spans
                .iter()
                .filter(|span| span.name == "work")
                .all(|span| attribute(span, "otelier.sampler.reason").is_none())
        );
        (
            text("otelier.sampler.reason").expect("it says why"),
            text("otelier.sampler.rule"),
            probability,
            states[0].clone(),
        )
    };
    let said = |reason: &str, rule: Option<&str>, probability: Option<f64>, state: &str| {
        (reason.to_owned(), rule.map(str::to_owned), probability, state.to_owned())
    };
    assert_eq!(root_of(errors(), None, true), said("tail.rule", Some("errors"), Some(1.0), "ot=th:0"));
    assert_eq!(root_of(errors().or_ratio(0.5), None, false), said("tail.ratio", None, Some(0.5), "ot=th:8"));
    // Of the parent nobody knows how many traces it stands for.
    assert_eq!(root_of(errors(), Some("a=b"), true), said("tail.rule", Some("errors"), None, "a=b"));
    assert_eq!(
        root_of(errors(), Some("ot=th:c,a=b"), true),
        said("tail.rule", Some("errors"), Some(0.25), "ot=th:c,a=b")
    );
    assert_eq!(
        root_of(errors().or_ratio(0.125), Some("ot=th:c,a=b"), false),
        said("tail.ratio", None, Some(0.125), "ot=th:e,a=b")
    );
    let limited = TailSampling::new(0.0).with_rule(TailRule::new("some", Keep::RateLimit(2.0)));
    assert_eq!(root_of(limited, None, false), said("tail.rule", Some("some"), None, ""));
}

/// Most spans of a call site are told by it, and not looked at one by one.
#[test]
fn an_attribute_that_only_one_of_many_spans_of_a_call_site_has_is_found() {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Given {
        Nowhere,
        Inside,
        ThroughTheContext,
        OnAnotherThread,
        InAFuture,
        OnAnEvent,
    }

    #[trace(app.number = number)]
    fn part(number: u32, given: Option<Given>) {
        match given {
            Some(Given::Inside) => otelier::current_span().set_attribute("app.wanted", true),
            Some(Given::ThroughTheContext) => {
                Context::current().span().set_attribute(opentelemetry::KeyValue::new("app.wanted", true));
            }
            Some(Given::OnAnotherThread) => {
                let context = Context::current();
                let set = move || context.span().set_attribute(opentelemetry::KeyValue::new("app.wanted", true));
                std::thread::spawn(set).join().expect("no panic");
            }
            Some(Given::OnAnEvent) => {
                otelier::current_span().add_event("seen", [opentelemetry::KeyValue::new("app.wanted", true)]);
            }
            _ => {}
        }
    }

    #[trace]
    async fn future() {
        otelier::current_span().set_attribute("app.wanted", true);
    }

    #[trace]
    fn whole(given: Given) {
        for number in 0..20 {
            part(number, (number == 13).then_some(given));
        }
        if given == Given::InAFuture {
            one_thread().block_on(future());
        }
        part(20, None);
    }

    let wanted = TailRule::new("wanted", Keep::Always).attribute_is("app.wanted", ["true"]);
    let slow = TailRule::new("slow", Keep::Always).slower_than(Duration::from_secs(3600));
    let recorder = keeping(TailSampling::new(0.0).with_rule(slow).with_rule(wanted));
    let found = |given| {
        whole(given);
        recorder.telemetry().force_flush(PATIENCE).expect("in time");
        recorder.telemetry().tail_counts().expect("there is tail sampling").kept
    };
    let kept: Vec<_> = [
        Given::Nowhere,
        Given::Inside,
        Given::Nowhere,
        Given::ThroughTheContext,
        Given::OnAnotherThread,
        Given::InAFuture,
        Given::OnAnEvent,
        Given::Nowhere,
    ]
    .map(found)
    .to_vec();
    assert_eq!(kept, [0, 1, 1, 2, 3, 4, 4, 4]);
    drop(recorder);
}

/// The values of a root for which the sampler waits are there before its trace is held back.
#[test]
fn an_attribute_of_a_struct_is_found_where_the_sampler_looks_at_attributes_too() {
    #[derive(SpanAttributes)]
    #[attributes(prefix = "app.order")]
    struct Order {
        kind: &'static str,
    }

    #[trace(..order, "app.path" = path)]
    fn request(order: &Order, path: &str) {
        let _ = path;
    }

    let health = Rule::new(Composable::AlwaysOff).attribute_is("app.path", ["/health"]);
    let sampler = Sampler::Composite(Composable::RuleBased(vec![health, Rule::new(Composable::AlwaysOn)]));
    let wanted = TailRule::new("wanted", Keep::Always).attribute_is("app.order.kind", ["wanted"]);
    let settings = Telemetry::default().with_sampler(sampler);
    let recorder = Recorder::with(settings.with_tail_sampling(TailSampling::new(0.0).with_rule(wanted)));
    for _ in 0..3 {
        request(&Order { kind: "other" }, "/orders");
        request(&Order { kind: "wanted" }, "/orders");
        request(&Order { kind: "wanted" }, "/health");
    }
    let (spans, _) = recorder.finish();
    assert_eq!(names(&spans), ["request"; 3]);
}

#[test]
fn what_a_context_gives_to_every_span_is_found() {
    let wanted = TailRule::new("wanted", Keep::Always).attribute_is("user.id", ["ann"]);
    let recorder = keeping(TailSampling::new(0.0).with_rule(wanted));
    for user in ["ann", "bob", "ann"] {
        let context = CorrelationContext::new().with_user(user);
        context.in_scope(|| drop(work(false)));
    }
    let _ = work(false);
    let (spans, _) = recorder.finish();
    assert_eq!(names(&spans), ["work"; 2]);
}
