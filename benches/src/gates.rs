//! Limits that a change must not pass: instructions and allocations, which do not depend on the machine's load.

use crate::child::Child;
use crate::measure::{allocations, instructions};
use crate::peers::Name;
use crate::process::Missing;
use crate::scenario::Scenario;

/// Instructions of a span on its thread. `None`: shown, without a limit.
///
/// The aims were 2,000 for S3, 720 for S4 and 95 for S5; why they are not reached is in `docs/adr/0005-lazy-spans.md`.
const INSTRUCTIONS: [(Name, Scenario, Option<f64>); 8] = [
    (Name::Lazy, Scenario::S1, Some(200.0)),
    (Name::Lazy, Scenario::S2, Some(340.0)),
    (Name::Lazy, Scenario::S3, Some(2800.0)),
    (Name::Lazy, Scenario::S4, Some(830.0)),
    (Name::Lazy, Scenario::S5, Some(105.0)),
    (Name::Lazy, Scenario::S6, Some(45.0)),
    (Name::Attached, Scenario::S1, Some(1600.0)),
    (Name::Attached, Scenario::S2, Some(1700.0)),
];

/// The C library's allocator and copies take a part of each figure, and differ from machine to machine.
const TOLERANCE: f64 = 1.03;

/// Allocations of a span on its thread. A chunk that many spans share is a part of one.
const ALLOCATIONS: [(Name, Scenario, Option<f64>); 8] = [
    (Name::Lazy, Scenario::S1, Some(0.05)),
    (Name::Lazy, Scenario::S2, Some(0.05)),
    (Name::Lazy, Scenario::S3, None),
    (Name::Lazy, Scenario::S4, None),
    (Name::Lazy, Scenario::S5, None),
    (Name::Lazy, Scenario::S6, None),
    (Name::Attached, Scenario::S1, Some(2.05)),
    (Name::Attached, Scenario::S2, Some(2.05)),
];

/// Measures and prints; whether all limits are kept.
pub(crate) fn run() -> bool {
    let mut kept = true;
    let can_count = instructions::check().is_ok();
    if !can_count {
        println!("instructions: {}\n", instructions::NoValgrind::TEXT);
    }
    println!("| gate | | value | limit | |\n|-|-|-|-|-|");
    if can_count {
        let settled = |&(peer, scenario, _): &_| Child::new(peer, scenario).with_settled_allocator();
        let children: Vec<Child> = INSTRUCTIONS.iter().map(settled).collect();
        for (&gate, value) in INSTRUCTIONS.iter().zip(instructions::per_spans(&children)) {
            kept &= row("instructions", gate, value);
        }
    }
    for gate in ALLOCATIONS {
        kept &= row("allocations", gate, allocations::per_span(gate.0, gate.1).map(|per_span| per_span.times));
    }
    if kept {
        println!("\nEvery value is within its limit.");
    } else {
        println!("\nA value is past its limit.");
    }
    kept
}

fn row(what: &str, (peer, scenario, limit): (Name, Scenario, Option<f64>), value: Result<f64, Missing>) -> bool {
    let within = |share: f64| value.as_ref().is_ok_and(|value| limit.is_none_or(|limit| *value <= limit * share));
    let kept = within(TOLERANCE);
    let verdict = match (kept, limit) {
        (false, _) => "**past**",
        (true, Some(_)) if !within(1.0) => "ok, within what C libraries differ by",
        (true, Some(_)) => "ok",
        (true, None) => "",
    };
    let digits = if what == "instructions" { 0 } else { 2 };
    let value = value.map_or_else(|missing| missing.word().to_owned(), |value| format!("{value:.digits$}"));
    let limit = limit.map_or_else(|| "–".to_owned(), |limit| format!("≤ {limit}"));
    println!("| {what} a span, {scenario} {} | {peer} | {value} | {limit} | {verdict} |", scenario.words());
    kept
}
