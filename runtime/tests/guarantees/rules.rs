//! What rules of the head decision see: schemas, priorities, numbers, and what a correlation gives to every span.

use crate::support::{Gate, PATIENCE, Recorder, many_threads, start, turn, wait_until};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use otelier::config::{AttributeRange, Composable, Rule, Sampler};
use otelier::prelude::*;
use otelier::{CorrelationContext, Priority, Span, Telemetry};
use std::time::Duration;

otelier::span_schema! {
    Fetch = "shop.fetch" {
        app.symbol: string;
    }
}

otelier::span_schema! {
    Store = "shop.store" {
        app.symbol: string;
    }
}

fn with(rules: impl IntoIterator<Item = Rule>) -> Recorder {
    let sampler = Sampler::Composite(Composable::RuleBased(rules.into_iter().collect()));
    Recorder::with(Telemetry::default().with_sampler(sampler))
}

fn is_recorded() -> bool {
    Context::current().span().span_context().is_sampled()
}

#[trace(Fetch)]
fn fetch() -> bool {
    is_recorded()
}

#[trace(Store)]
fn store() -> bool {
    is_recorded()
}

#[trace]
fn plain() -> bool {
    is_recorded()
}

#[trace(priority = high)]
fn pay() -> bool {
    child();
    is_recorded()
}

#[trace(priority = high)]
async fn pay_later() -> bool {
    tokio::task::yield_now().await;
    is_recorded()
}

#[trace(priority = low)]
fn poll() -> bool {
    is_recorded()
}

#[trace]
fn child() {}

#[trace(business.value = value, app.tier = tier)]
fn sell(value: f64, tier: &str) -> bool {
    is_recorded()
}

#[trace(app.n = n)]
fn count(n: i64) -> bool {
    is_recorded()
}

#[trace(user.id = user)]
fn on_behalf_of(user: &str) -> bool {
    is_recorded()
}

struct Shop;

#[trace(priority = high)]
impl Shop {
    fn open(&self) -> bool {
        is_recorded()
    }

    #[trace(priority = low)]
    fn look(&self) -> bool {
        is_recorded()
    }
}

/// One call of it all, of which a rule matches some.
fn matched(rule: Rule) -> Vec<&'static str> {
    let recorder = with([rule]);
    let calls = [
        ("fetch", fetch()),
        ("store", store()),
        ("plain", plain()),
        ("pay", pay()),
        ("poll", poll()),
        ("open", Shop.open()),
        ("look", Shop.look()),
        ("pay_later", many_threads().block_on(pay_later())),
        ("block", trace_block!(name = "block", priority = high, { is_recorded() })),
    ];
    let found = calls.into_iter().filter(|(_, recorded)| *recorded).map(|(name, _)| name).collect();
    recorder.spans();
    found
}

#[test]
fn rules_ask_for_the_schema_and_the_priority_of_the_annotation() {
    let all = || Rule::new(Composable::AlwaysOn);
    assert_eq!(matched(all().schema("shop.*")), ["fetch", "store"]);
    assert_eq!(matched(all().schema("shop.store").schema("nobody.*")), ["store"]);
    assert_eq!(matched(all().priority(Priority::High)), ["pay", "open", "pay_later", "block"]);
    assert_eq!(
        matched(all().priority(Priority::Normal)),
        ["fetch", "store", "plain", "pay", "open", "pay_later", "block"]
    );
    assert_eq!(matched(all().schema("shop.*").priority(Priority::High)), [""; 0]);
}

