//! How the trees of samplers decide, on ids that are the same in every run.

use super::node::{Answer, Asked};
use super::*;
use crate::record::matching::{Condition, Wanted};
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, TraceFlags, TraceId};
use otelier_spec::Kind;

static SITE: crate::record::Callsite = crate::record::Callsite::new("site", Kind::Internal);

/// Numbers that look random and are the same in every run (SplitMix64).
fn ids(count: usize) -> impl Iterator<Item = u64> {
    let mut state = 0x5eed_u64;
    (0..count).map(move |_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    })
}

const COUNT: usize = if cfg!(miri) { 300 } else { 100_000 };

fn ask(node: &Node, low: u64, parent: &SpanContext, attributes: &[KeyValue]) -> Answer {
    let who = Who { given: Given::KeyValues(attributes), ..(&SITE).into() };
    node.ask(&Asked::new((1, low), parent, who))
}

fn kept(node: &Node) -> Vec<bool> {
    ids(COUNT).map(|low| ask(node, low, &SpanContext::NONE, &[]).sampled).collect()
}

fn nodes(ratio: f64) -> [Node; 4] {
    let always = || Node::AlwaysOn;
    let never = || Node::AlwaysOff;
    [
        Node::Ratio(threshold(ratio)),
        Node::Probability(consistent_threshold(ratio)),
        Node::Composite(Composed::ParentThreshold(Box::new(Composed::Probability(consistent_threshold(ratio))))),
        Node::Parents(Box::new(Parents {
            root: Node::Ratio(threshold(ratio)),
            remote_sampled: always(),
            remote_not_sampled: never(),
            local_sampled: always(),
            local_not_sampled: never(),
        })),
    ]
}

#[test]
fn a_ratio_keeps_its_share_of_a_hundred_thousand_traces() {
    for ratio in [0.0, 0.001, 0.01, 0.1, 1.0 / 3.0, 0.5, 0.9, 0.999, 1.0] {
        for node in nodes(ratio) {
            let found = kept(&node).into_iter().filter(|kept| *kept).count() as f64;
            let (expected, deviation) = (ratio * COUNT as f64, (ratio * (1.0 - ratio) * COUNT as f64).sqrt());
            assert!((found - expected).abs() <= 5.0 * deviation, "{ratio}: {found} by {node:?}");
        }
    }
}

#[test]
fn a_larger_ratio_keeps_all_that_a_smaller_one_does() {
    for (smaller, larger) in [(0.01, 0.1), (0.1, 0.5), (0.5, 0.51)] {
        for (smaller, larger) in nodes(smaller).iter().zip(&nodes(larger)) {
            assert!(kept(smaller).into_iter().zip(kept(larger)).all(|(smaller, larger)| larger || !smaller));
        }
    }
}

#[test]
fn what_is_counted_by_thresholds_is_what_there_was() {
    let rules = [(0.5, "a"), (0.01, "b"), (1.0, "c")].into_iter().enumerate().map(|(number, (ratio, value))| {
        let when =
            Match { attributes: vec![Condition::new("app.tenant", Wanted::one_of([value]))], ..Match::default() };
        RuleNode::new(number, None, when, Composed::Probability(consistent_threshold(ratio)))
    });
    let node = Node::Composite(Composed::Rules(rules.collect()));
    let mut stands_for = 0.0;
    for (number, low) in ids(COUNT).enumerate() {
        let tenant = KeyValue::new("app.tenant", ["a", "b", "c"][number % 3]);
        let answer = ask(&node, low, &SpanContext::NONE, &[tenant]);
        assert_eq!(answer.sampled, answer.state.is_some());
        if let Some(state) = answer.state {
            let told = consistent::Ot::of(&state).threshold.expect("it is told");
            stands_for += (RANDOM_MASK + 1) as f64 / (RANDOM_MASK + 1 - told) as f64;
        }
    }
    let error = (stands_for / COUNT as f64 - 1.0).abs();
    assert!(error < if cfg!(miri) { 1.0 } else { 0.05 }, "{stands_for} of {COUNT}");
}

