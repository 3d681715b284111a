//! What decisions say of themselves.

use super::node::{Answer, Asked};
use super::*;
use crate::record::matching::{Condition, Wanted};
use opentelemetry::trace::{SpanId, TraceFlags, TraceId};
use otelier_spec::Kind;
use std::str::FromStr;

static SITE: crate::record::Callsite = crate::record::Callsite::new("site", Kind::Internal);
static OTHER: crate::record::Callsite = crate::record::Callsite::new("GET /orders", Kind::Server);

const HIGH: u64 = RANDOM_MASK;
const HALF: u64 = 1 << 55;

fn said(answer: &Answer) -> Option<(Kept, Option<&'static str>, Option<f64>)> {
    let grounds = Grounds::of(answer.grounds)?;
    Some((grounds.kept, grounds.rule.as_deref(), grounds.probability()))
}

fn ask(node: &Node, low: u64, parent: &SpanContext) -> Answer {
    node.ask(&Asked::new((1, low), parent, (&SITE).into()))
}

fn parent(flags: TraceFlags, state: &str) -> SpanContext {
    let state = TraceState::from_str(state).expect("it is valid");
    SpanContext::new(TraceId::from(7), SpanId::from(8), flags, true, state)
}

fn follows(root: Node) -> Node {
    Node::Parents(Box::new(Parents {
        root,
        remote_sampled: Node::AlwaysOn,
        remote_not_sampled: Node::AlwaysOff,
        local_sampled: Node::AlwaysOn,
        local_not_sampled: Node::AlwaysOff,
    }))
}

fn rule(number: usize, sampler: Composed) -> RuleNode {
    RuleNode::new(number, (number == 0).then_some("mine"), Match::default(), sampler)
}

fn rules(rules: impl IntoIterator<Item = RuleNode>) -> Node {
    Node::Composite(Composed::Rules(rules.into_iter().collect()))
}

#[test]
fn every_sampler_says_why_it_keeps_a_trace_and_with_which_probability() {
    let none = &SpanContext::NONE;
    let half = || Composed::Probability(HALF);
    let limit = || Bucket::new(1e6);
    for (node, expected) in [
        (Node::AlwaysOn, None),
        (Node::Ratio(0), None),
        (follows(Node::AlwaysOn), None),
        (Node::Composite(Composed::AlwaysOn), None),
        (Node::Probability(0), None),
        (Node::Ratio(HALF), Some((Kept::Ratio, None, Some(0.5)))),
        (follows(Node::Ratio(HALF)), Some((Kept::Ratio, None, Some(0.5)))),
        (Node::Probability(HALF), Some((Kept::Ratio, None, Some(0.5)))),
        (Node::Composite(half()), Some((Kept::Ratio, None, Some(0.5)))),
        (Node::Composite(Composed::ParentThreshold(Box::new(half()))), Some((Kept::Ratio, None, Some(0.5)))),
        (Node::RateLimit(limit()), Some((Kept::RateLimit, None, None))),
        (Node::Composite(Composed::RateLimit(limit())), Some((Kept::RateLimit, None, None))),
        (rules([rule(0, Composed::AlwaysOn)]), Some((Kept::All, Some("mine"), Some(1.0)))),
        (rules([rule(2, half())]), Some((Kept::Ratio, Some("rules[2]"), Some(0.5)))),
        (rules([rule(3, Composed::RateLimit(limit()))]), Some((Kept::RateLimit, Some("rules[3]"), None))),
        (rules([rule(0, Composed::Rules([rule(1, half())].into()))]), Some((Kept::Ratio, Some("rules[1]"), Some(0.5)))),
    ] {
        let answer = ask(&node, HIGH, none);
        assert!(answer.sampled);
        assert_eq!(said(&answer), expected, "{node:?}");
    }
    assert_eq!(
        Grounds::of(Sample::Ratio(0.5).grounds()).map(|it| (it.kept, it.probability())),
        Some((Kept::Hint, Some(0.5)))
    );
    assert_eq!(Grounds::of(Sample::Always.grounds()).and_then(Grounds::probability), Some(1.0));
}

