//! `Context::current().span()` inside annotated code is the annotated span.

use super::setup::{Run, everywhere, int, named, one_thread, seen, tracer, tree};
use opentelemetry::trace::{SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;
use otelier::config::Hooks;
use otelier::prelude::*;
use std::time::{Duration, UNIX_EPOCH};
use tokio::task::yield_now;

fn elsewhere() -> SpanContext {
    let state = TraceState::from_key_value([("a", "b")]).expect("a valid state");
    SpanContext::new(TraceId::from(21), SpanId::from(22), TraceFlags::SAMPLED, true, state)
}

/// Records a bit of everything through the API.
fn tell() {
    let context = Context::current();
    let span = context.span();
    assert!(span.is_recording());
    span.set_attribute(KeyValue::new("app.set", 1));
    span.set_attributes([KeyValue::new("app.text", "two"), KeyValue::new("app.list", Value::Array(vec![3, 4].into()))]);
    span.add_event("told", vec![KeyValue::new("part", true)]);
    span.add_link(elsewhere(), vec![KeyValue::new("why", "because")]);
    span.set_status(Status::error("not good"));
}

fn check(span: &SpanData) {
    assert_eq!(int(span, "app.set"), Some(1), "{span:?}");
    assert_eq!(span.status, Status::error("not good"));
    let events: Vec<_> =
        span.events.iter().map(|event| (&*event.name, event.timestamp, event.attributes.clone())).collect();
    assert!(span.start_time <= events[0].1 && events[0].1 <= span.end_time);
    assert_eq!((events[0].0, &events[0].2), ("told", &vec![KeyValue::new("part", true)]));
    let [link] = &span.links.links[..] else { panic!("{:?}", span.links) };
    assert_eq!((&link.span_context, &link.attributes), (&elsewhere(), &vec![KeyValue::new("why", "because")]));
}

#[trace(app.own = 5)]
fn root() {
    tell();
    event!("own_event");
}

#[trace(name = "asynchronous", app.own = 5)]
async fn asynchronous() {
    yield_now().await;
    tell();
    yield_now().await;
    event!("own_event");
}

#[trace(kind = client, app.own = 5)]
fn client() {
    tell();
    event!("own_event");
}

#[test]
fn a_root_a_future_and_a_client_span_take_what_the_api_records() {
    everywhere(|run| {
        root();
        trace_block!(name = "outer", {
            trace_block!(name = "lazy", {
                client();
                one_thread().block_on(asynchronous());
            });
        });
        let spans = run.spans();
        for name in ["root", "client", "asynchronous"] {
            check(named(&spans, name));
        }
        let all = "app.own=5 app.set=1 app.text=two app.list=[3,4] !not good";
        let events = ["* told", "* own_event"];
        let block = |line: &str, indent: &str| {
            let events = events.map(|event| format!("\n{indent}  {event}")).concat();
            format!("{indent}{line} {all}{events}\n")
        };
        let wanted = [
            "outer\n".to_owned(),
            "  lazy\n".to_owned(),
            block("asynchronous", "    "),
            block("client [client]", "    "),
            block("root", ""),
        ];
        assert_eq!(tree(&spans), wanted.concat().trim_end());
    });
}

#[test]
fn an_event_of_the_api_keeps_its_own_time() {
    everywhere(|run| {
        let at = UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
        let tell = || Context::current().span().add_event_with_timestamp("in the past", at, Vec::new());
        trace_block!(name = "synchronous", { tell() });
        one_thread().block_on(trace_block!(name = "asynchronous", async { tell() }));
        tracer().in_span("of the API", |_| tell());
        for span in run.spans() {
            assert_eq!(span.events[0].timestamp, at, "{}", span.name);
        }
    });
}

#[test]
fn what_the_api_records_in_a_lazy_span_goes_to_the_nearest_span_that_is_attached() {
    everywhere(|run| {
        let hooks = run.hooks;
        trace_block!(name = "a", {
            trace_block!(name = "b", {
                record_one("app.in_b");
                trace_block!(name = "c", kind = client, { record_one("app.in_c") });
                record_one("app.in_b_again");
            });
            record_one("app.in_a");
        });
        if hooks == Hooks::None {
            run.expect(&["a app.in_a=1", "  b app.in_b=1 app.in_b_again=1", "    c [client] app.in_c=1"]);
        } else {
            run.expect(&["a app.in_b=1 app.in_b_again=1 app.in_a=1", "  b", "    c [client] app.in_c=1"]);
        }
    });
}

#[test]
fn below_a_parent_with_a_state_every_span_takes_what_the_api_records() {
    everywhere(|run| {
        let remote = SpanContext::new(
            TraceId::from(7),
            SpanId::from(8),
            TraceFlags::SAMPLED,
            true,
            TraceState::from_key_value([("a", "b")]).expect("a valid state"),
        );
        {
            let _attached = Context::new().with_remote_span_context(remote).attach();
            trace_block!(name = "a", {
                trace_block!(name = "b", {
                    assert!(Context::map_current(|context| context.span().is_recording()));
                    record_one("app.in_b");
                });
            });
        }
        run.expect(&["a [remote parent]", "  b app.in_b=1"]);
    });
}

fn record_one(key: &'static str) {
    Context::map_current(|context| context.span().set_attribute(KeyValue::new(key, 1)));
}

#[test]
fn after_the_end_of_a_span_its_handle_records_nothing() {
    everywhere(|run| {
        let mut handles = Vec::new();
        trace_block!(name = "a", {
            handles.push(Context::current());
            trace_block!(name = "b", kind = client, { handles.push(Context::current()) });
            one_thread().block_on(trace_block!(name = "c", async {
                yield_now().await;
                handles.push(Context::current());
            }));
            for ended in &handles[1..] {
                too_late(ended);
            }
        });
        too_late(&handles[0]);
        let ids: Vec<_> = handles.iter().map(|handle| handle.span().span_context().span_id()).collect();
        let spans = run.spans();
        assert_eq!(ids, ["a", "b", "c"].map(|name| named(&spans, name).span_context.span_id()));
        assert_eq!(tree(&spans), "a\n  b [client]\n  c");
        handles.iter().for_each(too_late);
    });
}

fn too_late(context: &Context) {
    let span = context.span();
    assert!(!span.is_recording());
    span.set_attribute(KeyValue::new("app.late", 1));
    span.add_event("late", Vec::new());
    span.add_link(elsewhere(), Vec::new());
    span.set_status(Status::error("late"));
    span.update_name("late");
    span.end();
}

#[test]
fn the_handle_of_a_span_of_ours_works_on_other_threads_and_does_not_end_it() {
    everywhere(|run| {
        trace_block!(name = "a", {
            let context = Context::current();
            std::thread::scope(|scope| {
                for number in 1..=3 {
                    let context = context.clone();
                    let told = scope.spawn(move || {
                        context.span().set_attribute(KeyValue::new(format!("app.n.{number}"), number));
                        context.span().end();
                        assert!(context.span().is_recording());
                        drop(context);
                    });
                    told.join().expect("no panic");
                }
            });
            record!("app.own" = 4);
            trace_block!(name = "b", {});
        });
        run.expect(&["a app.n.1=1 app.n.2=2 app.n.3=3 app.own=4", "  b"]);
    });
}

#[test]
fn spans_of_both_sides_may_link_to_each_other() {
    everywhere(|run| {
        let ours = trace_block!(name = "a", { seen() });
        let theirs = tracer().in_span("b", |context| {
            context.span().add_link(ours.clone(), Vec::new());
            context.span().span_context().clone()
        });
        trace_block!(name = "c", {
            Context::current().span().add_link(theirs.clone(), Vec::new());
        });
        let spans = run.spans();
        assert_eq!(named(&spans, "b").links.links[0].span_context, ours);
        assert_eq!(named(&spans, "c").links.links[0].span_context, theirs);
    });
}

#[test]
fn a_context_from_us_names_the_span_and_only_the_attached_one_takes_records() {
    let run = Run::start(Hooks::Global);
    trace_block!(name = "a", {
        otelier::current_context().span().set_attribute(KeyValue::new("app.n", 1));
        trace_block!(name = "b", {
            let context = otelier::current_context();
            assert!(!context.span().is_recording());
            context.span().set_attribute(KeyValue::new("app.n", 2));
        });
    });
    run.expect(&["a app.n=1", "  b"]);
}
