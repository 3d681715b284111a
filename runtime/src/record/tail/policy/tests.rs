use super::*;
use crate::record::matching::{Condition, Wanted};
use std::cell::Cell;

/// A span for tests.
#[derive(Clone)]
struct Span {
    failed: bool,
    nanos: u64,
    schema: &'static str,
    name: &'static str,
    kind: Kind,
    priority: Priority,
    attributes: Vec<(&'static str, Value<'static>)>,
    event: &'static str,
    site: Option<usize>,
    /// How often attributes were looked at.
    looked: Cell<usize>,
}

fn span() -> Span {
    Span {
        failed: false,
        nanos: 1_000,
        schema: "",
        name: "load",
        kind: Kind::Internal,
        priority: Priority::Normal,
        attributes: Vec::new(),
        event: "",
        site: None,
        looked: Cell::new(0),
    }
}

fn with(key: &'static str, value: Value<'static>) -> Span {
    Span { attributes: vec![(key, value)], ..span() }
}

impl Subject for Span {
    fn failed(&self) -> bool {
        self.failed
    }
    fn nanos(&self) -> u64 {
        self.nanos
    }
    fn schema(&self) -> &str {
        self.schema
    }
    fn with_name(&self, f: &mut dyn FnMut(&str)) {
        f(self.name);
    }
    fn kind(&self) -> Kind {
        self.kind
    }
    fn priority(&self) -> Priority {
        self.priority
    }
    fn has(&self, key: &str, is: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        self.looked.set(self.looked.get() + 1);
        self.attributes.iter().any(|(found, value)| *found == key && is(*value))
    }
    fn has_event(&self, name: &str) -> bool {
        self.event == name
    }
    fn may_have(&self, key: &str) -> bool {
        self.attributes.iter().any(|(found, _)| *found == key)
    }
    fn site(&self) -> Option<usize> {
        self.site
    }
}

fn rule(when: Conditions) -> Rule {
    Rule { grounds: 0, failed: false, nanos: None, when, share: Share::Always }
}

fn attribute(key: &str, wanted: Wanted) -> Conditions {
    Conditions { attributes: vec![Condition::new(key, wanted)], ..Conditions::default() }
}

#[track_caller]
fn matches(when: Conditions, span: &Span) -> bool {
    let policy = TailPolicy::new(vec![rule(when)], 0);
    let found = policy.see(1, span) == 0;
    let sited = Span { site: Some(0x40), ..span.clone() };
    for _ in 0..2 {
        assert_eq!(policy.see(1, &sited) == 0, found, "the same if its call site is known");
    }
    found
}

#[test]
fn the_first_rule_that_any_span_matches_counts() {
    let failed = Rule { failed: true, ..rule(Conditions::default()) };
    let slow = Rule { nanos: Some(5_000), share: Share::Never, ..rule(Conditions::default()) };
    let policy = TailPolicy::new(vec![failed, slow], 0);
    let (bad, long) = (Span { failed: true, ..span() }, Span { nanos: 5_000, ..span() });
    assert_eq!(policy.see(2, &span()), 2);
    assert_eq!(policy.see(2, &long), 1);
    assert_eq!(policy.see(policy.see(2, &long), &bad), 0);
    assert_eq!(policy.see(0, &long), 0, "what was found stays");
    assert_eq!([0, 1, 2].map(|found| policy.is_settled(found)), [true, false, false]);
    assert_eq!(policy.decide(1, 7, None), Decision { keep: false, grounds: 0, rule: Some(1) });
    assert!(policy.decide(2, 0, None).keep && policy.decide(2, 0, None).rule.is_none());
}

#[test]
fn spans_that_are_neither_failed_nor_slow_cost_no_look_at_attributes() {
    let of_user = || attribute("user.id", Wanted::one_of(["a"]));
    let policy = TailPolicy::new(
        vec![Rule { failed: true, ..rule(of_user()) }, Rule { nanos: Some(5_000), ..rule(of_user()) }],
        0,
    );
    let quick = with("user.id", Value::Str("a"));
    assert_eq!((policy.see(2, &quick), quick.looked.get()), (2, 0));
    let long = Span { nanos: 6_000, ..quick };
    assert_eq!((policy.see(2, &long), long.looked.get()), (1, 1));
    let policy = TailPolicy::new(vec![rule(of_user())], 0);
    let other = Span { site: Some(0x80), ..with("app.id", Value::Str("a")) };
    assert_eq!((policy.see(1, &other), other.looked.get()), (1, 0), "its call site can have no such key");
}

#[test]
fn all_conditions_of_a_rule_are_met_by_one_span() {
    let both = || Conditions {
        kinds: vec![Kind::Client, Kind::Server],
        schemas: ["crypto.*"].iter().collect(),
        names: ["GET *", "POST *"].iter().collect(),
        priority: Some(Priority::High),
        ..Conditions::default()
    };
    let right = Span { kind: Kind::Client, schema: "crypto.api", name: "GET /", priority: Priority::High, ..span() };
    assert!(matches(both(), &right));
    for wrong in [
        Span { kind: Kind::Internal, ..right.clone() },
        Span { schema: "", ..right.clone() },
        Span { name: "PUT /", ..right.clone() },
        Span { priority: Priority::Normal, ..right.clone() },
    ] {
        assert!(!matches(both(), &wrong), "{} {}", wrong.schema, wrong.name);
    }
    let any_schema = || Conditions { schemas: ["*"].iter().collect(), ..Conditions::default() };
    assert!(matches(any_schema(), &right) && !matches(any_schema(), &span()));
}