#[test]
fn a_parent_is_named_only_if_it_told_a_threshold_and_meant_it() {
    let sampled = |state| parent(TraceFlags::SAMPLED, state);
    let of_parent = Some((Kept::Parent, None, Some(0.5)));
    for node in [
        follows(Node::AlwaysOn),
        Node::Composite(Composed::ParentThreshold(Box::new(Composed::AlwaysOn))),
        rules([rule(0, Composed::ParentThreshold(Box::new(Composed::AlwaysOn)))]),
    ] {
        assert_eq!(said(&ask(&node, HIGH, &sampled("ot=th:8"))), of_parent, "{node:?}");
        for nothing in ["", "ot=th:x", "a=b"] {
            let answer = ask(&node, HIGH, &sampled(nothing));
            assert_eq!((answer.sampled, said(&answer)), (true, None), "{node:?} {nothing}");
        }
        let contradicts = ask(&node, 1, &sampled("ot=th:8"));
        assert_eq!((contradicts.sampled, said(&contradicts)), (true, None), "{node:?}");
    }
}

#[test]
fn what_is_refused_knows_the_threshold_that_it_did_not_reach() {
    let none = &SpanContext::NONE;
    for (node, threshold) in [
        (Node::Ratio(HALF), Some(HALF)),
        (Node::Probability(HALF), Some(HALF)),
        (rules([rule(0, Composed::Probability(HALF))]), Some(HALF)),
        (Node::AlwaysOff, None),
        (rules([rule(0, Composed::AlwaysOff)]), None),
    ] {
        let answer = ask(&node, 1, none);
        assert_eq!((answer.sampled, answer.threshold, answer.grounds), (false, threshold, 0), "{node:?}");
    }
    let setting = setting_of(HALF, EXPLAIN);
    let by_word = by_word(setting, 1, none, &Context::new());
    assert_eq!((by_word.sampled, by_word.reason, by_word.threshold), (false, Reason::Ratio, Some(HALF)));
    let not_sampled = parent(TraceFlags::NOT_SAMPLED, "");
    let follows = super::by_word(setting_of(0, FOLLOW | EXPLAIN), HIGH, &not_sampled, &Context::new());
    assert_eq!((follows.sampled, follows.reason), (false, Reason::Parent));
    assert_eq!(super::by_word(setting_of(u64::MAX, 0), HIGH, none, &Context::new()).reason, Reason::Off);
}

#[test]
fn whoever_begins_a_trace_may_choose_its_randomness() {
    let state = TraceState::from_str("a=b,ot=th:0;rv:7fffffffffffff").expect("it is valid");
    let chosen = SpanContext::new(TraceId::INVALID, SpanId::INVALID, TraceFlags::NOT_SAMPLED, false, state);
    let answer = ask(&Node::Probability(HALF), HIGH, &chosen);
    assert!(!answer.sampled, "by the id it would be");
    assert_eq!(
        answer.state.map(|state| state.header()).as_deref(),
        Some("ot=rv:7fffffffffffff"),
        "others need it as well"
    );
    let kept = ask(&Node::Probability(HALF - 1), 1, &chosen);
    assert!(kept.sampled);
    assert_eq!(kept.state.map(|state| state.header()).as_deref(), Some("ot=th:7fffffffffffff;rv:7fffffffffffff"));
}

#[test]
fn what_is_remembered_of_a_call_site_decides_as_all_rules_do() {
    let remote = parent(TraceFlags::SAMPLED, "");
    let tenant = |name: &str| vec![Condition::new("app.tenant", Wanted::one_of([name]))];
    let when = [
        Match { kinds: vec![Kind::Server], ..Match::default() },
        Match { names: ["si*"].iter().collect(), parents: vec![Parent::Remote], ..Match::default() },
        Match { attributes: tenant("gold"), ..Match::default() },
        Match { kinds: vec![Kind::Client], attributes: tenant("tin"), ..Match::default() },
        Match { names: ["site"].iter().collect(), ..Match::default() },
    ];
    let mut all: Vec<_> = when.into_iter().enumerate().collect();
    // So many that the last ones have no bit.
    all.extend((5..70).map(|number| (number, Match { names: ["none"].iter().collect(), ..Match::default() })));
    all.push((70, Match::default()));
    let all = all.into_iter().map(|(number, when)| RuleNode::new(number, None, when, Composed::AlwaysOn));
    let node = rules(all);
    let counts = Counts::new(71);
    let installed = std::sync::Arc::new(Installed { has_sites: true, node, counts });
    let held = mine::Held::of(std::sync::Arc::clone(&installed));
    let gold = [opentelemetry::KeyValue::new("app.tenant", "gold")];
    let tin = [opentelemetry::KeyValue::new("app.tenant", "tin")];
    for _ in 0..2 {
        for (parent, given, site, expected) in [
            (&SpanContext::NONE, &gold[..], &SITE, 2),
            (&SpanContext::NONE, &tin[..], &SITE, 4),
            (&remote, &gold[..], &SITE, 1),
            (&SpanContext::NONE, &[][..], &OTHER, 0),
        ] {
            let who = Who { given: Given::KeyValues(given), ..site.into() };
            let masks = held.masks(&who, parent);
            assert_ne!(masks, mine::Masks::ALL);
            let asked = Asked { masks, ..Asked::new((1, HIGH), parent, who) };
            assert_eq!(installed.node.ask(&asked).rule, Some(expected));
            assert_eq!(installed.node.ask(&Asked::new((1, HIGH), parent, who)).rule, Some(expected));
        }
    }
    let renamed = Who { name: "none", ..(&SITE).into() };
    assert_eq!(held.masks(&renamed, &SpanContext::NONE), mine::Masks::ALL, "it has another name than its call site");
    let asked = |parent, site: &'static crate::record::Callsite| {
        let who = Who::from(site);
        installed.node.asks_attributes_of(&Asked { masks: held.masks(&who, parent), ..Asked::new((1, 1), parent, who) })
    };
    assert!(asked(&SpanContext::NONE, &SITE), "they decide there");
}

