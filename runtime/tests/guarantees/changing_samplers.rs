//! Samplers that change while everybody decides, and samplers with more rules than are remembered one by one.

use crate::support::{Recorder, attribute};
use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use otelier::Telemetry;
use otelier::config::{Composable, CustomSampler, Rule, Sampler};
use otelier::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

#[trace]
fn decides() -> (bool, Option<String>) {
    let context = Context::current();
    let span = context.span().span_context().clone();
    (span.is_sampled(), span.trace_state().get("ot").map(str::to_owned))
}

fn recorder(sampler: Sampler) -> Recorder {
    Recorder::with(Telemetry::default().with_sampler(sampler))
}

fn rules(rules: impl IntoIterator<Item = Rule>) -> Sampler {
    Sampler::Composite(Composable::RuleBased(rules.into_iter().collect()))
}

/// Keeps nothing, and counts how many of its kind there are.
#[derive(Debug)]
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn sampler(alive: &Arc<AtomicUsize>) -> Sampler {
        alive.fetch_add(1, Relaxed);
        Sampler::Custom(CustomSampler::new(Self(Arc::clone(alive))))
    }
}

// The trait asks for it; whoever clones it is one more.
impl Clone for Alive {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl ShouldSample for Alive {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        SamplingResult { decision: SamplingDecision::Drop, attributes: Vec::new(), trace_state: TraceState::NONE }
    }
}

#[test]
fn what_is_remembered_of_a_call_site_goes_with_its_sampler_and_nothing_is_kept_of_old_ones() {
    const ROUNDS: usize = 500;
    let recorder = recorder(Sampler::AlwaysOff);
    let (stop, alive) = (AtomicBool::new(false), Arc::new(AtomicUsize::new(0)));
    let set = |sampler| recorder.telemetry().set_sampler(sampler).expect("it can be used");
    let by_name = |sampler| rules([Rule::new(Composable::AlwaysOff).span_name("other"), Rule::new(sampler)]);
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    let (sampled, told) = decides();
                    assert!(sampled || told.is_none(), "what is refused tells nothing");
                    assert!(told.is_none_or(|told| told == "th:0"), "no other threshold keeps anything");
                }
            });
        }
        for _ in 0..ROUNDS {
            for (sampler, expected) in [
                (by_name(Composable::AlwaysOn), (true, Some("th:0"))),
                (by_name(Composable::AlwaysOff), (false, None)),
                (Sampler::AlwaysOn, (true, None)),
                (Sampler::Probability(1.0), (true, Some("th:0"))),
                (Alive::sampler(&alive), (false, None)),
                (by_name(Composable::RateLimit(1e9)), (true, None)),
                (by_name(Composable::Probability(0.0)), (false, None)),
            ] {
                set(sampler);
                let (sampled, told) = decides();
                // The queue may have no room for what the sampler keeps.
                if sampled || !expected.0 {
                    wrong.extend(((sampled, told.as_deref()) != expected).then_some((sampled, told, expected)));
                }
            }
        }
        stop.store(true, Relaxed);
    });
    assert_eq!(wrong, [], "the last one decides");
    // What waited for a reader goes with the next.
    (0..2).for_each(|_| set(Sampler::AlwaysOff));
    assert_eq!(alive.load(Relaxed), 0);
    drop(recorder);
}

#[test]
fn a_thousand_rules_are_tried_in_their_order_and_counted_each() {
    let names = |number: usize| format!("operation {number}");
    let all = (0..999).map(|number| Rule::new(Composable::AlwaysOff).span_name(names(number)));
    let recorder = recorder(rules(all.chain([Rule::new(Composable::Probability(1.0)).named("rest")])));
    for number in [0, 62, 63, 64, 998] {
        for _ in 0..3 {
            otelier::Span::start(names(number)).end();
        }
    }
    for _ in 0..5 {
        assert_eq!(decides(), (true, Some("th:0".to_owned())));
    }
    let counts = recorder.telemetry().sampling_counts().expect("they are counted");
    let refused = |number: usize| counts.by_rule[number];
    assert_eq!([0, 1, 62, 63, 64, 998, 999].map(refused), [3, 0, 3, 3, 3, 3, 0]);
    assert_eq!((counts.kept, counts.kept_by_rule[999], counts.kept_by_rule.len()), (5, 5, 1000));
    let spans = recorder.spans();
    assert_eq!(spans.len(), 5);
    for span in spans {
        let said = ["reason", "rule", "probability"].map(|key| {
            attribute(&span, &format!("otelier.sampler.{key}")).map(|value| value.to_string()).unwrap_or_default()
        });
        assert_eq!(said, ["ratio", "rest", "1"]);
    }
}
