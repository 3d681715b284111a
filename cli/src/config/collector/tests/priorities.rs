//! Rules that ask for a priority, with the call sites of a package.

use super::super::ottl::{self as conditions, Asked};
use super::super::sites::{CallSite, CallSites, Seen};
use super::super::tail;
use super::{Span, ottl};
use otelier::Priority;
use otelier::config::{Keep, TailRule, TailSampling};
use otelier::schema::Kind;
use std::collections::HashSet;

fn sites(all: &[(&[&str], Kind, Priority)]) -> CallSites {
    let site = |(names, kind, priority): &(&[&str], Kind, Priority)| CallSite {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        kind: *kind as u8,
        priority: *priority,
    };
    CallSites { package: "shop".to_owned(), all: all.iter().map(site).collect() }
}

fn shop() -> CallSites {
    sites(&[
        (&["pay"], Kind::Client, Priority::High),
        (&["sell", "sell {shop.market}"], Kind::Client, Priority::High),
        (&["it's \"100%\" [a-z]+"], Kind::Internal, Priority::High),
        (&["load"], Kind::Internal, Priority::Normal),
        (&["poll {a} and {b}"], Kind::Internal, Priority::Low),
    ])
}

fn asking(least: Priority) -> TailRule {
    let mut rule = TailRule::new("important", Keep::Always);
    rule.priority = Some(least);
    rule
}

#[test]
fn spans_are_of_the_priority_that_their_annotation_has() {
    let sites = shop();
    let condition = |least| match conditions::asked(&asking(least), Some(&sites)) {
        Asked::Condition(condition) => condition,
        other => panic!("{other:?}"),
    };
    let (high, normal) = (condition(Priority::High), condition(Priority::Normal));
    for (name, kind, is_high, is_normal) in [
        ("pay", Kind::Client, true, true),
        ("pay", Kind::Server, false, true),
        ("payment", Kind::Client, false, true),
        ("sell", Kind::Client, true, true),
        ("sell spot {x}\n", Kind::Client, true, true),
        ("sells", Kind::Client, false, true),
        ("it's \"100%\" [a-z]+", Kind::Internal, true, true),
        ("it's \"100%\" a", Kind::Internal, false, true),
        ("load", Kind::Internal, false, true),
        ("poll 1 and 2", Kind::Internal, false, false),
        ("poll 1", Kind::Internal, false, true),
        ("of somebody else", Kind::Producer, false, true),
    ] {
        let span = Span { name: name.to_owned(), kind, ..Span::default() };
        assert_eq!((ottl::meets(&high, &span), ottl::meets(&normal, &span)), (is_high, is_normal), "{name} {kind:?}");
    }
    assert_eq!(conditions::asked(&asking(Priority::Low), Some(&sites)), Asked::Nothing);
}

#[test]
fn a_priority_that_nothing_or_everything_has_is_no_condition() {
    let plain = sites(&[(&["load"], Kind::Internal, Priority::Normal)]);
    assert_eq!(conditions::asked(&asking(Priority::High), Some(&plain)), Asked::Nobody);
    assert_eq!(conditions::asked(&asking(Priority::Normal), Some(&plain)), Asked::Nothing);
    let tail = TailSampling::new(0.5).with_rule(asking(Priority::High));
    let made = tail::of(&tail, Seen { span_types: false, sites: Some(&plain) }, 10, HashSet::new()).unwrap();
    let expected =
        "rule `important` is left out: it asks for `priority: high`, which no annotation of the package `shop` has";
    assert_eq!(made.notes, [expected]);
}

#[test]
fn spans_that_cannot_be_told_apart_are_named() {
    let mut sites = shop();
    sites.all.push(CallSite { names: vec!["pay".to_owned()], kind: Kind::Client as u8, priority: Priority::Low });
    let tail = TailSampling::new(0.5).with_rule(asking(Priority::High));
    let made = tail::of(&tail, Seen { span_types: false, sites: Some(&sites) }, 10, HashSet::new()).unwrap();
    let [stands, alike] = made.notes.as_slice() else { panic!("{:?}", made.notes) };
    assert!(stands.contains("here the names and kinds of spans stand for it"), "{stands}");
    assert!(alike.ends_with("because they have the same name and kind: pay"), "{alike}");
}
