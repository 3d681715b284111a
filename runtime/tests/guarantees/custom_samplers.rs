//! Samplers that somebody else has written.

use crate::support::{Recorder, attribute, tree};
use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler as SdkSampler, SamplingDecision, SamplingResult, ShouldSample};
use otelier::config::{CustomSampler, ParentBased, Sampler};
use otelier::prelude::*;
use otelier::{Guard, Span, SpanAttributes, Telemetry};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, Weak};

fn custom(sampler: impl ShouldSample + 'static) -> Sampler {
    Sampler::Custom(CustomSampler::new(sampler))
}

fn recorder(sampler: Sampler) -> Recorder {
    Recorder::with(Telemetry::default().with_sampler(sampler))
}

fn below(trace: u128, flags: TraceFlags, state: &str) -> Context {
    let state = TraceState::from_str(state).expect("it is valid");
    let span = SpanContext::new(TraceId::from(trace), SpanId::from(8), flags, true, state);
    Context::new().with_remote_span_context(span)
}

const YES: TraceFlags = TraceFlags::SAMPLED;
const NO: TraceFlags = TraceFlags::NOT_SAMPLED;

#[trace]
fn leaf() {}

#[derive(SpanAttributes)]
#[attributes(prefix = "app")]
struct Tenant {
    tenant: &'static str,
}

#[trace(app.tenant = tenant)]
fn handle(tenant: &str) {
    leaf();
}

#[trace(app.tenant = tenant)]
async fn handle_later(tenant: &str) {
    tokio::task::yield_now().await;
    leaf();
}

#[test]
fn samplers_of_the_sdk_decide_as_they_do_there() {
    let low_and_high = |sampler: Sampler| {
        let recorder = recorder(sampler);
        for (name, trace) in [("low", 1_u128), ("high", u128::from(u64::MAX >> 1))] {
            for (suffix, flags) in [("yes", YES), ("no", NO)] {
                Span::builder(format!("{name} {suffix}")).parent(&below(trace, flags, "")).start().end();
            }
        }
        Span::start("root").end();
        let mut names: Vec<_> = recorder.finish().0.into_iter().map(|span| span.name.into_owned()).collect();
        names.sort_unstable();
        names
    };
    let all = ["high no", "high yes", "low no", "low yes", "root"];
    assert_eq!(low_and_high(custom(SdkSampler::AlwaysOn)), all);
    assert_eq!(low_and_high(custom(SdkSampler::AlwaysOff)), [""; 0]);
    let parents = || SdkSampler::ParentBased(Box::new(SdkSampler::AlwaysOff));
    assert_eq!(low_and_high(custom(parents())), ["high yes", "low yes"]);
    let ratio = low_and_high(custom(SdkSampler::TraceIdRatioBased(0.5)));
    assert_eq!(&ratio[ratio.len() - 2.min(ratio.len())..].len(), &2, "{ratio:?}");
    assert!(ratio.iter().any(|name| name == "low no"), "it does not ask the parent: {ratio:?}");
    let branch = ParentBased {
        remote_parent_not_sampled: custom(SdkSampler::AlwaysOn),
        ..ParentBased::new(custom(SdkSampler::AlwaysOff))
    };
    assert_eq!(low_and_high(Sampler::ParentBased(Box::new(branch))), ["high no", "high yes", "low no", "low yes"]);
}

/// Keeps the gold tenants, says so, and remembers what it was asked.
#[derive(Clone, Debug, Default)]
struct Tenants {
    asked: Arc<Mutex<Vec<String>>>,
}

