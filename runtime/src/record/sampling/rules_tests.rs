//! Every condition of a rule, met and not met.

use super::node::Asked;
use super::{Given, Match, Parent, Who};
use crate::record::ambient::with_ambient;
use crate::record::matching::{Condition, Wanted};
use crate::record::{Callsite, Constant, Priority};
use crate::schema::{Schema, crypto, workflow};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use otelier_spec::Kind;

const fn of<S: Schema>(name: &'static str) -> Callsite {
    Callsite { schema: Some(S::DEF), ..Callsite::new(name, S::DEF.kind) }
}

static PLAIN: Callsite = Callsite::new("load", Kind::Internal);
static SERVER: Callsite = Callsite::new("GET /orders", Kind::Server);
static LOW: Callsite = Callsite { priority: Priority::Low, ..Callsite::new("poll", Kind::Internal) };
static HIGH: Callsite = Callsite { priority: Priority::High, ..Callsite::new("pay", Kind::Internal) };
static API: Callsite = of::<crypto::ExchangeApi>("fetch");
static STAGE: Callsite = of::<workflow::Stage>("clean");
static CONSTANT: Callsite = Callsite {
    constants: &[
        ("app.tier", Constant::Str("gold")),
        ("app.size", Constant::Int(10)),
        ("app.share", Constant::Double(0.5)),
        ("app.new", Constant::Bool(true)),
    ],
    ..Callsite::new("buy", Kind::Internal)
};
static ALL: [&Callsite; 7] = [&PLAIN, &SERVER, &LOW, &HIGH, &API, &STAGE, &CONSTANT];

fn parent(remote: bool) -> SpanContext {
    SpanContext::new(TraceId::from(7), SpanId::from(8), TraceFlags::SAMPLED, remote, TraceState::NONE)
}

fn values(values: &[&str]) -> Wanted {
    Wanted::one_of(values)
}

fn like(included: &[&str], excluded: &[&str]) -> Wanted {
    Wanted::Like(included.iter().collect(), excluded.iter().collect())
}

fn asked<'a>(who: Who<'a>, parent: &'a SpanContext, context: Option<&'a Context>) -> Asked<'a> {
    Asked { context, ..Asked::new((1, 2), parent, who) }
}

/// The names of the call sites whose spans a rule matches that begin traces without attributes of their own.
fn matched(when: &Match) -> Vec<&'static str> {
    let matches = |site: &&&'static Callsite| when.matches(&asked((**site).into(), &SpanContext::NONE, None));
    ALL.iter().filter(matches).map(|site| site.name).collect()
}

fn names(patterns: &[&str]) -> Match {
    Match { names: patterns.iter().collect(), ..Match::default() }
}

fn schemas(patterns: &[&str]) -> Match {
    Match { schemas: patterns.iter().collect(), ..Match::default() }
}

fn kinds(kinds: &[Kind]) -> Match {
    Match { kinds: kinds.to_vec(), ..Match::default() }
}

fn least(priority: Priority) -> Match {
    Match { priority: Some(priority), ..Match::default() }
}

fn attribute(key: &str, wanted: Wanted) -> Match {
    Match { attributes: vec![condition(key, wanted)], ..Match::default() }
}

fn condition(key: &str, wanted: Wanted) -> Condition {
    Condition::new(key, wanted)
}

#[test]
fn a_rule_without_conditions_matches_every_span() {
    assert_eq!(matched(&Match::default()).len(), ALL.len());
}

#[test]
fn each_condition_of_a_call_site_matches_what_it_names_and_nothing_else() {
    for (when, expected) in [
        (names(&["load"]), &["load"][..]),
        (names(&["p*", "?uy"]), &["poll", "pay", "buy"]),
        (names(&["Load", "loa", ""]), &[]),
        (schemas(&["crypto.*"]), &["fetch"]),
        (schemas(&["crypto.exchange_api", "workflow.*"]), &["fetch", "clean"]),
        (schemas(&["*"]), &["fetch", "clean"]),
        (schemas(&["crypto", "", "Crypto.*", "?"]), &[]),
        (kinds(&[Kind::Server]), &["GET /orders"]),
        (kinds(&[Kind::Client, Kind::Server]), &["GET /orders", "fetch"]),
        (kinds(&[Kind::Producer]), &[]),
        (least(Priority::High), &["pay"]),
        (least(Priority::Normal), &["load", "GET /orders", "pay", "fetch", "clean", "buy"]),
        (least(Priority::Low), &["load", "GET /orders", "poll", "pay", "fetch", "clean", "buy"]),
        (Match { priority: Some(Priority::High), ..names(&["p*"]) }, &["pay"]),
        (Match { kinds: vec![Kind::Client], ..schemas(&["workflow.*"]) }, &[]),
    ] {
        assert_eq!(matched(&when), expected, "{when:?}");
    }
}

