//! What is remembered of call sites whose attributes matter decides, counts and tells as the rules do that are tried one by one.

use super::bucket::Bucket;
use super::counts::Counts;
use super::mine::{AtOnce, Held};
use super::node::{Answer, Asked, Composed, Node};
use super::rules::{Given, Match, Parent, RuleNode, Who};
use super::{Installed, RANDOM_MASK};
use crate::attribute::{AnyAttribute, Slot};
use crate::record::ambient::with_ambient;
use crate::record::matching::{Condition, Wanted};
use crate::record::shared::keyed;
use crate::record::{Callsite, Constant};
use crate::wire::Scratch;
use opentelemetry::trace::SpanContext;
use opentelemetry::{Context, KeyValue};
use otelier_spec::Kind;
use std::sync::Arc;

const HALF: u64 = 1 << 55;
const LOWS: [u64; 4] = [0, HALF - 1, HALF, RANDOM_MASK];

static KEYS: &[&str] = &["app.tier", "app.size", "app.tags", "app.free"];
static GIVEN: Callsite = Callsite { keys: KEYS, given: true, ..Callsite::new("load", Kind::Internal) };
static CONSTANT: Callsite = Callsite {
    keys: KEYS,
    constants: &[("app.tier", Constant::Str("tin")), ("app.size", Constant::Int(7))],
    given: true,
    ..Callsite::new("buy", Kind::Server)
};
static NOT_GIVEN: Callsite =
    Callsite { constants: &[("app.size", Constant::Int(40))], ..Callsite::new("poll", Kind::Internal) };

fn condition(key: &str, wanted: Wanted) -> Condition {
    Condition::new(key, wanted)
}

fn like(included: &[&str], excluded: &[&str]) -> Wanted {
    Wanted::Like(included.iter().collect(), excluded.iter().collect())
}

fn asks(attributes: Vec<Condition>) -> Match {
    Match { attributes, ..Match::default() }
}

/// Rules that ask for all kinds of values, with samplers of all kinds.
fn rules() -> Vec<(Match, Composed)> {
    let tier = |wanted| condition("app.tier", wanted);
    let size = |min, max| condition("app.size", Wanted::Within(min, max));
    vec![
        (Match { parents: vec![Parent::Remote], ..asks(vec![tier(Wanted::one_of(["gold"]))]) }, Composed::AlwaysOff),
        (Match { names: ["none"].iter().collect(), ..asks(vec![tier(like(&[], &[]))]) }, Composed::AlwaysOff),
        (asks(vec![tier(Wanted::one_of(["gold"])), size(5.0, 9.0)]), Composed::Probability(HALF)),
        (asks(vec![condition("user.id", Wanted::one_of(["ann"]))]), Composed::AlwaysOn),
        (asks(vec![condition("app.tags", Wanted::one_of(["b", "7"]))]), Composed::RateLimit(Bucket::new(1e9))),
        (asks(vec![tier(like(&["s*", "*r"], &["sil*"]))]), Composed::Probability(HALF / 2)),
        (asks(vec![size(30.0, 50.0), condition("app.new", Wanted::one_of(["true"]))]), Composed::AlwaysOff),
        (Match { kinds: vec![Kind::Server], ..asks(vec![size(0.0, 100.0)]) }, Composed::AlwaysOn),
        (Match { names: ["l*"].iter().collect(), ..Match::default() }, Composed::Probability(HALF / 4)),
        (asks(vec![tier(Wanted::one_of(["never asked"]))]), Composed::AlwaysOn),
    ]
}

fn installed(rules: Vec<(Match, Composed)>) -> Arc<Installed> {
    let rules = rules.into_iter().enumerate();
    let rules = rules.map(|(number, (when, sampler))| RuleNode::new(number, None, when, sampler));
    let node = Node::Composite(Composed::Rules(rules.collect()));
    let counts = Counts::new(node.rules());
    Arc::new(Installed { has_sites: true, node, counts })
}

fn own(scratch: &Scratch, key: &str, value: &dyn AnyAttribute) {
    match KEYS.iter().position(|known| *known == key) {
        Some(index) => value.record(Slot::new(scratch, index as u16)),
        None => keyed(scratch, key, &mut |slot| value.record(slot)),
    }
}

