//! Whose child a span is, where a trace begins, who decides on it there, and what spans link to; written as the macros
//! write it.

use crate::support::{Recorder, expect, is_child, many_threads, named, one_thread, tree};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{
    FutureExt, Link, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SpanData;
use otelier::__private::{
    Begin, Callsite, Guard, Sample, begin, instrument, instrument_with, no_outcome, plain, span_ref,
};
use otelier::Span;
use otelier::config::{Hooks, Limits, Sampler, TailSampling};
use otelier::prelude::*;
use otelier::relation::{Links, ParentContext};
use otelier::schema::Kind;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::yield_now;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/// What an annotated function with relations is.
macro_rules! begun {
    ($name:literal, $begin:expr, $body:block) => {{
        static SITE: Callsite = Callsite::new($name, Kind::Internal);
        let mut span = Guard::new();
        span.enter_with(&SITE, || $begin);
        $body
    }};
}

/// The same for an asynchronous one.
macro_rules! begun_later {
    ($name:literal, $begin:expr, $body:block) => {{
        static SITE: Callsite = Callsite::new($name, Kind::Internal);
        instrument_with(&SITE, begin(|| $begin), async move { $body }, no_outcome)
    }};
}

fn seen() -> SpanContext {
    Context::current().span().span_context().clone()
}

/// The span that is active, lazy or not.
fn active() -> SpanContext {
    otelier::current_context().span().span_context().clone()
}

#[trace]
fn leaf() -> SpanContext {
    active()
}

fn sampler(sampler: Sampler) -> Recorder {
    Recorder::with(Telemetry::default().with_sampler(sampler))
}

fn joined(span: &SpanData) -> bool {
    span.span_context.trace_id().to_string() == TRACE && span.parent_span_id.to_string() == "b7ad6b7169203331"
}

#[test]
fn headers_of_every_shape_name_the_parent() {
    let recorder = Recorder::start();
    let map: HashMap<String, String> = HashMap::from([("TraceParent".into(), HEADER.into())]);
    let tree_map: BTreeMap<&str, &str> = BTreeMap::from([("traceparent", HEADER)]);
    let pairs = [("accept", "*/*"), ("Traceparent", HEADER)];
    begun!("map", Begin::new().parent(&map), {});
    begun!("tree", Begin::new().parent(&tree_map), {});
    begun!("slice", Begin::new().parent(&pairs[..]), {});
    begun!("list", Begin::new().parent(&Vec::from(pairs)), {});
    begun!("text", Begin::new().parent(HEADER), {});
    begun!("owned", Begin::new().parent(&Some(HEADER.to_owned())), {});
    #[cfg(feature = "http")]
    {
        let mut headers = http::HeaderMap::new();
        headers.insert("traceparent", http::HeaderValue::from_static(HEADER));
        begun!("http", Begin::new().parent(&headers), {});
    }
    let spans = recorder.spans();
    assert!(spans.len() >= 6 && spans.iter().all(|span| joined(span) && span.parent_span_is_remote), "{spans:?}");
}

#[test]
fn hostile_headers_leave_the_parent_that_there_is() {
    let recorder = Recorder::start();
    let long = "z".repeat(1 << 16);
    trace_block!(name = "outer", {
        for value in ["", "00", "\u{0}", "00-é-é-01", &HEADER[..54], &HEADER.to_uppercase(), &long] {
            begun!(
                "inner",
                Begin::new().parent(&[("traceparent", value), ("tracestate", &*long), ("baggage", "=;,=")]),
                {}
            );
        }
        begun!("inner", Begin::new().parent(&SpanContext::NONE), {});
        begun!("inner", Begin::new().parent(&None::<Context>), {});
        begun!("inner", Begin::new().parent(&HashMap::<String, String>::new()), {});
        begun!("inner", Begin::new().parent(&[("traceparent", HEADER), ("TRACEPARENT", UNSAMPLED)]), {});
    });
    recorder.expect(&[&["outer"][..], &["  inner"; 11]].concat());
}

#[test]
fn the_state_and_the_baggage_of_headers_come_along() {
    let recorder = Recorder::start();
    let headers = [
        ("traceparent", HEADER),
        ("tracestate", "a=1"),
        ("TraceState", "b=2"),
        ("baggage", "user=7"),
        ("baggage", "k=v"),
    ];
    let check = || {
        let context = Context::current();
        assert_eq!(context.span().span_context().trace_state().header(), "a=1,b=2");
        let baggage = |key: &str| context.baggage().get(key).map(|value| value.as_str().to_owned());
        assert_eq!((baggage("user").as_deref(), baggage("k").as_deref()), (Some("7"), Some("v")));
        leaf();
    };
    begun!("entry", Begin::new().parent(&headers), { check() });
    one_thread().block_on(begun_later!("entry", Begin::new().parent(&headers), {
        check();
        yield_now().await;
        check();
    }));
    assert_eq!(Context::current().baggage().len(), 0);
    recorder.expect(&["entry [remote parent]", "  leaf", "entry [remote parent]", "  leaf", "  leaf"]);
}

#[test]
fn a_parent_is_exact_inside_of_other_spans_and_what_was_current_is_back_afterwards() {
    for hooks in [Hooks::Global, Hooks::None] {
        let recorder = Recorder::with(Telemetry::default().with_hooks(hooks));
        let first = trace_block!(name = "first", { otelier::current_context() });
        trace_block!(name = "second", {
            trace_block!(name = "third", {
                let outside = (seen(), active());
                let second = Context::current();
                begun!("of first", Begin::new().parent(&first), {
                    assert_eq!(active(), seen());
                    assert!(!active().is_remote());
                    leaf();
                    trace_block!(name = "below", {
                        begun!("of second", Begin::new().parent(&second), { leaf() });
                        leaf();
                    });
                    one_thread().block_on(begun_later!("later of first", Begin::new().parent(&first), {
                        yield_now().await;
                        leaf();
                    }));
                });
                assert_eq!((seen(), active()), outside);
                leaf();
                begun!("of third", Begin::new().parent(&otelier::current_context()), { leaf() });
            });
            leaf();
        });
        assert!(!seen().is_valid());
        let mut spans = recorder.spans();
        if hooks == Hooks::None {
            // Nothing is lazy, so the context shows the innermost span.
            let of_second = named(&spans, "of second");
            assert!(is_child(of_second, &named(&spans, "third").span_context));
        } else {
            assert!(is_child(named(&spans, "of second"), &named(&spans, "second").span_context));
        }
        let (second, of_second) = (named(&spans, "second").span_context.span_id(), "of second");
        spans.iter_mut().filter(|span| span.name == of_second).for_each(|span| span.parent_span_id = second);
        expect(
            spans,
            &[
                "first",
                "  of first",
                "    leaf",
                "    below",
                "      leaf",
                "  later of first",
                "    leaf",
                "second",
                "  third",
                "    leaf",
                "    of third",
                "      leaf",
                "  of second",
                "    leaf",
                "  leaf",
            ],
        );
    }
}

#[test]
fn spans_of_the_api_and_the_headers_that_are_sent_follow_the_given_parent() {
    let recorder = Recorder::start();
    let tracer = otelier::bridge::TracerProvider::new().tracer("api");
    trace_block!(name = "outer", {
        begun!("entry", Begin::new().parent(HEADER), {
            trace_block!(name = "lazy", {
                let mut sent = HashMap::new();
                opentelemetry::global::get_text_map_propagator(|propagator| propagator.inject(&mut sent));
                assert_eq!(sent["traceparent"], format!("00-{TRACE}-{}-01", active().span_id()));
                tracer.in_span("api", |_| leaf());
            });
            Context::current().span().set_attribute(KeyValue::new("app.told", true));
        });
        tracer.in_span("api outside", |_| {});
    });
    recorder.expect(&[
        "outer",
        "  api outside",
        "entry [remote parent] app.told=true",
        "  lazy",
        "    api",
        "      leaf",
    ]);
}

#[test]
fn a_context_of_another_thread_is_a_parent() {
    let recorder = Recorder::start();
    let (context, bare) = trace_block!(name = "here", {
        (otelier::current_context().with_baggage([KeyValue::new("user", "7")]), active())
    });
    let there = std::thread::spawn(move || {
        trace_block!(name = "there", {
            begun!("child", Begin::new().parent(&context), {
                assert_eq!(Context::current().baggage().len(), 1);
                leaf();
            });
            begun!("of ids", Begin::new().parent(&bare), { leaf() });
        });
        many_threads().block_on(async {
            let task = begun_later!("task", Begin::new().parent(&context), {
                yield_now().await;
                assert_eq!(Context::current().baggage().len(), 1);
                leaf();
            });
            tokio::spawn(task).await.expect("no panic");
        });
    });
    there.join().expect("no panic");
    recorder.expect(&["here", "  child", "    leaf", "  of ids", "    leaf", "  task", "    leaf", "there"]);
}

#[test]
fn a_future_begins_at_its_first_poll_below_the_parent_that_was_named_when_it_was_made() {
    let recorder = Recorder::start();
    let mut headers = HashMap::from([("traceparent", HEADER)]);
    let named_early = begun_later!("early", Begin::new().parent(&headers), { leaf() });
    let never_polled = begun_later!("never", Begin::new().parent(&headers), { leaf() });
    let current = begun_later!("current", Begin::new().parent(&None::<Context>), { leaf() });
    headers.clear();
    drop(never_polled);
    trace_block!(name = "outer", {
        one_thread().block_on(async {
            named_early.await;
            current.await;
        });
    });
    recorder.expect(&["outer", "  current", "    leaf", "early [remote parent]", "  leaf"]);
}

#[test]
fn a_root_begins_a_trace_inside_of_any_span() {
    let recorder = Recorder::start();
    let _attached = Context::current().with_baggage([KeyValue::new("user", "7")]).attach();
    trace_block!(name = "outer", {
        trace_block!(name = "lazy", {
            let outside = (seen(), active());
            begun!("root", Begin::new().root(), {
                assert_ne!(active().trace_id(), outside.1.trace_id());
                assert_eq!(Context::current().baggage().len(), 1);
                leaf();
                begun!("root in root", Begin::new().root(), { leaf() });
                leaf();
            });
            one_thread().block_on(begun_later!("later root", Begin::new().root(), {
                yield_now().await;
                leaf();
            }));
            assert_eq!((seen(), active()), outside);
            begun!("joined", Begin::new().root().parent(HEADER), {});
            begun!("alone", Begin::new().root().parent("nonsense"), {});
            leaf();
        });
    });
    recorder.expect(&[
        "outer",
        "  lazy",
        "    leaf",
        "root",
        "  leaf",
        "  leaf",
        "root in root",
        "  leaf",
        "later root",
        "  leaf",
        "joined [remote parent]",
        "alone",
    ]);
}

/// Every way in which a trace goes on in this process.
fn whole_trace() {
    let tracer = otelier::bridge::TracerProvider::new().tracer("api");
    leaf();
    tracer.in_span("api", |_| leaf());
    drop(Span::start("by hand"));
    std::thread::scope(|scope| {
        scope.spawn(otelier::with_current_context(leaf));
    });
    one_thread().block_on(async {
        tokio::task::LocalSet::new()
            .run_until(trace_block!(name = "task", async { leaf() }).with_current_context())
            .await;
    });
    begun!("of the current", Begin::new().parent(&otelier::current_context()).sample(Sample::Always), { leaf() });
    begun!("hinted", Begin::new().sample(Sample::Always), { leaf() });
    begun!("hinted", Begin::new().sample(Sample::Never), { leaf() });
}

const WHOLE: [&str; 12] = [
    "  leaf",
    "  api",
    "    leaf",
    "  by hand",
    "  leaf",
    "  task",
    "    leaf",
    "  of the current",
    "    leaf",
    "  hinted",
    "    leaf",
    "  hinted",
];

#[test]
fn a_hint_decides_on_the_whole_trace_whatever_the_sampler() {
    for setting in [
        Sampler::AlwaysOn,
        Sampler::AlwaysOff,
        Sampler::parent_based(0.0),
        Sampler::parent_based(1.0),
        Sampler::TraceIdRatio(0.5),
    ] {
        let recorder = sampler(setting.clone());
        begun!("always", Begin::new().sample(Sample::Always), {
            assert!(seen().is_sampled());
            whole_trace();
        });
        begun!("never", Begin::new().sample(Sample::Never), {
            assert!(seen().is_valid() && !seen().is_sampled());
            whole_trace();
        });
        one_thread().block_on(begun_later!("later always", Begin::new().sample(Sample::Always), { leaf() }));
        one_thread().block_on(begun_later!("later never", Begin::new().sample(Sample::Never), {
            assert!(seen().is_valid() && !seen().is_sampled());
            leaf()
        }));
        let lines = [&["always"][..], &WHOLE, &["    leaf", "later always", "  leaf"]].concat();
        let (found, wanted) = (tree(recorder.spans()), lines.join("\n"));
        assert_eq!(found, wanted, "with {setting:?}");
    }
}

#[test]
fn a_hint_says_nothing_where_there_is_a_parent() {
    let recorder = sampler(Sampler::parent_based(0.0));
    begun!("sampled elsewhere", Begin::new().parent(HEADER).sample(Sample::Never), { leaf() });
    begun!("unsampled elsewhere", Begin::new().parent(UNSAMPLED).sample(Sample::Always), {
        assert_eq!((seen().is_sampled(), seen().trace_id().to_string().as_str()), (false, TRACE));
        leaf();
        begun!("below", Begin::new().parent(&otelier::current_context()).sample(Sample::Always), { leaf() });
        begun!("always", Begin::new().root().sample(Sample::Always), { leaf() });
        assert!(!leaf().is_sampled());
    });
    recorder.expect(&["sampled elsewhere [remote parent]", "  leaf", "always", "  leaf"]);
}

#[test]
fn a_trace_that_is_not_recorded_inside_of_one_that_is_leaves_it_whole() {
    let recorder = Recorder::start();
    static OUTER: Callsite = Callsite { keys: &["app.number"], ..Callsite::new("outer", Kind::Internal) };
    let mut span = Guard::new();
    span.enter(&OUTER);
    let record = |number: i64| {
        let slot = span.slot(0).expect("it is recorded");
        plain(&number).record(slot);
    };
    record(1);
    begun!("never", Begin::new().root().sample(Sample::Never), {
        record(2);
        span.links(&HEADER.parent_context());
        begun!("always", Begin::new().root().sample(Sample::Always), { record(3) });
        leaf();
    });
    drop(span);
    let spans = recorder.spans();
    assert_eq!(named(&spans, "outer").links.len(), 1);
    expect(spans, &["outer app.number=3", "always"]);
}

#[test]
fn a_ratio_chooses_the_traces_that_the_sampler_would() {
    let traces = |setting, sample: Option<f64>| {
        let recorder = sampler(setting);
        for _ in 0..1000 {
            let hint = sample.map_or(Begin::new(), |ratio| Begin::new().sample(Sample::Ratio(ratio)));
            begun!("asks", hint, { leaf() });
        }
        recorder.spans()
    };
    let low = |span: &SpanData| u128::from_be_bytes(span.span_context.trace_id().to_bytes()) as u64 & ((1 << 56) - 1);
    let hinted = traces(Sampler::AlwaysOff, Some(0.25));
    // Six standard deviations around a quarter: it fails once in a thousand million runs.
    assert!((2 * 168..=2 * 332).contains(&hinted.len()), "{}", hinted.len());
    assert!(hinted.iter().all(|span| low(span) >= 3 << 54));
    assert!(traces(Sampler::parent_based(0.25), None).iter().all(|span| low(span) >= 3 << 54));
    for (ratio, count) in [(0.0, 0), (1.0, 2000), (-1.0, 0), (7.0, 2000), (f64::NAN, 0), (f64::INFINITY, 2000)] {
        assert_eq!(traces(Sampler::parent_based(0.5), Some(ratio)).len(), count, "{ratio}");
    }
}

#[test]
fn tail_sampling_chooses_among_the_traces_that_a_hint_records() {
    let recorder = Recorder::with(
        Telemetry::default().with_sampler(Sampler::AlwaysOff).with_tail_sampling(TailSampling::failed()),
    );
    let fail = |fails: bool| {
        if fails {
            Context::current().span().set_status(opentelemetry::trace::Status::error("no"));
        }
        leaf();
    };
    begun!("fine", Begin::new().sample(Sample::Always), { fail(false) });
    begun!("failed", Begin::new().sample(Sample::Always), { fail(true) });
    begun!("never", Begin::new().sample(Sample::Never), { fail(true) });
    begun!("joined and fine", Begin::new().parent(HEADER), { fail(false) });
    begun!("unsampled", Begin::new(), { fail(true) });
    let (spans, stats) = recorder.finish();
    assert_eq!(tree(spans), "failed !no\n  leaf");
    assert_eq!((stats.started, stats.dropped_by_tail_sampling), (4, 2));
}

#[test]
fn a_suppressed_scope_wins_over_everything() {
    let recorder = Recorder::start();
    let suppressed = HEADER.parent_context().expect("it is valid").with_telemetry_suppressed();
    begun!("parent", Begin::new().parent(&suppressed), { assert!(!seen().is_valid()) });
    {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        begun!("a", Begin::new().root().sample(Sample::Always), { leaf() });
        begun!("b", Begin::new().parent(HEADER), { assert!(!seen().is_valid()) });
        one_thread().block_on(begun_later!("c", Begin::new().parent(HEADER), { leaf() }));
    }
    recorder.expect(&[]);
}

#[test]
fn nothing_is_evaluated_while_telemetry_is_off() {
    let _turn = crate::support::turn();
    begun!("sync", panic!("evaluated"), {});
    let future = begun_later!("async", panic!("evaluated"), { 7 });
    assert_eq!(one_thread().block_on(future), 7);
    assert!(begin(|| panic!("evaluated")).is_none());
}

struct Panics;

impl ParentContext for Panics {
    fn parent_context(&self) -> Option<Context> {
        leaf();
        panic!("a parent that panics")
    }
}

impl Links for Panics {
    fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
        leaf().each_link(f);
        panic!("links that panic")
    }
}

