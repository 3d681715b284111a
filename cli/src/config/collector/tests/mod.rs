//! Policies decide as rules do: what is written is read again and evaluated as the Collector does, on spans of every kind.

#[path = "../../../../tests/it/collector/checker.rs"]
#[allow(dead_code)]
mod checker;
#[path = "../../../../tests/it/collector/facts.rs"]
mod facts;
mod files;
mod heads;
mod ottl;
mod priorities;
mod span;

use super::sites::Seen;
use super::tail;
use super::yaml::Yaml;
use otelier::Priority;
use otelier::config::{AttributePatterns, AttributeRange, AttributeValues, Keep, TailRule, TailSampling};
use otelier::schema::Kind;
use saphyr::{LoadableYamlNode, YamlOwned};
use serde_json::Value;
use span::{Attribute, Span, matches};
use std::cell::Cell;
use std::collections::HashSet;
use std::time::Duration;

/// Text that has a meaning for YAML, the Collector, OTTL, Go, RE2 or JSON.
const HOSTILE: [&str; 22] = [
    "it's \"quoted\"",
    "two\nlines\r\nand a tab\t",
    "${env:HOME}",
    "$$",
    "^$",
    "(a|b)+.[c]{2}\\d",
    "C:\\temp\\new",
    "\\",
    "\"",
    ",",
    "a,\",b",
    "[\"a\"]",
    "[]",
    "# no comment: {a: b}",
    "\u{0}\u{1}\u{8}\u{c}\u{7f}\u{85}\u{2028}\u{feff}",
    "grün 𝕏 \u{202e}",
    "<a href='b'>&amp;",
    "a-b_c/d",
    "12e3",
    "true",
    "404",
    " ",
];

/// What `$$` is for the Collector.
fn expanded(value: &Value) -> String {
    value.as_str().expect("text").replace("$$", "$")
}

/// What becomes of rules, whatever is known of annotations.
fn made(tail: &TailSampling, span_types: bool, spans_per_trace: u64) -> Option<tail::Tail> {
    tail::of(tail, Seen { span_types, sites: None }, spans_per_trace, HashSet::new())
}

/// The policies as the Collector reads them.
fn policies(tail: &TailSampling, spans_per_trace: u64) -> Option<Vec<Value>> {
    made(tail, true, spans_per_trace).map(|made| read(made.policies))
}

/// What is written, read again.
fn read(policies: Vec<Yaml>) -> Vec<Value> {
    let mut text = String::new();
    Yaml::map([("policies", Yaml::List(policies))]).write(&mut text, 0);
    let read = YamlOwned::load_from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    checker::value(&read[0])["policies"].as_array().expect("a list").clone()
}

/// A Collector, with what its rate limits answer.
struct Collector {
    allows: bool,
    asked: Cell<u32>,
}

impl Collector {
    /// What is dropped is dropped, whatever is behind it; of the rest, one policy that samples is enough.
    fn keeps(&self, policies: &[Value], trace: &[Span]) -> bool {
        let mut kept = false;
        for policy in policies {
            if policy["type"] == "drop" {
                let subs = policy["drop"]["drop_sub_policy"].as_array().unwrap();
                if subs.iter().all(|sub| self.samples(sub, trace)) {
                    return false;
                }
                continue;
            }
            // All are asked, whatever the others say.
            kept |= self.samples(policy, trace);
        }
        kept
    }

    fn samples(&self, policy: &Value, trace: &[Span]) -> bool {
        let kind = policy["type"].as_str().expect("a type");
        let settings = &policy[kind];
        match kind {
            "always_sample" => true,
            "and" => settings["and_sub_policy"].as_array().unwrap().iter().all(|sub| self.samples(sub, trace)),
            "not" => !self.samples(&settings["not_sub_policy"], trace),
            "ottl_condition" => {
                let conditions: Vec<String> = settings["span"].as_array().unwrap().iter().map(expanded).collect();
                trace.iter().any(|span| conditions.iter().any(|condition| ottl::meets(condition, span)))
            }
            "rate_limiting" => {
                self.asked.set(self.asked.get() + 1);
                self.allows
            }
            "probabilistic" => {
                assert_eq!(settings["sampling_percentage"].as_f64(), Some(0.0));
                false
            }
            other => panic!("no policy {other} is written"),
        }
    }
}