#[test]
fn attributes_decide_as_all_rules_do() {
    let values: [&[(&str, &dyn AnyAttribute)]; 13] = [
        &[],
        &[("app.tier", &"gold"), ("app.size", &7)],
        &[("app.tier", &"gold"), ("app.size", &70)],
        &[("app.tier", &"super")],
        &[("app.tier", &"silver")],
        &[("app.tags", &["a", "b"])],
        &[("app.tags", &[6, 7])],
        &[("user.id", &"ann")],
        &[("user.id", &"eve"), ("app.size", &40.5), ("app.new", &true)],
        // Twice: one of them is enough.
        &[("app.tier", &"tin"), ("app.tier", &"gold"), ("app.size", &6.0)],
        &[("app.free", &"gold"), ("other", &"gold"), ("app.tier", &"")],
        &[("app.size", &"7"), ("app.tier", &7)],
        &[("app.tier", &"s".repeat(200))],
    ];
    let contexts = [vec![], vec![("user.id", "ann")], vec![("app.tier", "super"), ("app.new", "true")]];
    let contexts = contexts.map(|given| {
        let given: Vec<_> = given.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
        if given.is_empty() { Context::new() } else { with_ambient(&Context::new(), given, |_, context| context) }
    });
    let installed = installed(rules());
    let held = Held::of(Arc::clone(&installed));
    let (expected, mut rules_seen) = (Counts::new(installed.node.rules()), [0; 11]);
    let counted = expected.own();
    for site in [&GIVEN, &CONSTANT, &NOT_GIVEN] {
        let _ = held.masks(&site.into(), &SpanContext::NONE);
        assert_eq!(held.decide_at_once(site, 0, false), AtOnce::Waits, "{}", site.name);
        for values in if site.given { &values[..] } else { &values[..1] } {
            let scratch = Scratch::new();
            values.iter().for_each(|(key, value)| own(&scratch, key, *value));
            let words = scratch.above(0, <[u64]>::to_vec);
            let given = if site.given { Given::Words(&words) } else { Given::Nothing };
            for (context, low) in contexts.iter().flat_map(|context| LOWS.map(|low| (context, low))) {
                let who = Who { given, ..site.into() };
                let asked = Asked { context: Some(context), ..Asked::new((1, low), &SpanContext::NONE, who) };
                let answer = installed.node.ask(&asked);
                let found = held.decide_by_attributes(site, low, false, given, Some(context));
                let is_limited = answer.rule == Some(4);
                check(&held, site, &answer, found, is_limited);
                if !is_limited {
                    expected.add(&counted, answer.counted());
                    let explained = held.decide_by_attributes(site, low, true, given, Some(context));
                    if answer.sampled {
                        assert_eq!(explained, found);
                        expected.add(&counted, answer.counted());
                    } else {
                        assert_eq!(explained, AtOnce::Unknown, "it has to be explained");
                    }
                }
                rules_seen[answer.rule.unwrap_or(10)] += 1;
            }
        }
    }
    assert_eq!(installed.counts.read(), expected.read());
    assert!([2, 3, 4, 5, 6, 7, 8, 10].iter().all(|rule| rules_seen[*rule] > 0), "each has decided: {rules_seen:?}");
    assert_eq!([0, 1, 9].map(|rule| rules_seen[rule]), [0; 3], "these never match");
}

#[track_caller]
fn check(held: &Held, site: &'static Callsite, answer: &Answer, found: AtOnce, is_limited: bool) {
    match found {
        AtOnce::Unknown => assert!(is_limited, "{answer:?}"),
        AtOnce::Waits => panic!("the attributes are there"),
        AtOnce::Refused => assert!(!answer.sampled && answer.state.is_none(), "{answer:?}"),
        AtOnce::Kept(grounds, told) => {
            assert!(answer.sampled && !is_limited, "{answer:?}");
            assert_eq!(grounds, answer.grounds);
            assert_eq!(told.and_then(|number| held.told(site, number)), answer.state);
        }
    }
}

#[test]
fn call_sites_where_no_attribute_can_matter_wait_for_none() {
    let gold = || vec![condition("app.tier", Wanted::one_of(["gold"]))];
    let tin = || vec![condition("app.tier", Wanted::one_of(["tin"]))];
    for (rules, site, expected) in [
        // The value is the call site's own, and so is the answer.
        (vec![(asks(tin()), Composed::AlwaysOn)], &CONSTANT, AtOnce::Kept(0, Some(0))),
        (vec![(asks(tin()), Composed::AlwaysOff)], &CONSTANT, AtOnce::Refused),
        (vec![(asks(gold()), Composed::AlwaysOff)], &CONSTANT, AtOnce::Waits),
        (vec![(asks(tin()), Composed::AlwaysOff)], &GIVEN, AtOnce::Waits),
        // The context may have it.
        (vec![(asks(tin()), Composed::AlwaysOff)], &NOT_GIVEN, AtOnce::Waits),
        (
            vec![(asks(vec![condition("app.size", Wanted::one_of(["41"]))]), Composed::AlwaysOn)],
            &NOT_GIVEN,
            AtOnce::Refused,
        ),
        (vec![(Match { parents: vec![Parent::Local], ..asks(tin()) }, Composed::AlwaysOn)], &GIVEN, AtOnce::Refused),
    ] {
        let held = Held::of(installed(rules));
        let _ = held.masks(&site.into(), &SpanContext::NONE);
        let found = held.decide_at_once(site, RANDOM_MASK, false);
        match (found, expected) {
            (AtOnce::Kept(_, told), AtOnce::Kept(_, expected)) => assert_eq!(told, expected),
            _ => assert_eq!(found, expected, "{}", site.name),
        }
    }
}

#[test]
fn more_questions_than_there_is_room_for_are_asked_one_by_one() {
    let many = (0..65).map(|number| {
        let key = format!("app.key{number}");
        (asks(vec![condition(&key, Wanted::one_of(["x"]))]), Composed::AlwaysOn)
    });
    // At a call site where they are not possible they take no room.
    let elsewhere = |rules: Vec<_>| {
        let elsewhere = |(when, sampler)| (Match { names: ["none"].iter().collect(), ..when }, sampler);
        rules.into_iter().map(elsewhere).chain([(Match::default(), Composed::AlwaysOff)]).collect()
    };
    let many: Vec<_> = many.collect();
    let held = Held::of(installed(elsewhere(many)));
    let _ = held.masks(&(&GIVEN).into(), &SpanContext::NONE);
    assert_eq!(held.decide_at_once(&GIVEN, 0, false), AtOnce::Refused);
    let many = (0..65)
        .map(|number| (asks(vec![condition(&format!("app.key{number}"), Wanted::one_of(["x"]))]), Composed::AlwaysOn));
    let held = Held::of(installed(many.collect()));
    let _ = held.masks(&(&GIVEN).into(), &SpanContext::NONE);
    assert_eq!(held.decide_at_once(&GIVEN, 0, false), AtOnce::Unknown);
    let given = Given::Nothing;
    assert_eq!(held.decide_by_attributes(&GIVEN, 0, false, given, None), AtOnce::Unknown);
}