/// Says that it is valid, and is not.
struct Liar;

impl ParentContext for Liar {
    fn parent_context(&self) -> Option<Context> {
        Some(Context::new().with_baggage([KeyValue::new("user", "7")]))
    }
}

#[test]
fn a_parent_that_panics_or_lies_leaves_the_others_whole() {
    let recorder = Recorder::start();
    trace_block!(name = "outer", {
        let outside = active();
        let panicked = catch_unwind(AssertUnwindSafe(|| begun!("inner", Begin::new().parent(&Panics), { leaf() })));
        assert!(panicked.is_err());
        assert!(catch_unwind(|| begun_later!("inner", Begin::new().parent(&Panics), {})).is_err());
        assert_eq!(active(), outside);
        begun!("lied to", Begin::new().parent(&Liar), { assert_eq!(Context::current().baggage().len(), 0) });
    });
    recorder.expect(&["outer", "  leaf", "  leaf", "  lied to"]);
}

#[test]
fn a_panic_in_the_body_ends_the_span_and_what_was_current_is_back() {
    let recorder = Recorder::start();
    trace_block!(name = "outer", {
        let outside = (seen(), active());
        for begins in [Begin::new().root(), Begin::new().parent(HEADER), Begin::new().root().sample(Sample::Never)] {
            let future = begun_later!("later", begins.clone(), { panic!("no") });
            assert!(catch_unwind(AssertUnwindSafe(|| begun!("now", begins, { panic!("no") }))).is_err());
            assert!(catch_unwind(AssertUnwindSafe(|| one_thread().block_on(future))).is_err());
            assert_eq!((seen(), active()), outside);
        }
        leaf();
    });
    let spans = recorder.spans();
    assert_eq!(spans.len(), 6);
    assert_eq!(spans.iter().filter(|span| span.name == "now" || span.name == "later").count(), 4);
}

