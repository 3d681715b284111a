//! What the measurements rest on.

use crate::numbers::{Summary, short, whole};
use crate::peers::{Name, with_peer};
use crate::scenario::Scenario;
use crate::spans::Span;
use clap::{CommandFactory, Parser, ValueEnum};
use std::any::type_name;
use std::collections::BTreeSet;

fn span() -> Span {
    let pairs =
        vec![("app.venue".to_owned(), "str:binance=1".to_owned()), ("app.quantity".to_owned(), "i64:7".to_owned())];
    Span {
        trace: u128::MAX,
        id: 1,
        parent: 0,
        name: "leaf".to_owned(),
        start: 5,
        end: 6,
        status: "error:rate limited: 3".to_owned(),
        attributes: pairs.clone(),
        events: vec![("exception".to_owned(), pairs), ("empty".to_owned(), Vec::new())],
    }
}

#[test]
fn a_span_survives_its_line() {
    let bare = Span { attributes: Vec::new(), events: Vec::new(), ..span() };
    for span in [span(), bare] {
        let line = span.to_line();
        assert!(!line.contains('\n'));
        assert_eq!(Span::from_line(&line), Some(span));
    }
    assert_eq!(Span::from_line("no span"), None);
}

#[test]
fn a_summary_has_the_middle_and_the_least() {
    let summary = Summary::of(vec![5.0, 1.0, 3.0, 2.0, 4.0]);
    assert_eq!(summary, Some(Summary { least: 1.0, quarter: 2.0, median: 3.0, three_quarters: 4.0 }));
    assert_eq!(Summary::of(Vec::new()), None);
}

#[test]
fn numbers_have_three_digits_or_more() {
    assert_eq!(
        ["0.25", "9.99", "10.0", "99.9", "100", "999", "1 000"],
        [short(0.25), short(9.99), short(9.996), short(99.94), short(99.96), short(999.4), short(999.5)]
    );
    assert_eq!(["0", "999", "1 000", "1 234 567"], [whole(0), whole(999), whole(1000), whole(1_234_567)]);
}

#[test]
fn a_child_understands_every_cell() {
    crate::Arguments::command().debug_assert();
    for peer in Name::value_variants() {
        for scenario in Scenario::ALL {
            let line = format!("otelier-benches child spans {} {scenario}", peer.argument());
            crate::Arguments::try_parse_from(line.split(' ')).expect("the parent writes no other lines");
        }
    }
}

#[test]
fn every_name_is_a_peer_of_its_own() {
    let types: BTreeSet<&str> =
        Name::value_variants().iter().map(|&name| with_peer!(name, Scenario::S2, P => type_name::<P>())).collect();
    assert_eq!(types.len(), Name::value_variants().len());
}