/// What a program does: the first rule that matches decides. Whether the limit of a rule was asked.
fn program(tail: &TailSampling, trace: &[Span], allows: bool) -> (bool, u32) {
    let random = u64::try_from(trace[0].trace & ((1 << 56) - 1)).unwrap();
    let reaches = |ratio: f64| random >= otelier::config::probability_threshold(ratio);
    let rule = tail.rules.iter().find(|rule| trace.iter().any(|span| matches(rule, span)));
    match rule.map(|rule| rule.keep) {
        None if tail.failed && trace.iter().any(|span| span.failed) => (true, 0),
        None => (reaches(tail.ratio), 0),
        Some(Keep::Always) => (true, 0),
        Some(Keep::Never) => (false, 0),
        Some(Keep::Ratio(ratio)) => (reaches(ratio), 0),
        Some(Keep::RateLimit(_)) => (allows, 1),
        Some(other) => panic!("{other:?} is not known here"),
    }
}

#[track_caller]
fn assert_same(tail: &TailSampling, trace: &[Span]) {
    assert_same_by(tail, policies(tail, 10).as_deref(), trace);
}

#[track_caller]
fn assert_same_by(tail: &TailSampling, policies: Option<&[Value]>, trace: &[Span]) {
    let Some(policies) = policies else {
        assert_eq!(program(tail, trace, true), (true, 0), "{tail:?}\n{trace:?}");
        return;
    };
    for allows in [false, true] {
        let collector = Collector { allows, asked: Cell::new(0) };
        let kept = collector.keeps(policies, trace);
        let found = (kept, collector.asked.get());
        assert_eq!(found, program(tail, trace, allows), "{tail:?}\n{trace:?}\n{policies:#?}");
    }
}

/// A rule on an attribute of its own.
fn rule(number: usize, keep: Keep) -> TailRule {
    TailRule::new(format!("rule {number}"), keep).attribute_is(format!("key.{number}"), ["yes"])
}

fn changed(mut rule: TailRule, change: impl FnOnce(&mut TailRule)) -> TailRule {
    change(&mut rule);
    rule
}

#[test]
fn the_first_rule_that_matches_decides_in_every_combination_of_three() {
    let keeps = [Keep::Always, Keep::Never, Keep::Ratio(0.25), Keep::RateLimit(5.0)];
    let span = |number: usize| Span::with(&format!("key.{number}"), Attribute::from("yes"));
    let mut traces = Vec::new();
    for subset in 0..8_usize {
        let found: Vec<usize> = (0..3).filter(|number| subset >> number & 1 == 1).collect();
        // Each in a span of its own, in both orders, and all in one.
        let apart: Vec<Span> =
            std::iter::once(Span::default()).chain(found.iter().map(|number| span(*number))).collect();
        let attributes = found.iter().flat_map(|number| span(*number).attributes).collect();
        traces.push(apart.iter().rev().cloned().collect());
        traces.push(apart);
        traces.push(vec![Span { attributes, ..Span::default() }]);
    }
    let mut seen = 0;
    for combination in 0..64_usize {
        let rules = (0..3).map(|number| rule(number, keeps[combination >> (2 * number) & 3]));
        for ratio in [0.0, 0.5, 1.0] {
            let tail = rules.clone().fold(TailSampling::new(ratio), TailSampling::with_rule);
            let policies = policies(&tail, 10);
            for trace in &traces {
                // Below every share, and within one, two or all of them; what stands before the last 14 digits says nothing.
                for random in [0, 0x40 << 48, 0x80 << 48, 0xc0 << 48, (1 << 56) - 1] {
                    let id = 0xffee_ddcc_bbaa_9988_7700_0000_0000_0000_u128 | random;
                    let trace: Vec<Span> = trace.iter().map(|span| Span { trace: id, ..span.clone() }).collect();
                    assert_same_by(&tail, policies.as_deref(), &trace);
                    seen += 1;
                }
            }
        }
    }
    assert_eq!(seen, 64 * 3 * 24 * 5);
}