#[test]
fn what_is_remembered_of_a_call_site_decides_and_counts_as_the_sampler_does() {
    let named = |name: &str| Match { names: [name].iter().collect(), ..Match::default() };
    let asks = |names: &[&str]| Match {
        names: names.iter().collect(),
        attributes: vec![Condition::new("app.tenant", Wanted::one_of(["gold"]))],
        ..Match::default()
    };
    let rule = |number, when, sampler| RuleNode::new(number, None, when, sampler);
    let half = || Composed::Probability(HALF);
    let below_parents = |root| Composed::ParentThreshold(Box::new(root));
    let many = (0..200).map(|number| rule(number, named("none"), Composed::AlwaysOff));
    for (node, otherwise) in [
        (Node::Probability(HALF), None),
        (Node::Probability(RANDOM_MASK + 1), None),
        (Node::Composite(below_parents(half())), None),
        (follows(Node::Composite(half())), None),
        (Node::Composite(Composed::RateLimit(Bucket::new(1e6))), Some(AtOnce::Unknown)),
        (rules([rule(0, named("none"), Composed::AlwaysOff), rule(1, named("si?e"), half())]), None),
        (rules([rule(0, named("none"), Composed::AlwaysOn)]), None),
        (rules([rule(0, named("s*"), Composed::AlwaysOff)]), None),
        (rules([rule(0, named("s*"), Composed::RateLimit(Bucket::new(1e6)))]), Some(AtOnce::Unknown)),
        (rules([rule(0, named("s*"), Composed::Rules([rule(1, Match::default(), half())].into()))]), None),
        // Attributes matter only before the first rule that matches, and where the rest of theirs does.
        (rules([rule(0, named("s*"), half()), rule(1, asks(&[]), Composed::AlwaysOff)]), None),
        (rules([rule(0, asks(&["none"]), Composed::AlwaysOff), rule(1, named("s*"), half())]), None),
        (rules([rule(0, asks(&["site"]), Composed::AlwaysOff), rule(1, named("s*"), half())]), Some(AtOnce::Waits)),
        (rules(many.chain([rule(200, Match::default(), half())])), None),
    ] {
        let count = node.rules();
        let installed = std::sync::Arc::new(Installed { has_sites: true, node, counts: Counts::new(count) });
        let held = mine::Held::of(std::sync::Arc::clone(&installed));
        let at_once = |low, explains| held.decide_at_once(&SITE, low, explains);
        assert_eq!(at_once(HIGH, false), AtOnce::Unknown, "nobody has asked yet");
        let _ = held.masks(&(&SITE).into(), &SpanContext::NONE);
        let expected = Counts::new(count);
        let own = expected.own();
        for low in [0, HALF - 1, HALF, HIGH] {
            let answer = ask(&installed.node, low, &SpanContext::NONE);
            let found = at_once(low, false);
            let told = answer.state.is_some();
            match (otherwise, answer.sampled) {
                (Some(otherwise), _) => assert_eq!(found, otherwise, "{:?}", installed.node),
                (None, false) => assert_eq!(found, AtOnce::Refused, "{low:x} {:?}", installed.node),
                (None, true) => {
                    assert_eq!(found, AtOnce::Kept(answer.grounds, told.then_some(0)), "{low:x} {:?}", installed.node)
                }
            }
            if otherwise.is_none() {
                expected.add(&own, answer.counted());
                if told {
                    assert_eq!(held.told(&SITE, 0), answer.state);
                }
                if !answer.sampled {
                    assert_eq!(at_once(low, true), AtOnce::Unknown, "it has to be explained");
                }
            }
        }
        assert_eq!(installed.counts.read(), expected.read(), "{:?}", installed.node);
    }
}