/// A value that panics when the last context that holds it is dropped.
struct Bomb(AtomicBool);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.0.load(Ordering::Relaxed), "a bomb");
    }
}

#[test]
fn what_lies_in_the_context_of_the_parent_may_panic_when_it_is_dropped() {
    let recorder = Recorder::start();
    let armed = || HEADER.parent_context().map(|context| context.with_value(Bomb(AtomicBool::new(true))));
    begun!("now", Begin::new().parent(&armed()), { leaf() });
    // Nothing is opened, so the last one to hold it is what says how to begin.
    {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        begun!("suppressed", Begin::new().parent(&armed()), {});
    }
    recorder.expect(&["now [remote parent]", "  leaf"]);
}

#[test]
fn a_guard_that_is_open_is_not_opened_again() {
    let recorder = Recorder::start();
    static SITE: Callsite = Callsite::new("once", Kind::Internal);
    let mut span = Guard::new();
    span.enter_with(&SITE, || Begin::new().root());
    span.enter_with(&SITE, || panic!("evaluated"));
    drop(span);
    recorder.expect(&["once"]);
}

fn linked(number: u64, remote: bool) -> SpanContext {
    let state = TraceState::from_key_value([("vendor", "value")]).expect("a valid state");
    SpanContext::new(TraceId::from(u128::from(number)), SpanId::from(number), TraceFlags::SAMPLED, remote, state)
}