#[test]
fn a_share_is_the_one_of_programs_to_the_last_trace() {
    for ratio in [0.1, 0.25, 1.0 / 3.0, 0.001, 0.999, 1e-9] {
        let threshold = u128::from(otelier::config::probability_threshold(ratio));
        for trace in [threshold - 1, threshold, threshold + 1] {
            assert_same(&TailSampling::new(ratio), &[Span { trace, ..Span::default() }]);
        }
    }
}

/// Rules without a name, one for each condition and some for several.
fn conditions() -> Vec<TailRule> {
    let empty = || TailRule::new("", Keep::Always);
    let with = |change: &dyn Fn(&mut TailRule)| {
        let mut rule = empty();
        change(&mut rule);
        rule
    };
    let values = |key: &str, values: &[&str]| AttributeValues {
        key: key.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let patterns = |key: &str, included: &[&str], excluded: &[&str]| AttributePatterns {
        key: key.to_owned(),
        included: included.iter().map(|value| (*value).to_owned()).collect(),
        excluded: excluded.iter().map(|value| (*value).to_owned()).collect(),
    };
    let range = |min, max| AttributeRange { key: "n".to_owned(), min, max };
    let mut all = vec![
        empty().failed(),
        empty().slower_than(Duration::from_millis(250)),
        empty().failed().slower_than(Duration::from_nanos(1001)),
        with(&|rule| rule.schemas = vec!["retail.*".to_owned(), "core.order".to_owned()]),
        with(&|rule| rule.span_names = vec!["GET /orders/*".to_owned(), "l?ad".to_owned()]),
        with(&|rule| rule.span_kinds = vec![Kind::Server, Kind::Consumer]),
        with(&|rule| rule.span_kinds = vec![Kind::Internal]),
        with(&|rule| rule.priority = Some(Priority::Low)),
        with(&|rule| rule.attribute_ranges = vec![range(Some(5.0), None)]),
        with(&|rule| rule.attribute_ranges = vec![range(None, Some(5.5))]),
        with(&|rule| rule.attribute_ranges = vec![range(Some(-1.0), Some(404.0))]),
        with(&|rule| rule.attribute_ranges = vec![range(None, None)]),
        with(&|rule| rule.attribute_ranges = vec![range(Some(1e300), Some(f64::INFINITY))]),
        with(&|rule| rule.rate_limited = true),
        with(&|rule| rule.budget_exceeded = true),
        // Both have to be met by the same span.
        empty().attribute_is("a", ["1"]).attribute_is("b", ["2", "3"]),
        with(&|rule| {
            rule.attribute_values = vec![values("a", &["1"])];
            rule.attribute_patterns = vec![patterns("a", &["?"], &[])];
        }),
    ];
    for text in HOSTILE {
        all.push(empty().attribute_is("a", [text]));
        all.push(empty().attribute_is(text, ["1"]));
        all.push(with(&|rule| rule.span_names = vec![text.to_owned()]));
    }
    for included in
        ["*", "?", "?*", "a*", "*b", "[*", "*]", "[*]", "[?a?]", "*\"*", "4?4", "*,*", "*.5", "t*", "*\\*", "*<*"]
    {
        all.push(with(&|rule| rule.attribute_patterns = vec![patterns("a", &[included], &[])]));
        all.push(with(&|rule| rule.attribute_patterns = vec![patterns("a", &[included, "nothing"], &[])]));
    }
    all.push(with(&|rule| rule.attribute_patterns = vec![patterns("a", &[], &[])]));
    all
}

/// Spans with every kind of value.
fn spans() -> Vec<Span> {
    let list = |items: &[&str]| Attribute::List(items.iter().map(|item| Attribute::from(*item)).collect());
    let mut all = vec![
        Span::default(),
        Span { failed: true, ..Span::default() },
        Span { nanos: 249_999_999, ..Span::default() },
        Span { nanos: 250_000_000, ..Span::default() },
        Span { failed: true, nanos: 1001, ..Span::default() },
        Span { nanos: -5, ..Span::default() },
        Span { name: "GET /orders/7".to_owned(), kind: Kind::Server, ..Span::default() },
        Span { name: "get /orders/7".to_owned(), kind: Kind::Client, ..Span::default() },
        Span { name: String::new(), kind: Kind::Producer, ..Span::default() },
        Span { name: "lad".to_owned(), kind: Kind::Consumer, ..Span::default() },
        Span::with("otelier.span_type", "retail.cart".into()),
        Span::with("otelier.span_type", "core.order".into()),
        Span::with("otelier.span_type", "core.orders".into()),
        Span::with("http.response.status_code", Attribute::Int(429)),
        Span::with("http.response.status_code", Attribute::Int(418)),
        Span::with("http.response.status_code", Attribute::Int(500)),
        Span::with("rpc.response.status_code", "RESOURCE_EXHAUSTED".into()),
        Span::with("rpc.response.status_code", "OK".into()),
        Span::with("error.type", "rate_limited".into()),
        Span::with("error.type", "rate_limited_".into()),
        Span::with("performance.budget.exceeded", Attribute::Bool(true)),
        Span::with("performance.budget.exceeded", Attribute::Bool(false)),
        Span::with("performance.slo.compliant", Attribute::Bool(false)),
        Span::with("performance.slo.compliant", Attribute::Bool(true)),
        Span { attributes: vec![("a".to_owned(), "1".into()), ("b".to_owned(), Attribute::Int(3))], ..Span::default() },
        Span { attributes: vec![("a".to_owned(), "1".into()), ("b".to_owned(), Attribute::Int(4))], ..Span::default() },
    ];
    let mut values = vec![
        Attribute::Int(1),
        Attribute::Int(-1),
        Attribute::Int(404),
        Attribute::Int(i64::MAX),
        Attribute::Double(5.5),
        Attribute::Double(5.0),
        Attribute::Double(1e300),
        Attribute::Double(f64::NAN),
        Attribute::Bool(true),
        Attribute::Bool(false),
        "".into(),
        "abab".into(),
        "a\nb".into(),
        "[\"a\",\"b\"]".into(),
        list(&[]),
        list(&[""]),
        list(&["x", "a\"b", "y"]),
        list(&["a,", "b"]),
        list(&["a", "b", "[c]"]),
        list(&["a\\", "\",b"]),
        list(&["1", "404"]),
        Attribute::List(vec![Attribute::Int(1), Attribute::Int(404)]),
        Attribute::List(vec![Attribute::Double(2.5), Attribute::Double(-1.0)]),
        Attribute::List(vec![Attribute::Bool(false), Attribute::Bool(true)]),
    ];
    for text in HOSTILE {
        values.push(text.into());
        values.push(list(&[text]));
        values.push(list(&["first", text, "last"]));
        values.push(list(&[&format!("{text}x"), &format!("x{text}")]));
        all.push(Span { name: text.to_owned(), ..Span::with(text, "1".into()) });
    }
    for value in values {
        all.push(Span::with("a", value.clone()));
        all.push(Span::with("n", value));
    }
    all
}

#[test]
fn every_condition_is_met_by_the_spans_that_meet_it_in_programs() {
    let (rules, spans) = (conditions(), spans());
    let mut met = vec![0; rules.len()];
    for (at, rule) in rules.iter().enumerate() {
        let super::ottl::Asked::Condition(condition) = super::ottl::asked(rule, None) else {
            // What every span meets.
            assert_eq!(rule.priority, Some(Priority::Low), "{rule:?}");
            met[at] = 1;
            continue;
        };
        // Read once as the Collector has it, after YAML and the expansion of references.
        let tail = TailSampling::new(0.0).with_rule(rule.clone());
        let policies = policies(&tail, 10).expect("something is not kept");
        assert_eq!(expanded(&policies[0]["ottl_condition"]["span"][0]), condition);
        for span in &spans {
            let found = ottl::meets(&condition, span);
            assert_eq!(found, matches(rule, span), "{condition}\n{span:?}");
            met[at] += usize::from(found);
        }
    }
    let never: Vec<&TailRule> = rules.iter().zip(&met).filter(|(_, met)| **met == 0).map(|(rule, _)| rule).collect();
    assert!(never.is_empty(), "no span meets these, so they are not tested: {never:#?}");
}

#[test]
fn what_is_excluded_holds_for_single_values_and_is_said_for_lists() {
    let mut rule = TailRule::new("not internal", Keep::Always);
    rule.attribute_patterns = vec![AttributePatterns {
        key: "a".to_owned(),
        included: Vec::new(),
        excluded: vec!["int*".to_owned(), "7".to_owned()],
    }];
    let tail = TailSampling::new(0.0).with_rule(rule);
    for value in ["internal".into(), "external".into(), Attribute::Int(7), Attribute::Int(77), Attribute::Nothing] {
        assert_same(&tail, &[Span::with("a", value)]);
    }
    let notes = made(&tail, true, 10).unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("`not internal` excludes patterns")), "{notes:?}");
}