#[test]
fn parents_are_told_apart_by_where_they_are() {
    let parents = [SpanContext::NONE, parent(true), parent(false)];
    for (wanted, expected) in [
        (vec![Parent::None], [true, false, false]),
        (vec![Parent::Remote], [false, true, false]),
        (vec![Parent::Local], [false, false, true]),
        (vec![Parent::None, Parent::Local], [true, false, true]),
        (vec![], [true; 3]),
    ] {
        let when = Match { parents: wanted, ..Match::default() };
        assert_eq!(parents.each_ref().map(|parent| when.matches(&asked((&PLAIN).into(), parent, None))), expected);
    }
}

#[test]
fn the_name_and_the_kind_of_a_span_count_and_not_those_of_its_call_site() {
    let who = Who { name: "GET /orders/7", kind: Kind::Client, ..Who::from(&SERVER) };
    let matches = |when: Match| when.matches(&asked(who, &SpanContext::NONE, None));
    assert!(matches(names(&["GET /orders/*"])) && matches(kinds(&[Kind::Client])));
    assert!(!matches(names(&["GET /orders"])) && !matches(kinds(&[Kind::Server])));
}

/// Whether a span with these attributes, or the constants of its call site if there are none, is matched.
fn has(when: &Match, given: &[KeyValue]) -> bool {
    let who = match given {
        [] => Who::from(&CONSTANT),
        given => Who { given: Given::KeyValues(given), ..Who::from(&PLAIN) },
    };
    when.matches(&asked(who, &SpanContext::NONE, None))
}

#[test]
fn values_and_patterns_are_compared_as_text() {
    let values = |key, texts: &[&str]| attribute(key, values(texts));
    let like = |key, included: &[&str], excluded: &[&str]| attribute(key, like(included, excluded));
    for (when, expected) in [
        (values("app.tier", &["silver", "gold"]), true),
        (values("app.tier", &["gol", "Gold", ""]), false),
        (values("app.size", &["10"]), true),
        (values("app.size", &["10.0", "1"]), false),
        (values("app.share", &["0.5"]), true),
        (values("app.new", &["true"]), true),
        (values("app.new", &["false", "1"]), false),
        (values("app.other", &["gold"]), false),
        (values("app.tier", &[]), false),
        (like("app.tier", &["g*"], &[]), true),
        (like("app.tier", &["s*"], &[]), false),
        (like("app.tier", &[], &[]), true),
        (like("app.tier", &[], &["g*"]), false),
        (like("app.tier", &["g*"], &["*d"]), false),
        (like("app.size", &["1?"], &["11"]), true),
        (like("app.other", &[], &["x"]), false),
    ] {
        let own = [
            KeyValue::new("app.tier", "gold"),
            KeyValue::new("app.size", 10),
            KeyValue::new("app.share", 0.5),
            KeyValue::new("app.new", true),
        ];
        assert_eq!((has(&when, &[]), has(&when, &own)), (expected, expected), "{when:?}");
    }
    let list = [KeyValue::new("app.tags", Value::Array(Array::String(vec!["a".into(), "b".into()])))];
    assert!(has(&values("app.tags", &["b"]), &list) && !has(&values("app.tags", &["c"]), &list));
    assert!(has(&like("app.tags", &[], &["b"]), &list), "of a list one value is enough");
}

#[test]
fn numbers_lie_within_bounds_that_count_themselves() {
    const LEAST: f64 = f64::NEG_INFINITY;
    const MOST: f64 = f64::INFINITY;
    let lies =
        |value: Value, min, max| has(&attribute("app.n", Wanted::Within(min, max)), &[KeyValue::new("app.n", value)]);
    for (value, min, max, expected) in [
        (Value::I64(1000), 1000.0, MOST, true),
        (Value::I64(999), 1000.0, MOST, false),
        (Value::I64(1000), LEAST, 1000.0, true),
        (Value::I64(1001), LEAST, 1000.0, false),
        (Value::F64(0.5), 0.5, 0.5, true),
        (Value::F64(-0.0), 0.0, 1.0, true),
        (Value::F64(f64::INFINITY), 5.0, MOST, true),
        (Value::F64(f64::NEG_INFINITY), LEAST, 5.0, true),
        (Value::F64(f64::INFINITY), 5.0, 6.0, false),
        (Value::F64(f64::NAN), LEAST, MOST, false),
        (Value::F64(5.0), f64::NAN, MOST, false),
        (Value::F64(5.0), LEAST, f64::NAN, false),
        (Value::F64(5.0), f64::NAN, f64::NAN, false),
        (Value::F64(5.0), 6.0, 4.0, false),
        (Value::I64(i64::MAX), 9.2e18, MOST, true),
        (Value::I64(i64::MIN), LEAST, -9.2e18, true),
        // What only looks like a number is none.
        (Value::String("1000".into()), LEAST, MOST, false),
        (Value::Bool(true), LEAST, MOST, false),
        (Value::Array(Array::I64(vec![1, 7])), 5.0, 9.0, true),
        (Value::Array(Array::F64(vec![1.0, f64::NAN])), 5.0, 9.0, false),
        (Value::Array(Array::String(vec![StringValue::from("7")])), 5.0, 9.0, false),
    ] {
        assert_eq!(lies(value.clone(), min, max), expected, "{value:?} from {min} to {max}");
    }
    assert!(has(&attribute("app.size", Wanted::Within(10.0, 10.0)), &[]), "constants of the call site, too");
    assert!(has(&attribute("app.share", Wanted::Within(0.1, 1.0)), &[]));
    assert!(!has(&attribute("app.tier", Wanted::Within(LEAST, MOST)), &[]));
}