#[test]
fn rules_ask_for_several_attributes_and_for_numbers() {
    let recorder = with([Rule::new(Composable::AlwaysOn)
        .attribute_at_least("business.value", 1000.0)
        .attribute_is("app.tier", ["gold"])
        .attribute_like("app.tier", ["g*"])]);
    assert_eq!([sell(1000.0, "gold"), sell(999.9, "gold"), sell(5000.0, "silver")], [true, false, false]);
    assert_eq!([sell(f64::NAN, "gold"), sell(f64::INFINITY, "gold"), plain()], [false, true, false]);
    let by_hand = Span::builder("by hand").attribute("business.value", 2000).attribute("app.tier", "gold").start();
    assert!(by_hand.is_recording());
    drop(by_hand);
    recorder.spans();
    let mut rule = Rule::new(Composable::AlwaysOn).attribute_between("app.n", -1.0, 1.0);
    rule.attribute_ranges.push(AttributeRange { key: "app.n".to_owned(), min: None, max: Some(0.0) });
    let recorder = with([rule]);
    assert_eq!([-2, -1, 0, 1, i64::MAX].map(count), [false, true, true, false, false]);
    recorder.spans();
}

#[test]
fn rules_see_what_a_correlation_gives_to_every_span() {
    let of = |user: &str| CorrelationContext::new().with_user(user).with("app.tenant", "acme").expect("it is valid");
    let recorder =
        with([Rule::new(Composable::AlwaysOn).attribute_is("user.id", ["ann"]).attribute_like("app.tenant", ["a*"])]);
    assert_eq!([of("ann").in_scope(plain), of("bob").in_scope(plain), plain()], [true, false, false]);
    // The span's own value counts.
    assert!(!of("ann").in_scope(|| on_behalf_of("bob")) && of("bob").in_scope(|| on_behalf_of("ann")));
    let runtime = many_threads();
    assert!(runtime.block_on(of("ann").in_future(pay_later())));
    assert!(!runtime.block_on(of("bob").in_future(pay_later())));
    assert!(of("ann").in_scope(|| Span::start("by hand").is_recording()));
    let found = recorder.spans();
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn a_limit_per_schema_leaves_the_others_their_traces() {
    for sampler in [
        Sampler::RateLimitPerSchema(1e-6),
        Sampler::Composite(Composable::RuleBased(vec![Rule::new(Composable::RateLimitPerSchema(1e-6))])),
    ] {
        let recorder = Recorder::with(Telemetry::default().with_sampler(sampler));
        let calls = || [fetch(), store(), plain(), poll()];
        assert_eq!(calls(), [true, true, true, false], "those without a schema share a limit");
        assert_eq!(calls(), [false; 4]);
        let counts = recorder.telemetry().sampling_counts().expect("they are counted");
        assert_eq!(counts.kept, 3);
        recorder.spans();
    }
}

#[test]
fn a_trace_of_high_priority_is_recorded_while_the_queue_is_half_full() {
    let _turn = turn();
    let gate = Gate::default();
    let settings = Telemetry::default()
        .with_max_queue_size(128)
        .with_max_export_batch_size(16)
        .with_schedule_delay(Duration::from_millis(1));
    let telemetry = start(settings, gate.clone());
    child();
    gate.wait_for_a_batch();
    for _ in 0..1_000_000 {
        if telemetry.health().queue.share() > 0.5 {
            break;
        }
        child();
    }
    assert_eq!([plain(), poll(), pay(), Shop.open()], [false, false, true, true]);
    let recorded = trace_block!(name = "block", root, priority = high, sample = always, { is_recorded() });
    assert!(recorded && !trace_block!(name = "block", root, sample = always, { is_recorded() }));
    let refused = trace_block!(name = "outer", {
        let context = Context::current();
        (is_recorded(), trace_block!(name = "inner", parent = context, priority = high, { is_recorded() }))
    });
    assert_eq!(refused, (false, false), "what began as a part of a refused trace is a part of it");
    assert!(pay() && !plain());
    gate.open();
    wait_until("the queue to be empty", || telemetry.force_flush(PATIENCE).is_ok());
    assert!(plain(), "there is room again");
    let stats = telemetry.shutdown().expect("in time");
    assert_eq!(stats.open, 0, "{stats}");
}