impl ShouldSample for Tenants {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|parent| parent.span().span_context().clone());
        let tenant = attributes.iter().find(|given| given.key.as_str() == "app.tenant");
        let tenant = tenant.map_or_else(String::new, |given| given.value.as_str().into_owned());
        // What it makes itself is nobody's, and asks nobody.
        leaf();
        let parent_state = parent.as_ref().map(|parent| parent.trace_state().header());
        let mut asked = self.asked.lock().expect("no panic");
        asked.push(format!("{name} {kind:?} {tenant} {parent_state:?} {}", links.len()));
        let decision = match &*tenant {
            "gold" => SamplingDecision::RecordAndSample,
            "silver" => SamplingDecision::RecordOnly,
            _ => SamplingDecision::Drop,
        };
        let state = parent.map(|parent| parent.trace_state().clone()).unwrap_or_default();
        SamplingResult {
            decision,
            attributes: vec![KeyValue::new("app.tier", tenant), KeyValue::new("app.tenant", "overridden")],
            trace_state: state.insert("theirs", "1").expect("it is valid"),
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn it_is_told_the_attributes_and_what_it_answers_goes_onto_the_span() {
    let tenants = Tenants::default();
    let recorder = recorder(custom(tenants.clone()));
    for tenant in ["gold", "silver", "tin"] {
        handle(tenant);
        handle_later(tenant).await;
    }
    Span::builder("by hand").parent(&below(7, NO, "a=b")).attributes(&Tenant { tenant: "gold" }).start().end();
    let counts = recorder.telemetry().sampling_counts().expect("they are counted");
    assert_eq!((counts.kept, counts.kept_by_custom, counts.by_custom), (3, 3, 4), "{counts:?}");
    let (spans, _) = recorder.finish();
    assert_eq!(spans.len(), 5, "{}", tree(spans.clone()));
    for span in spans.iter().filter(|span| span.name != "leaf") {
        assert_eq!(attribute(span, "app.tier").map(|value| value.to_string()).as_deref(), Some("gold"), "{span:?}");
        let tenants: Vec<_> = span.attributes.iter().filter(|given| given.key.as_str() == "app.tenant").collect();
        assert_eq!(tenants.len(), 1, "{tenants:?}");
        assert_eq!(tenants[0].value.as_str(), "gold", "what the span says itself counts");
    }
    let states: Vec<_> = spans.iter().map(|span| span.span_context.trace_state().header()).collect();
    assert!(states.iter().all(|state| state.starts_with("theirs=1")), "{states:?}");
    let asked = tenants.asked.lock().expect("no panic");
    assert_eq!(asked[0], "handle Internal gold None 0");
    assert_eq!(asked[6], "by hand Internal gold Some(\"a=b\") 0");
    assert_eq!(asked.len(), 7, "once for each trace: {asked:?}");
}

#[derive(Clone, Debug)]
struct Panics;

impl ShouldSample for Panics {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        panic!("on purpose")
    }
}

#[test]
fn where_it_panics_the_parent_has_decided_and_what_begins_here_is_not_recorded() {
    let recorder = recorder(custom(Panics));
    leaf();
    Span::start("root").end();
    Span::builder("below yes").parent(&below(7, YES, "")).start().end();
    Span::builder("below no").parent(&below(7, NO, "")).start().end();
    let counts = recorder.telemetry().sampling_counts().expect("they are counted");
    assert_eq!((counts.kept, counts.by_panic), (1, 3), "{counts:?}");
    recorder.expect(&["below yes [remote parent]"]);
}

/// Installs another one while it is asked.
#[derive(Clone, Debug)]
struct Leaves(Arc<Mutex<Option<Guard>>>, Arc<AtomicUsize>);

impl ShouldSample for Leaves {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        self.1.fetch_add(1, Relaxed);
        if let Some(guard) = &*self.0.lock().expect("no panic") {
            guard.set_sampler(Sampler::AlwaysOff).expect("it is one");
        }
        SamplingResult {
            decision: SamplingDecision::RecordAndSample,
            attributes: Vec::new(),
            trace_state: TraceState::NONE,
        }
    }
}

#[test]
fn it_may_install_another_sampler_while_it_is_asked() {
    let _turn = crate::support::turn();
    let memory = otelier::export::MemoryExporter::new(10);
    let place = Arc::new(Mutex::new(None));
    let asked = Arc::new(AtomicUsize::new(0));
    let sampler = custom(Leaves(Arc::clone(&place), Arc::clone(&asked)));
    let telemetry = crate::support::start(Telemetry::default().with_sampler(sampler), memory.clone());
    *place.lock().expect("no panic") = Some(telemetry);
    leaf();
    leaf();
    let telemetry = place.lock().expect("no panic").take().expect("it was put there");
    telemetry.shutdown().expect("in time");
    assert_eq!((memory.spans().len(), asked.load(Relaxed)), (1, 1));
}

/// Keeps everything, and when it is gone does something.
#[derive(Clone, Debug)]
struct Ends(Arc<End>);

#[derive(Debug)]
struct End {
    telemetry: OnceLock<Weak<Guard>>,
    ended: Arc<AtomicUsize>,
    end: fn(&Guard),
}

impl Drop for End {
    fn drop(&mut self) {
        self.ended.fetch_add(1, Relaxed);
        if let Some(telemetry) = self.telemetry.get().and_then(Weak::upgrade) {
            (self.end)(&telemetry);
        }
    }
}

impl ShouldSample for Ends {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        assert_eq!(self.0.ended.load(Relaxed), 0, "it is not asked any more");
        SamplingResult {
            decision: SamplingDecision::RecordAndSample,
            attributes: Vec::new(),
            trace_state: TraceState::NONE,
        }
    }
}

