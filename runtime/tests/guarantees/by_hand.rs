//! Spans made by hand.

use crate::support::*;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TraceId};
use otelier::Span;
use otelier::config::Limits;
use otelier::prelude::*;
use otelier::schema::Kind;

#[trace]
fn inside() {}

#[test]
fn everything_that_is_said_of_a_span_arrives() {
    let recorder = Recorder::start();
    let other = SpanContext::new(TraceId::from(5), 6u64.into(), TraceFlags::SAMPLED, true, Default::default());
    let span = Span::builder("early").kind(Kind::Client).attribute("app.first", 1).link(&other, []).start();
    span.set_attribute("app.first", 2u8);
    span.set_attribute("app.text", "x");
    span.set_attribute("app.none", None::<i64>);
    span.add_event("step", [KeyValue::new("app.step", 1)]);
    span.add_link(&other, [KeyValue::new("app.why", "twice")]);
    span.record_error(&"no answer");
    span.update_name("late");
    assert!(span.is_recording());
    span.end();
    let spans = recorder.spans();
    let [span] = &*spans else { panic!("one span, not {}", spans.len()) };
    assert_eq!((&*span.name, &span.span_kind), ("late", &SpanKind::Client));
    let found: Vec<_> = span.attributes.iter().map(|item| (item.key.as_str(), item.value.to_string())).collect();
    let wanted = [("app.first", "2"), ("app.text", "x"), ("error.type", "&str")];
    assert_eq!(found, wanted.map(|(key, value)| (key, value.to_owned())));
    assert_eq!(span.events.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["step", "exception"]);
    assert_eq!(span.links.iter().map(|link| link.attributes.len()).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(span.links[0].span_context, other);
    assert_eq!(span.status, Status::error("no answer"));
}

#[test]
fn what_begins_while_it_is_active_is_its_child_and_the_rest_is_not() {
    let recorder = Recorder::start();
    let span = Span::start("by hand");
    inside();
    span.in_scope(|| {
        inside();
        Span::start("child").end();
    });
    inside();
    drop(span);
    recorder.expect(&["by hand", "  inside", "  child", "inside", "inside"]);
}

#[test]
fn scopes_that_end_in_any_order_leave_the_right_span_active() {
    let recorder = Recorder::start();
    let (first, second) = (Span::start("first"), Span::start("second"));
    let in_first = first.enter();
    let in_second = second.enter();
    drop(in_first);
    inside();
    drop(in_second);
    inside();
    drop((first, second));
    let spans = recorder.spans();
    let parent_of = |number: usize| {
        let child = spans.iter().filter(|span| span.name == "inside").nth(number).expect("it is there");
        spans.iter().find(|span| span.span_context.span_id() == child.parent_span_id).map(|span| &*span.name)
    };
    assert_eq!((parent_of(0), parent_of(1)), (Some("second"), None));
}

#[test]
fn a_span_may_be_finished_elsewhere_and_its_context_used_on_many_threads() {
    let recorder = Recorder::start();
    let span = Span::start("shared");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let _attached = span.context().clone().attach();
                inside();
                span.add_event("done", []);
            });
        }
    });
    std::thread::spawn(move || drop(span)).join().expect("no panic");
    let spans = recorder.spans();
    let shared = spans.iter().find(|span| span.name == "shared").expect("it ended");
    assert_eq!(shared.events.len(), 3);
    let children = spans.iter().filter(|span| span.parent_span_id == shared.span_context.span_id());
    assert_eq!(children.count(), 3);
}

#[test]
fn a_panic_inside_is_recorded_and_ends_the_span() {
    let recorder = Recorder::start();
    let span = Span::start("by hand");
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| span.in_scope(|| panic!("no"))));
    assert!(result.is_err() && !span.is_recording());
    drop(span);
    let spans = recorder.spans();
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].status, Status::error("panicked"));
}

#[test]
fn a_root_and_a_given_parent_win_over_the_active_span() {
    let recorder = Recorder::start();
    let outer = Span::start("outer");
    let _entered = outer.enter();
    let root = Span::builder("root").root().start();
    let below = Span::builder("below").parent(root.context()).start();
    assert_ne!(root.span_context().trace_id(), outer.span_context().trace_id());
    assert_eq!(below.span_context().trace_id(), root.span_context().trace_id());
    drop((below, root));
    let spans = recorder.spans();
    assert_eq!(spans[0].parent_span_id, spans[1].span_context.span_id());
}

#[test]
fn without_a_pipeline_and_where_nothing_is_sampled_it_passes_the_context_on() {
    let turn = turn();
    let span = Span::start("nobody");
    assert!(!span.is_recording() && !span.span_context().is_valid());
    span.in_scope(|| span.set_attribute("app.x", 1));
    drop(span);
    drop(turn);
    let recorder = Recorder::with(Telemetry::default().with_sampler(otelier::config::Sampler::AlwaysOff));
    let span = Span::start("unsampled");
    let child = span.in_scope(otelier::current_context);
    assert_eq!(child.span().span_context(), &span.span_context());
    assert!(!span.span_context().is_sampled());
    drop(span);
    recorder.expect(&[]);
}

#[test]
fn limits_hold_for_what_is_said_by_hand() {
    let mut limits = Limits::default();
    (limits.attributes, limits.events, limits.links, limits.event_attributes, limits.link_attributes) = (2, 1, 1, 1, 0);
    let recorder = Recorder::with(Telemetry::default().with_limits(limits));
    let span = Span::start("limited");
    for key in ["app.a", "app.b", "app.c", "app.a"] {
        span.set_attribute(key, 1);
    }
    for _ in 0..3 {
        span.add_event("step", [KeyValue::new("app.x", 1), KeyValue::new("app.y", 2)]);
        span.add_link(&SpanContext::NONE, [KeyValue::new("app.z", 3)]);
    }
    drop(span);
    let spans = recorder.spans();
    let span = &spans[0];
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (2, 1));
    assert_eq!((span.events.len(), span.events.dropped_count), (1, 2));
    assert_eq!((span.events[0].attributes.len(), span.events[0].dropped_attributes_count), (1, 1));
    assert_eq!((span.links.len(), span.links.dropped_count), (1, 2));
    assert_eq!((span.links[0].attributes.len(), span.links[0].dropped_attributes_count), (0, 1));
}