/// What a span links to, and the number of attributes of each link.
fn links(span: &SpanData) -> Vec<(u64, usize)> {
    let id = |link: &Link| u64::from_be_bytes(link.span_context.span_id().to_bytes());
    span.links.iter().map(|link| (id(link), link.attributes.len())).collect()
}

static LINKS: Callsite = Callsite { keys: &["told", "app.after"], ..Callsite::new("links", Kind::Internal) };

#[test]
fn a_synchronous_span_links_to_all_that_is_valid() {
    let recorder = Recorder::start();
    let mut span = Guard::new();
    span.enter(&LINKS);
    span.links(&linked(1, false));
    span.links(&[Some(linked(2, true)), None, Some(SpanContext::NONE)]);
    span.links(&vec![Link::new(linked(3, true), vec![KeyValue::new("app.part", 3), KeyValue::new("app.of", "x")], 0)]);
    span.links(&Context::new());
    span.links(&HEADER.parent_context());
    span.links(&(linked(4, false), [KeyValue::new("app.part", 4)]));
    drop(span.event(0));
    trace_block!(name = "inner", {
        // The top of the scratch is another span's.
        span.links(&[&linked(5, false)] as &[_]);
        span.links(&SpanContext::NONE);
        assert!(catch_unwind(AssertUnwindSafe(|| span.links(&Panics))).is_err());
    });
    plain(&1).record(span.slot(1).expect("it is recorded"));
    span.links(&linked(6, false));
    drop(span);
    let spans = recorder.spans();
    let span = named(&spans, "links");
    let leaf = u64::from_be_bytes(named(&spans, "leaf").span_context.span_id().to_bytes());
    let parent = 0xb7ad_6b71_6920_3331;
    assert_eq!(links(span), [(1, 0), (2, 0), (3, 2), (parent, 0), (4, 1), (5, 0), (leaf, 0), (6, 0)]);
    let link = &span.links.links[2];
    assert!(link.span_context.is_remote() && link.span_context.is_sampled());
    assert_eq!(link.span_context.trace_state().header(), "vendor=value");
    assert_eq!(link.attributes[1], KeyValue::new("app.of", "x"));
    expect(spans, &["links app.after=1", "  * told", "  inner", "    leaf"]);
}