#[test]
fn what_a_collector_cannot_see_is_left_out_with_a_comment_and_a_note() {
    let mut high = TailRule::new("important\nones", Keep::Always);
    high.priority = Some(Priority::High);
    let mut schemas = TailRule::new("orders", Keep::RateLimit(2.5));
    schemas.schemas = vec!["retail.*".to_owned()];
    let tail = TailSampling::new(0.5).with_rule(high).with_rule(schemas);
    let made = made(&tail, false, 4).unwrap();
    let mut text = String::new();
    Yaml::List(made.policies).write(&mut text, 0);
    for part in [
        "# Rule `important\\nones` is left out: it asks for `priority: high`, which annotations say and spans do not; `--package NAME`",
        "# It matches nothing until programs export `otelier.span_type`: `span_types: true`.\n",
        "# 2.5 traces a second in a program are 10 spans a second here, at 4 spans a trace;",
        "        rate_limiting:\n          spans_per_second: 10\n",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
    for part in [
        "is left out: it asks for `priority: high`",
        "OTELIER_SPAN_TYPES=true",
        "keeps 2.5 traces a second in a program",
    ] {
        assert!(made.notes.iter().any(|note| note.contains(part)), "{part}: {:?}", made.notes);
    }
    assert_eq!(made.notes.len(), 3);
}

#[test]
fn names_are_those_of_rules_and_each_is_there_once() {
    let names = ["a", "", "a", "otherwise", "rules[1]"];
    let tail = names.into_iter().enumerate().fold(TailSampling::failed().or_ratio(0.1), |tail, (number, name)| {
        tail.with_rule(changed(rule(number, Keep::Always), |rule| rule.name = name.to_owned()))
    });
    let names: Vec<String> = policies(&tail, 10).unwrap().iter().map(|policy| expanded(&policy["name"])).collect();
    assert_eq!(names, ["a", "rules[1]", "a_2", "otherwise", "rules[1]_2", "failed", "otherwise_2"]);
}

#[test]
fn rules_that_are_never_asked_and_rules_that_keep_nothing() {
    let all = TailRule::new("all", Keep::Never);
    let tail = TailSampling::new(1.0).with_rule(rule(0, Keep::Never)).with_rule(all).with_rule(rule(1, Keep::Always));
    let made = made(&tail, true, 10).unwrap();
    assert!(made.notes.iter().any(|note| note.contains("behind one without conditions")), "{:?}", made.notes);
    for number in 0..3 {
        assert_same(&tail, &[Span::with(&format!("key.{number}"), "yes".into())]);
    }
    assert!(self::made(&TailSampling::failed().or_ratio(1.0), true, 10).is_none());
    assert_same(&TailSampling::new(0.0), &[Span::default()]);
}

#[test]
fn a_decision_waits_until_a_slow_span_can_be_there() {
    let wait = |tail: &TailSampling| made(tail, true, 10).unwrap().wait;
    assert_eq!(wait(&TailSampling::failed()), Duration::from_secs(30));
    let slow = TailSampling::failed().or_slower_than(Duration::from_micros(60_000_001));
    assert_eq!(wait(&slow), Duration::from_micros(70_000_001));
    let notes = made(&slow, true, 10).unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("`decision_wait` is 70000001us, not the 30s")), "{notes:?}");
    let mut hasty = TailSampling::failed();
    hasty.decide_after = Duration::from_millis(5);
    assert_eq!(wait(&hasty), Duration::from_secs(1));
}