/// A pipeline whose sampler ends so, while `f` runs; returns how many spans there were, and how many samplers have ended.
fn with_one_that_ends(end: fn(&Guard), f: impl FnOnce(&Guard)) -> (usize, usize) {
    let _turn = crate::support::turn();
    let memory = otelier::export::MemoryExporter::new(10);
    let ended = Arc::new(AtomicUsize::new(0));
    let its = Arc::new(End { telemetry: OnceLock::new(), ended: Arc::clone(&ended), end });
    let settings = Telemetry::default().with_sampler(custom(Ends(Arc::clone(&its))));
    let telemetry = Arc::new(crate::support::start(settings, memory.clone()));
    its.telemetry.set(Arc::downgrade(&telemetry)).expect("it is set once");
    drop(its);
    f(&telemetry);
    Arc::into_inner(telemetry).expect("nobody else has it").shutdown().expect("in time");
    (memory.spans().len(), ended.load(Relaxed))
}

#[test]
fn when_it_ends_it_may_set_another_sampler() {
    let off: fn(&Guard) = |guard| guard.set_sampler(Sampler::AlwaysOff).expect("it is one");
    let change: fn(&Guard) = |guard| guard.set_sampler(Sampler::AlwaysOn).expect("it is one");
    let reload: fn(&Guard) = |guard| guard.reload(&Telemetry::default()).expect("it is a sampler");
    let changes = [("set_sampler", change), ("reload", reload)];
    for (name, change) in changes {
        let found = with_one_that_ends(off, |guard| {
            change(guard);
            assert_eq!(guard.health().sampler, Sampler::AlwaysOff, "{name}: what its end has set");
            leaf();
        });
        assert_eq!(found, (0, 1), "{name}");
        // Here a thread has asked it, and lets go of it where it asks the next one.
        let found = with_one_that_ends(off, |guard| {
            leaf();
            guard.set_sampler(Sampler::RateLimit(1e9)).expect("it is one");
            assert_ne!(guard.health().sampler, Sampler::AlwaysOff, "{name}: it has not ended yet");
            change(guard);
            guard.set_sampler(Sampler::RateLimit(1e9)).expect("it is one");
            leaf();
            assert_eq!(guard.health().sampler, Sampler::AlwaysOff, "{name}");
            leaf();
        });
        assert_eq!(found.1, 1, "{name}");
        assert!((1..=2).contains(&found.0), "{name}: the last one is refused for certain: {found:?}");
    }
}

#[test]
fn where_its_end_panics_the_next_one_is_in_force_all_the_same() {
    let panics: fn(&Guard) = |_| panic!("on purpose");
    let kept = with_one_that_ends(panics, |guard| {
        guard.set_sampler(Sampler::AlwaysOff).expect("it is one");
        leaf();
        guard.reload(&Telemetry::default()).expect("settings can still change");
        leaf();
    });
    assert_eq!(kept, (1, 1));
    let kept = with_one_that_ends(panics, |guard| {
        leaf();
        guard.reload(&Telemetry::default().with_sampler(Sampler::RateLimit(1e9))).expect("it is a sampler");
        leaf();
    });
    assert_eq!(kept, (2, 1));
}

/// Keeps what is linked to something with an attribute, and remembers the links that it is shown.
#[derive(Clone, Debug, Default)]
struct Linked(Arc<Mutex<Vec<Shown>>>);

/// The span that asked, and its links.
type Shown = (String, Vec<Link>);

impl Linked {
    fn take(&self) -> Vec<Shown> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

impl ShouldSample for Linked {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        name: &str,
        _: &SpanKind,
        _: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        self.0.lock().expect("no panic").push((name.to_owned(), links.to_vec()));
        let is_kept = links.iter().any(|link| !link.attributes.is_empty());
        SamplingResult {
            decision: if is_kept { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop },
            attributes: Vec::new(),
            trace_state: TraceState::NONE,
        }
    }
}

fn link(number: u64, flags: TraceFlags, is_remote: bool, state: &str, attributes: Vec<KeyValue>) -> Link {
    let state = TraceState::from_str(state).expect("it is valid");
    let context = SpanContext::new(TraceId::from(77), SpanId::from(number), flags, is_remote, state);
    Link::new(context, attributes, 0)
}

fn causes() -> Vec<Link> {
    let attributes = vec![
        KeyValue::new("app.text", "é"),
        KeyValue::new("app.count", 3),
        KeyValue::new("app.share", 0.5),
        KeyValue::new("app.last", true),
        KeyValue::new("app.list", opentelemetry::Value::Array(vec![1_i64, 2].into())),
    ];
    vec![link(1, YES, true, "a=1,b=2", attributes), link(2, NO, false, "", Vec::new())]
}

#[trace(link = causes)]
fn linked(causes: &[Link]) {
    leaf();
}

#[trace(link = causes, app.tenant = "gold".to_owned(), ..&Tenant { tenant: "tin" })]
fn linked_and_more(causes: &[Link]) {}

#[trace(link = causes)]
async fn linked_later(causes: &[Link]) {
    tokio::task::yield_now().await;
}