#[test]
fn an_asynchronous_span_links_to_all_that_is_valid() {
    let recorder = Recorder::start();
    let future = instrument(
        &LINKS,
        async {
            let anchor = ();
            let span = span_ref(&anchor);
            span.links(&[linked(1, false), SpanContext::NONE, linked(2, true)]);
            yield_now().await;
            trace_block!(name = "inner", { span.links(&linked(3, false)) });
            span.links(&Box::new(Some(linked(4, false))));
        },
        no_outcome,
    );
    one_thread().block_on(future);
    let spans = recorder.spans();
    assert_eq!(links(named(&spans, "links")), [(1, 0), (2, 0), (3, 0), (4, 0)]);
}

#[test]
fn links_stay_within_the_limits_and_the_others_are_counted() {
    let mut limits = Limits::default();
    (limits.links, limits.link_attributes) = (2, 1);
    let recorder = Recorder::with(Telemetry::default().with_limits(limits));
    let many: Vec<_> = (1..=5)
        .map(|number| (linked(number, false), vec![KeyValue::new("app.a", 1), KeyValue::new("app.b", 2)]))
        .collect();
    let mut span = Guard::new();
    span.enter(&LINKS);
    span.links(&many[..1]);
    trace_block!(name = "inner", { span.links(&many[1..]) });
    drop(span);
    one_thread().block_on(instrument(&LINKS, async { span_ref(&()).links(&many) }, no_outcome));
    let spans = recorder.spans();
    for span in spans.iter().filter(|span| span.name == "links") {
        assert_eq!(links(span), [(1, 1), (2, 1)]);
        assert_eq!(span.links.dropped_count, 3);
        assert!(span.links.iter().all(|link| link.dropped_attributes_count == 1));
    }
}

#[test]
fn links_are_not_looked_at_where_nothing_is_recorded() {
    let recorder = sampler(Sampler::AlwaysOff);
    let mut span = Guard::new();
    span.links(&Panics);
    span.enter(&LINKS);
    span.links(&Panics);
    drop(span);
    one_thread().block_on(instrument(&LINKS, async { span_ref(&()).links(&Panics) }, no_outcome));
    recorder.expect(&[]);
}