#[test]
fn all_attributes_have_to_be_as_a_rule_wants_them() {
    let both = || Match {
        attributes: vec![condition("app.tier", values(&["gold"])), condition("app.size", Wanted::Within(5.0, 20.0))],
        ..Match::default()
    };
    let of = |tier: &'static str, size: i64| [KeyValue::new("app.tier", tier), KeyValue::new("app.size", size)];
    assert!(has(&both(), &of("gold", 10)));
    assert!(!has(&both(), &of("silver", 10)) && !has(&both(), &of("gold", 30)));
    assert!(!has(&both(), &of("gold", 10)[..1]), "one of them is missing");
}

#[test]
fn what_the_context_gives_counts_unless_the_span_says_otherwise() {
    let given = vec![KeyValue::new("user.id", "ann"), KeyValue::new("app.tier", "silver")];
    let context = with_ambient(&Context::new(), given, |_, context| context);
    let user = attribute("user.id", values(&["ann", "bob"]));
    let tier = |tier| attribute("app.tier", values(&[tier]));
    let matches =
        |when: &Match, who: Who<'_>, context: Option<&Context>| when.matches(&asked(who, &SpanContext::NONE, context));
    let empty = Context::new();
    assert!(matches(&user, (&PLAIN).into(), Some(&context)));
    assert!(!matches(&user, (&PLAIN).into(), Some(&empty)) && !matches(&user, (&PLAIN).into(), None));
    assert!(matches(&tier("silver"), (&PLAIN).into(), Some(&context)));
    // The constant of the call site, and what is given, are the span's own.
    assert!(matches(&tier("gold"), (&CONSTANT).into(), Some(&context)));
    assert!(!matches(&tier("silver"), (&CONSTANT).into(), Some(&context)));
    let own = [KeyValue::new("user.id", "eve")];
    let eve = Who { given: Given::KeyValues(&own), ..(&PLAIN).into() };
    assert!(!matches(&user, eve, Some(&context)) && matches(&tier("silver"), eve, Some(&context)));
}

#[test]
fn what_is_possible_at_a_call_site_is_what_its_plain_spans_can_match() {
    let rules = [
        Match::default(),
        names(&["p*"]),
        names(&["nobody"]),
        schemas(&["crypto.*"]),
        kinds(&[Kind::Server]),
        least(Priority::High),
        Match { kinds: vec![Kind::Client], ..schemas(&["*"]) },
    ];
    for when in &rules {
        let possible: Vec<_> = ALL.iter().filter(|site| when.is_possible_at(site)).map(|site| site.name).collect();
        assert_eq!(possible, matched(when), "{when:?}");
    }
    let later = [attribute("app.unknown", values(&["x"])), Match { parents: vec![Parent::Local], ..Match::default() }];
    for when in &later {
        assert!(ALL.iter().all(|site| when.is_possible_at(site)), "nobody knows before there is a span: {when:?}");
        assert!(matched(when).is_empty());
    }
}

#[test]
#[cfg_attr(miri, ignore = "safe code that takes Miri minutes")]
fn hostile_patterns_and_values_end_soon_in_every_condition() {
    let (stars, long) = ("*a".repeat(200), "a".repeat(5000));
    let stars = [&*format!("{stars}b")];
    let given = [KeyValue::new("app.x", long.clone())];
    let who = Who { name: &long, given: Given::KeyValues(&given), ..(&API).into() };
    for when in [
        names(&stars),
        schemas(&stars),
        attribute("app.x", like(&stars, &[])),
        attribute("app.x", like(&["b"], &stars)),
    ] {
        assert!(!when.matches(&asked(who, &SpanContext::NONE, None)));
    }
    for odd in ["", "*", "?", "**", "\0", "[a-z]", "\\*", "(a+)+$", "\u{10ffff}"] {
        let _ = schemas(&[odd]).matches(&asked(who, &SpanContext::NONE, None));
    }
}