#[trace(link = causes, app.tenant = tenant)]
async fn linked_and_more_later(causes: &[Link], tenant: &str) {
    tokio::task::yield_now().await;
}

#[tokio::test(flavor = "current_thread")]
async fn it_is_shown_the_links_that_a_span_begins_with_as_it_is_by_the_sdk() {
    use opentelemetry::trace::{Tracer, TracerProvider};
    let sampler = Linked::default();
    let build = |tracer: &dyn Fn(opentelemetry::trace::SpanBuilder)| {
        for links in [Some(causes()), Some(causes().split_off(1)), Some(Vec::new()), None] {
            let mut builder = opentelemetry::trace::SpanBuilder::from_name("work");
            builder.links = links;
            tracer(builder);
        }
        sampler.take()
    };
    let theirs = opentelemetry_sdk::trace::SdkTracerProvider::builder().with_sampler(sampler.clone()).build();
    let expected = build(&|builder| drop(theirs.tracer("theirs").build_with_context(builder, &Context::new())));
    assert_eq!(expected.iter().map(|(_, links)| links.len()).collect::<Vec<_>>(), [2, 1, 0, 0]);

    let recorder = recorder(custom(sampler.clone()));
    let tracer = otelier::bridge::TracerProvider::new().tracer("ours");
    let found = build(&|builder| drop(tracer.build_with_context(builder, &Context::new())));
    assert_eq!(found, expected, "by OpenTelemetry's API");

    for causes in [causes(), causes().split_off(1), Vec::new()] {
        Span::builder("by hand").links(&causes).start().end();
        linked(&causes);
        linked_and_more(&causes);
        linked_later(&causes).await;
        linked_and_more_later(&causes, "gold").await;
        let found = sampler.take();
        let names: Vec<_> = found.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["by hand", "linked", "linked_and_more", "linked_later", "linked_and_more_later"]);
        for (name, links) in found {
            assert_eq!(links, causes, "{name}");
        }
    }
    let counts = recorder.telemetry().sampling_counts().expect("they are counted");
    assert_eq!((counts.kept, counts.by_custom), (6, 13), "{counts:?}");
    let (spans, _) = recorder.finish();
    assert_eq!(spans.len(), 7, "{}", tree(spans.clone()));
    for span in spans.iter().filter(|span| span.name != "leaf") {
        assert_eq!(span.links.links, causes(), "{}: they are recorded once", span.name);
    }
}

#[test]
fn no_more_links_are_shown_to_it_than_a_span_may_have() {
    let sampler = Linked::default();
    let mut limits = otelier::config::Limits::default();
    limits.links = 3;
    let recorder = Recorder::with(Telemetry::default().with_sampler(custom(sampler.clone())).with_limits(limits));
    let many: Vec<_> =
        (1..10).map(|number| link(number, YES, true, "", vec![KeyValue::new("app.number", 1)])).collect();
    linked(&many);
    Span::builder("by hand").links(&many).start().end();
    assert_eq!(sampler.take().iter().map(|(_, links)| links.len()).collect::<Vec<_>>(), [3, 3]);
    let (spans, _) = recorder.finish();
    for span in spans.iter().filter(|span| span.name != "leaf") {
        assert_eq!((span.links.links.len(), span.links.dropped_count), (3, 6), "{}", span.name);
    }
}

#[test]
fn nobody_looks_at_links_of_what_other_samplers_refuse() {
    struct Counts<'a>(&'a AtomicUsize);

    impl otelier::relation::Links for Counts<'_> {
        fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
            self.0.fetch_add(1, Relaxed);
            f(&causes()[0].span_context, &[]);
        }
    }

    #[trace(link = Counts(looked))]
    fn looks(looked: &AtomicUsize) {}

    #[trace(link = Counts(looked), app.tenant = "gold".to_owned())]
    fn looks_with_an_attribute(looked: &AtomicUsize) {}

    use otelier::config::{Adaptive, Composable, Rule};
    let mut adaptive = Adaptive::default();
    adaptive.ratio = 0.0;
    let rule = Rule::new(Composable::AlwaysOn).attribute_is("app.other", ["silver"]);
    let rules = Sampler::Composite(Composable::RuleBased(vec![rule]));
    let looked = AtomicUsize::new(0);
    for (sampler, with_attributes) in [
        (Sampler::AlwaysOff, 0),
        (Sampler::TraceIdRatio(0.0), 0),
        (Sampler::Adaptive(adaptive), 0),
        // It waits for the attributes, and the links are evaluated with them.
        (rules, 1),
        (custom(SdkSampler::AlwaysOff), 2),
    ] {
        let recorder = recorder(sampler.clone());
        looks(&looked);
        looks_with_an_attribute(&looked);
        assert_eq!(looked.swap(0, Relaxed), with_attributes, "{sampler}");
        recorder.expect(&[]);
    }
}
