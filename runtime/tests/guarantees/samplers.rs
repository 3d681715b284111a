//! Samplers that are asked: rules, rate limits, consistent probability, and all of them changed while threads run.

use crate::support::{Recorder, attribute, many_threads, named, tree};
use opentelemetry::trace::{
    FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use otelier::config::{Composable, ParentBased, Rule, Sampler, SpanParent};
use otelier::prelude::*;
use otelier::schema::Kind;
use otelier::{Span, SpanAttributes, Telemetry};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

fn sampler(sampler: Sampler) -> Recorder {
    Recorder::with(Telemetry::default().with_sampler(sampler))
}

fn rules(rules: impl IntoIterator<Item = Rule>) -> Sampler {
    Sampler::Composite(Composable::RuleBased(rules.into_iter().collect()))
}

/// Nothing about health checks, and everything about orders.
fn by_path() -> Sampler {
    rules([
        Rule::new(Composable::AlwaysOff).attribute_is("url.path", ["/health", "/ready"]),
        Rule::new(Composable::AlwaysOn).attribute_like("url.path", ["/orders/*"]),
    ])
}

fn remote(trace: u128, flags: TraceFlags, state: &str) -> Context {
    let state = TraceState::from_str(state).expect("it is valid");
    let span = SpanContext::new(TraceId::from(trace), SpanId::from(8), flags, true, state);
    Context::new().with_remote_span_context(span)
}

fn current() -> SpanContext {
    Context::current().span().span_context().clone()
}

#[derive(SpanAttributes)]
#[attributes(prefix = "url")]
struct Url {
    path: &'static str,
}

#[trace(url.path = path)]
fn handle(path: &str) -> SpanContext {
    leaf();
    current()
}

#[trace(url.path = path)]
async fn handle_later(path: &str) -> SpanContext {
    leaf();
    tokio::task::yield_now().await;
    leaf();
    current()
}

#[trace(..*url)]
fn handle_struct(url: &Url) -> SpanContext {
    leaf();
    current()
}

#[trace(..*url)]
async fn handle_struct_later(url: &Url) -> SpanContext {
    tokio::task::yield_now().await;
    leaf();
    current()
}

#[trace(future, url.path = path)]
fn handle_made_elsewhere(path: &'static str) -> impl Future<Output = SpanContext> {
    async move {
        leaf();
        current()
    }
}

#[trace(parent = parent, url.path = path)]
fn handle_below(parent: &Context, path: &str) -> SpanContext {
    current()
}

#[trace(parent = parent, url.path = path)]
async fn handle_below_later(parent: &Context, path: &str) -> SpanContext {
    tokio::task::yield_now().await;
    current()
}

#[trace]
fn leaf() {}

#[test]
fn rules_see_the_attributes_that_annotations_give() {
    let recorder = sampler(by_path());
    let runtime = many_threads();
    for (path, kept) in [("/health", false), ("/orders/7", true), ("/else", false), ("/ready", false)] {
        let url = match path {
            "/orders/7" => Url { path: "/orders/7" },
            _ => Url { path: "/health" },
        };
        let seen = [
            handle(path),
            runtime.block_on(handle_later(path)),
            handle_struct(&url),
            runtime.block_on(handle_struct_later(&url)),
            runtime.block_on(handle_made_elsewhere(url.path)),
            handle_below(&remote(5, TraceFlags::SAMPLED, ""), path),
            runtime.block_on(handle_below_later(&remote(6, TraceFlags::SAMPLED, ""), path)),
        ];
        for (way, span) in seen.into_iter().enumerate() {
            assert!(span.is_valid());
            assert_eq!(span.is_sampled(), kept, "{path}, way {way}");
            // What always holds is told with the threshold of certainty.
            assert_eq!(span.trace_state().get("ot"), kept.then_some("th:0"), "{path}, way {way}");
        }
    }
    recorder.expect(&[
        "handle url.path=/orders/7",
        "  leaf",
        "handle_later url.path=/orders/7",
        "  leaf",
        "  leaf",
        "handle_struct url.path=/orders/7",
        "  leaf",
        "handle_struct_later url.path=/orders/7",
        "  leaf",
        "handle_made_elsewhere url.path=/orders/7",
        "  leaf",
        "handle_below [remote parent] url.path=/orders/7",
        "handle_below_later [remote parent] url.path=/orders/7",
    ]);
}

#[test]
fn rules_see_the_attributes_that_builders_and_tracers_give() {
    let recorder = sampler(by_path());
    let tracer = otelier::bridge::TracerProvider::new().tracer("theirs");
    for path in ["/health", "/orders/7"] {
        let kept = path != "/health";
        let span = Span::builder("by hand").attribute("url.path", path).start();
        assert_eq!(span.span_context().is_sampled(), kept);
        span.in_scope(leaf);
        span.end();
        let builder = tracer.span_builder("theirs").with_attributes([KeyValue::new("url.path", path)]);
        let span = tracer.build(builder);
        let context = Context::current_with_span(span);
        assert_eq!(context.span().span_context().is_sampled(), kept);
        let _attached = context.attach();
        leaf();
    }
    recorder.expect(&["by hand url.path=/orders/7", "  leaf", "theirs url.path=/orders/7", "  leaf"]);
}

#[test]
fn rules_look_at_kinds_names_parents_and_constants() {
    let recorder = sampler(rules([
        Rule::new(Composable::AlwaysOff).span_name("health*"),
        Rule::new(Composable::AlwaysOn).span_kind(Kind::Client).span_kind(Kind::Server).parent(SpanParent::Remote),
        Rule::new(Composable::AlwaysOn).attribute_is("app.number", ["404"]).parent(SpanParent::None),
        Rule::new(Composable::AlwaysOn).attribute_like("app.list", ["b*"]).parent(SpanParent::Local),
    ]));
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let theirs = provider.tracer("theirs").start("theirs");
    let parents = [
        ("none", Context::new()),
        ("remote", remote(5, TraceFlags::NOT_SAMPLED, "")),
        ("local", Context::new().with_span(theirs)),
    ];
    for (place, parent) in &parents {
        for (name, kind) in [("healthy", Kind::Server), ("serve", Kind::Server), ("work", Kind::Internal)] {
            Span::builder(format!("{name} {place}")).kind(kind).parent(parent).start().end();
        }
        let _attached = parent.clone().attach();
        trace_block!(name = "constant", app.number = 404, { current() });
        Span::builder(format!("list {place}")).attribute("app.list", ["a", "b1"]).start().end();
    }
    drop(parents);
    let mut names: Vec<_> = recorder.spans().into_iter().map(|span| span.name.into_owned()).collect();
    names.sort_unstable();
    assert_eq!(names, ["constant", "list local", "serve remote"]);
}

static EVALUATED: AtomicUsize = AtomicUsize::new(0);

fn counted() -> i64 {
    EVALUATED.fetch_add(1, Relaxed) as i64
}

#[trace(kind = server, app.counted = counted())]
fn counts() {
    leaf_counts();
}

#[trace(kind = server, app.counted = counted())]
async fn counts_later() {
    tokio::task::yield_now().await;
    leaf_counts();
}

#[trace(app.counted = counted())]
fn leaf_counts() {}

#[test]
fn values_are_evaluated_before_the_decision_only_where_a_rule_asks_for_attributes() {
    let evaluated = |settings: Sampler, parent: Context| {
        let recorder = sampler(settings);
        EVALUATED.store(0, Relaxed);
        {
            let _attached = parent.attach();
            counts();
            many_threads().block_on(counts_later().with_current_context());
        }
        recorder.expect(&[]);
        EVALUATED.load(Relaxed)
    };
    let by_kind = rules([Rule::new(Composable::AlwaysOff).span_kind(Kind::Server)]);
    assert_eq!(evaluated(by_kind, Context::new()), 0);
    let never = rules([Rule::new(Composable::AlwaysOn).attribute_is("app.counted", ["-1"])]);
    assert_eq!(evaluated(never.clone(), Context::new()), 2, "of the roots, once each");
    let at_the_root = Sampler::ParentBased(Box::new(ParentBased::new(never.clone())));
    assert_eq!(evaluated(at_the_root, remote(5, TraceFlags::NOT_SAMPLED, "")), 0, "the parent decides");
    let Sampler::Composite(never) = never else { unreachable!("it is one") };
    let threshold = Sampler::Composite(Composable::ParentThreshold(Box::new(never)));
    assert_eq!(evaluated(threshold, remote(5, TraceFlags::NOT_SAMPLED, "")), 0, "the parent decides");
}

#[trace(app.value = 1 + 1)]
fn outer() -> i64 {
    leaf();
    7
}

#[test]
fn values_that_are_traced_themselves_or_panic_or_await_leave_all_in_order() {
    #[trace(app.value = outer(), app.last = "x".to_owned())]
    fn nested() -> SpanContext {
        leaf();
        current()
    }
    #[trace(app.value = panics())]
    fn fails() {}
    #[trace(app.value = panics())]
    async fn fails_later() {}
    #[trace(app.value = later().await, app.path = "x".to_owned())]
    async fn awaits() {
        record!(app.after = 1);
        tokio::task::yield_now().await;
        leaf();
    }
    async fn later() -> i64 {
        tokio::task::yield_now().await;
        3
    }
    fn panics() -> i64 {
        std::panic::resume_unwind(Box::new("a value's own"));
    }
    let recorder = sampler(rules([
        Rule::new(Composable::AlwaysOn).attribute_is("app.value", ["7"]),
        Rule::new(Composable::AlwaysOff).attribute_is("app.value", ["2"]),
        Rule::new(Composable::AlwaysOn),
    ]));
    assert!(nested().is_sampled());
    assert!(catch_unwind(fails).is_err());
    let runtime = many_threads();
    assert!(catch_unwind(AssertUnwindSafe(|| runtime.block_on(fails_later()))).is_err());
    runtime.block_on(awaits());
    assert!(nested().is_sampled(), "what panicked has left nothing behind");
    assert!(!current().is_valid());
    let spans = recorder.spans();
    let text = tree(spans.clone());
    assert_eq!(text.matches("nested app.value=7 app.last=x\n  leaf").count(), 2, "{text}");
    assert_eq!(text.matches("outer").count(), 0, "{text}");
    let awaits = named(&spans, "awaits");
    for key in ["app.value", "app.path", "app.after"] {
        assert!(attribute(awaits, key).is_some(), "{key} in {awaits:?}");
    }
}

#[test]
fn a_future_that_is_dropped_or_moved_after_its_first_poll_keeps_its_span() {
    let recorder = sampler(by_path());
    many_threads().block_on(async {
        tokio::spawn(handle_later("/orders/1")).await.expect("no panic");
        let mut dropped = Box::pin(handle_later("/orders/2"));
        assert!(std::future::poll_fn(|task| std::task::Poll::Ready(dropped.as_mut().poll(task).is_pending())).await);
        assert!(!current().is_valid(), "it is current only while it is polled");
        drop(dropped);
        drop(handle_later("/orders/3"));
    });
    let spans = recorder.spans();
    let handled: Vec<_> = spans.iter().filter(|span| span.name == "handle_later").collect();
    assert_eq!(handled.len(), 2, "{}", tree(spans.clone()));
}

#[test]
fn the_branches_of_a_parent_based_sampler_are_for_their_parents() {
    let recorder = sampler(Sampler::ParentBased(Box::new(ParentBased {
        root: Sampler::AlwaysOff,
        remote_parent_sampled: Sampler::AlwaysOff,
        remote_parent_not_sampled: Sampler::AlwaysOn,
        local_parent_sampled: Sampler::AlwaysOff,
        local_parent_not_sampled: Sampler::AlwaysOff,
    })));
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let local = Context::new().with_span(provider.tracer("theirs").start("theirs"));
    for (parent, kept) in [
        (Context::new(), false),
        (remote(5, TraceFlags::SAMPLED, ""), false),
        (remote(6, TraceFlags::NOT_SAMPLED, ""), true),
        (local, false),
    ] {
        let _attached = parent.attach();
        let (inside, handed_on) = trace_block!(name = "asks", {
            leaf();
            let context = Context::current();
            let handed_on = std::thread::spawn(move || {
                let _attached = context.attach();
                trace_block!(name = "elsewhere", { current().is_sampled() })
            });
            (current().is_sampled(), handed_on.join().expect("no panic"))
        });
        assert_eq!((inside, handed_on), (kept, kept), "what we record stays whole");
    }
    recorder.expect(&["asks [remote parent]", "  leaf", "  elsewhere"]);
}

#[test]
fn a_consistent_sampler_tells_its_threshold_to_everybody_below() {
    let recorder = sampler(Sampler::Probability(0.25));
    let low = |randomness: u128| randomness | 0xabc << 64;
    for (trace, kept) in [(0xbf_ffff_ffff_ffff, false), (0xc0_0000_0000_0000, true)] {
        // The sampler does not ask the parent, whose threshold becomes ours.
        let _attached = remote(low(trace), TraceFlags::NOT_SAMPLED, "a=b,ot=th:8;x:y").attach();
        trace_block!(name = "root", {
            let (inside, root) = (trace_block!(name = "inside", { current() }), current());
            assert_eq!((inside.is_sampled(), root.is_sampled()), (kept, kept));
            let state = if kept { "ot=th:c;x:y,a=b" } else { "ot=x:y,a=b" };
            assert_eq!((inside.trace_state().header(), root.trace_state().header()), (state.into(), state.into()));
            let mut headers = HashMap::new();
            opentelemetry::global::get_text_map_propagator(|propagator| propagator.inject(&mut headers));
            assert_eq!(headers.get("tracestate").map(String::as_str), Some(state));
        });
    }
    // Somebody says how random the trace is.
    let _attached = remote(low(0), TraceFlags::NOT_SAMPLED, "ot=rv:c0000000000001").attach();
    assert_eq!(leaf_state(), (true, "ot=th:c;rv:c0000000000001".into()));
    let spans = recorder.spans();
    assert_eq!(spans.len(), 3);
    assert!(spans.iter().all(|span| span.span_context.trace_state().header().starts_with("ot=th:c;")));
}

#[trace]
fn leaf_state() -> (bool, String) {
    (current().is_sampled(), current().trace_state().header())
}

#[test]
fn a_parent_threshold_is_respected_and_one_that_contradicts_itself_is_not() {
    let recorder = sampler(Sampler::Composite(Composable::ParentThreshold(Box::new(Composable::Probability(0.5)))));
    let below = |trace, flags, state: &str| {
        let _attached = remote(trace, flags, state).attach();
        leaf_state()
    };
    let (high, low) = (0xff_0000_0000_0000, 0x10_0000_0000_0000);
    let (yes, no) = (TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED);
    assert_eq!(below(high, yes, "ot=th:e"), (true, "ot=th:e".into()));
    assert_eq!(below(low, no, "ot=th:e"), (false, String::new()), "what is not kept tells nothing");
    assert_eq!(below(low, yes, "ot=th:e"), (true, String::new()), "the decision counts, and nothing is told");
    assert_eq!(below(high, no, "ot=th:e"), (false, String::new()));
    assert_eq!(below(low, yes, "a=b"), (true, "a=b".into()));
    assert_eq!(below(high, no, "a=b"), (false, "a=b".into()));
    for _ in 0..20 {
        let (kept, state) = leaf_state();
        assert_eq!(state, if kept { "ot=th:8" } else { "" });
    }
    drop(recorder);
}

#[test]
fn a_rate_limit_keeps_the_first_traces_of_a_second_whole() {
    let recorder = sampler(Sampler::RateLimit(2.0));
    let run = || {
        trace_block!(name = "root", {
            let context = Context::current();
            let elsewhere = std::thread::spawn(move || {
                let _attached = context.attach();
                leaf();
            });
            elsewhere.join().expect("no panic");
            leaf();
        });
    };
    (0..20).for_each(|_| run());
    let counts = recorder.telemetry().sampling_counts().expect("they are counted");
    // The machine may be so slow that more than a second goes by.
    assert!((2..20).contains(&counts.kept), "{counts:?}");
    let spans = recorder.spans();
    let roots = spans.iter().filter(|span| span.name == "root").count();
    assert_eq!(spans.len(), 3 * roots, "{}", tree(spans.clone()));
}

#[trace(sample = always)]
fn hinted() {
    leaf();
}

#[trace(sample = never)]
fn hinted_never() {
    let context = Context::current();
    let elsewhere = std::thread::spawn(move || {
        let _attached = context.attach();
        leaf();
    });
    elsewhere.join().expect("no panic");
}

#[test]
fn hints_of_annotations_win_over_every_sampler() {
    for settings in [rules([Rule::new(Composable::AlwaysOff)]), rules([Rule::new(Composable::AlwaysOn)])] {
        let recorder = sampler(settings);
        hinted();
        hinted_never();
        let counts = recorder.telemetry().sampling_counts().expect("they are counted");
        assert_eq!(counts.by_hint, 1);
        recorder.expect(&["hinted", "  leaf"]);
    }
}

#[test]
fn every_refusal_is_counted_with_its_reason() {
    let recorder = sampler(Sampler::ParentBased(Box::new(ParentBased::new(rules([
        Rule::new(Composable::AlwaysOff).span_name("off"),
        Rule::new(Composable::RuleBased(vec![Rule::new(Composable::Probability(0.0)).span_name("inner*")]))
            .span_name("inner")
            .span_name("outer"),
        Rule::new(Composable::RateLimit(1e-6)).span_name("limited"),
    ])))));
    for name in ["off", "off", "inner", "outer", "limited", "limited", "limited", "else"] {
        Span::start(name).end();
    }
    Span::builder("below").parent(&remote(7, TraceFlags::NOT_SAMPLED, "")).start().end();
    let counts = recorder.telemetry().sampling_counts().expect("they are counted");
    assert_eq!((counts.kept, counts.by_parent, counts.by_no_rule), (1, 1, 1), "{counts:?}");
    assert_eq!(counts.by_rule, [2, 1, 1, 2], "{counts:?}");
    recorder.telemetry().set_sampler(Sampler::AlwaysOn).expect("it is one");
    assert_eq!(recorder.telemetry().sampling_counts(), None);
    recorder.expect(&["limited"]);
}

#[test]
fn the_sampler_changes_while_threads_run_and_every_trace_stays_whole() {
    let recorder = sampler(Sampler::AlwaysOff);
    let stop = AtomicBool::new(false);
    let change = |sampler| recorder.telemetry().set_sampler(sampler).expect("it is one");
    let samplers = [
        Sampler::AlwaysOn,
        by_path(),
        Sampler::RateLimit(1e6),
        Sampler::parent_based(0.5),
        Sampler::Probability(0.5),
        Sampler::AlwaysOff,
    ];
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    let root = handle("/orders/7");
                    assert!(root.is_valid());
                    trace_block!(name = "root", {
                        let context = Context::current();
                        leaf();
                        let _attached = context.attach();
                        leaf();
                    });
                }
            });
        }
        for _ in 0..200 {
            samplers.iter().cloned().for_each(change);
            std::thread::yield_now();
        }
        stop.store(true, Relaxed);
    });
    assert!(recorder.telemetry().set_sampler(Sampler::Probability(2.0)).is_err());
    recorder.telemetry().set_sampler(Sampler::AlwaysOn).expect("it is one");
    leaf();
    let (spans, _) = recorder.finish();
    assert!(spans.iter().any(|span| span.name == "leaf" && span.parent_span_id == SpanId::INVALID), "the last one");
    let mut traces: HashMap<TraceId, Vec<&str>> = HashMap::new();
    for span in &spans {
        traces.entry(span.span_context.trace_id()).or_default().push(&span.name);
    }
    for (_, mut names) in traces {
        names.sort_unstable();
        assert!(
            matches!(names[..], ["handle", "leaf"] | ["leaf", "leaf", "root"] | ["leaf"]),
            "a part of a trace is missing: {names:?}"
        );
    }
}