#[test]
fn values_are_compared_as_they_are_written() {
    for (value, wanted, found) in [
        (Value::Str("a"), "a", true),
        (Value::Str("A"), "a", false),
        (Value::Int(404), "404", true),
        (Value::Int(404), "+404", false),
        (Value::Int(4), "4.0", false),
        (Value::Double(0.5), "0.5", true),
        (Value::Double(4.0), "4", true),
        (Value::Double(f64::NAN), "NaN", true),
        (Value::Bool(true), "true", true),
        (Value::Bool(false), "true", false),
    ] {
        let when = attribute("key", Wanted::one_of(["other", wanted]));
        assert_eq!(matches(when, &with("key", value)), found, "{value:?} {wanted}");
    }
    assert!(!matches(attribute("other", Wanted::one_of(["a"])), &with("key", Value::Str("a"))));
}

#[test]
fn patterns_match_numbers_too_and_what_is_excluded_wins() {
    let like = |included: &[&'static str], excluded: &[&'static str]| {
        attribute("key", Wanted::Like(included.iter().collect(), excluded.iter().collect()))
    };
    assert!(matches(like(&["/api/*"], &["*/health"]), &with("key", Value::Str("/api/orders"))));
    assert!(!matches(like(&["/api/*"], &["*/health"]), &with("key", Value::Str("/api/health"))));
    assert!(matches(like(&["5??"], &[]), &with("key", Value::Int(503))));
    assert!(matches(like(&[], &[]), &with("key", Value::Bool(true))), "it is enough that it is there");
    assert!(!matches(like(&[], &[]), &span()));
    for extreme in [f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, f64::NEG_INFINITY] {
        assert!(matches(like(&["*"], &[]), &with("key", Value::Double(extreme))), "{extreme}");
    }
}

#[test]
fn bounds_belong_to_a_range_and_texts_are_no_numbers() {
    let within = || attribute("key", Wanted::Within(1.0, 2.0));
    for (value, found) in [
        (Value::Int(1), true),
        (Value::Double(2.0), true),
        (Value::Double(2.1), false),
        (Value::Double(f64::NAN), false),
        (Value::Int(0), false),
        (Value::Str("1"), false),
        (Value::Bool(true), false),
    ] {
        assert_eq!(matches(within(), &with("key", value)), found, "{value:?}");
    }
}

#[test]
fn who_had_enough_of_us_says_so_in_one_of_several_ways() {
    let limited = || Conditions { rate_limited: true, ..Conditions::default() };
    for (key, value, found) in [
        ("http.response.status_code", Value::Int(429), true),
        ("http.response.status_code", Value::Int(418), true),
        ("http.response.status_code", Value::Int(503), false),
        ("http.status_code", Value::Int(429), true),
        ("rpc.status_code", Value::Str("RESOURCE_EXHAUSTED"), true),
        ("rpc.status_code", Value::Str("UNAVAILABLE"), false),
        ("rpc.response.status_code", Value::Str("RESOURCE_EXHAUSTED"), true),
        ("rpc.grpc.status_code", Value::Int(8), true),
        ("rpc.grpc.status_code", Value::Int(14), false),
        ("error.type", Value::Str("429"), true),
        ("error.type", Value::Str("rate_limited"), true),
        ("error.type", Value::Str("RESOURCE_EXHAUSTED"), true),
        ("error.type", Value::Str("timeout"), false),
    ] {
        assert_eq!(matches(limited(), &with(key, value)), found, "{key} {value:?}");
    }
    assert!(matches(limited(), &Span { event: "crypto.rate_limited", ..span() }));
    assert!(!matches(limited(), &span()));
}

#[test]
fn budgets_and_objectives_that_were_not_kept_are_found() {
    let exceeded = || Conditions { budget_exceeded: true, ..Conditions::default() };
    for (key, value, found) in [
        ("performance.budget.exceeded", true, true),
        ("performance.budget.exceeded", false, false),
        ("performance.slo.compliant", false, true),
        ("performance.slo.compliant", true, false),
    ] {
        assert_eq!(matches(exceeded(), &with(key, Value::Bool(value))), found, "{key} {value}");
    }
}

#[test]
fn rules_beyond_the_sixty_fourth_count_as_others_do() {
    let mut rules: Vec<Rule> = (0..70).map(|_| rule(attribute("none", Wanted::one_of(["a"])))).collect();
    rules.push(rule(attribute("key", Wanted::one_of(["a"]))));
    let policy = TailPolicy::new(rules, 0);
    let span = Span { site: Some(0x40), ..with("key", Value::Str("a")) };
    assert_eq!((policy.see(71, &span), policy.see(70, &span)), (70, 70));
    assert_eq!(policy.see(usize::MAX, &span), 70);
}

#[test]
fn a_limit_of_traces_a_second_follows_the_time_that_is_simulated() {
    let limited = Rule { share: Share::RateLimit(Bucket::new(2.0)), ..rule(Conditions::default()) };
    let policy = TailPolicy::new(vec![limited], 0);
    let kept = |now| (0..5).filter(|_| policy.decide(0, 0, Some(now)).keep).count();
    assert_eq!([kept(0), kept(500_000_000), kept(10_000_000_000)], [2, 1, 2]);
}