#[test]
fn only_what_one_word_can_say_is_simple() {
    let simple: Vec<_> = nodes(0.5).iter().map(|node| node.simple().is_some()).collect();
    assert_eq!(simple, [true, false, false, true]);
    assert_eq!(Node::AlwaysOn.simple(), Some((0, false)));
    assert_eq!(Node::AlwaysOff.simple(), Some((RANDOM_MASK + 1, false)));
    let [.., Node::Parents(inner)] = nodes(0.5) else { unreachable!("it is the last") };
    let [.., Node::Parents(outer)] = nodes(0.5) else { unreachable!("it is the last") };
    assert!(Node::Parents(Box::new(Parents { root: Node::Parents(inner), ..*outer })).simple().is_none());
}

#[test]
fn what_our_own_parent_decided_is_not_decided_again() {
    let parent = |flags| SpanContext::new(TraceId::from(7), SpanId::from(8), flags, false, TraceState::NONE);
    let (sampled, not_sampled) = (parent(TraceFlags::SAMPLED), parent(TraceFlags::NOT_SAMPLED));
    for node in [Node::Probability(0), Node::RateLimit(Bucket::new(5.0)), Node::Composite(Composed::AlwaysOn)] {
        assert!(ask(&node, 1, &sampled, &[]).sampled);
        assert!(!ask(&node, 1, &not_sampled, &[]).sampled);
    }
}

#[test]
fn a_setting_says_what_its_threshold_says() {
    for threshold in [0, 1, 7, 1 << 55, RANDOM_MASK - 1, RANDOM_MASK, RANDOM_MASK + 1] {
        for flags in [0, FOLLOW, GENERAL, FOLLOW | GENERAL | ATTRIBUTES] {
            let setting = setting_of(threshold, flags);
            assert_eq!(setting & (FOLLOW | GENERAL | ATTRIBUTES), flags);
            for random in [0, 1, 6, 7, 8, (1 << 55) - 1, 1 << 55, RANDOM_MASK - 1, RANDOM_MASK] {
                let low = random | 0xab << RANDOM_BITS;
                assert_eq!(reaches_setting(low, setting), reaches(low, threshold), "{random:x} {threshold:x}");
            }
        }
    }
}

#[test]
fn a_limit_per_schema_gives_each_schema_its_own_traces() {
    use crate::schema::{Schema, crypto, workflow};
    const fn of<S: Schema>() -> crate::record::Callsite {
        crate::record::Callsite { schema: Some(S::DEF), ..crate::record::Callsite::new("site", Kind::Internal) }
    }
    static API: crate::record::Callsite = of::<crypto::ExchangeApi>();
    static STAGE: crate::record::Callsite = of::<workflow::Stage>();
    let alone = Node::RateLimitPerSchema(SchemaBuckets::new(2.0));
    let inside = Node::Composite(Composed::RateLimitPerSchema(SchemaBuckets::new(2.0)));
    for node in [alone, inside] {
        let ask = |who: &'static crate::record::Callsite, now| {
            let who = who.into();
            node.ask(&Asked { now: Some(now), ..Asked::new((1, 2), &SpanContext::NONE, who) })
        };
        let kept = |site, now| (0..5).filter(|_| ask(site, now).sampled).count();
        assert_eq!([kept(&API, 0), kept(&STAGE, 0), kept(&SITE, 0), kept(&API, 0)], [2, 2, 2, 0], "{node:?}");
        assert_eq!(kept(&API, 500_000_000), 1, "half a second of the simulation later");
        let refused = ask(&API, 500_000_000);
        assert_eq!((refused.reason, refused.state), (Reason::RateLimit, None));
        assert!(node.simple().is_none() && !node.asks_attributes());
    }
}

#[test]
fn a_simulation_has_its_own_time_also_inside_of_rules() {
    let rule = RuleNode::new(0, Some("few"), Match::default(), Composed::RateLimit(Bucket::new(1.0)));
    assert_eq!(&*rule.name, "few");
    assert_eq!(&*RuleNode::new(3, None, Match::default(), Composed::AlwaysOn).name, "rules[3]");
    let node = Node::Composite(Composed::Rules(Box::new([rule])));
    let kept = |now| {
        let asked = Asked { now: Some(now), ..Asked::new((1, 2), &SpanContext::NONE, (&SITE).into()) };
        node.ask(&asked).sampled
    };
    assert_eq!([kept(0), kept(1), kept(1_000_000_000), kept(1_000_000_001)], [true, false, true, false]);
}
