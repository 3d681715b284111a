//! S8: how long single calls of S2 take, up to the rarest.

use super::rotated;
use crate::child::{Child, Kind};
use crate::clock::{nanos_per_tick, ticks};
use crate::numbers::{Summary, short};
use crate::peers::{Name, Peer};
use crate::process::{Missing, measure};
use crate::scenario::{LEAVES, Scenario, leaf, traces};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;

const CALLS: usize = 300_000;

const SHARES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)];

pub(crate) fn child<P: Peer>(scenario: Scenario) {
    let work = scenario.work();
    let nanos = nanos_per_tick();
    for _ in 0..20 {
        traces::<P>(work, 10, LEAVES);
        P::flush();
    }
    let mut empty: Vec<u64> = (0..10_000).map(|_| ticks().abs_diff(ticks())).collect();
    empty.sort_unstable();
    let overhead = empty[empty.len() / 2];
    let mut calls: Vec<u64> = Vec::with_capacity(CALLS);
    while calls.len() < CALLS {
        for _ in 0..10 {
            P::root(|| {
                for number in 0..LEAVES {
                    let start = ticks();
                    black_box(leaf::<P>(work, number));
                    calls.push((ticks() - start).saturating_sub(overhead));
                }
            });
        }
        P::flush();
        // The flush has used the caches, which is not the next span's doing.
        traces::<P>(work, 1, 5);
    }
    calls.sort_unstable();
    for (name, share) in SHARES {
        println!("{name} {:.1}", calls[((calls.len() - 1) as f64 * share) as usize] as f64 * nanos);
    }
}

pub(crate) fn run(peers: &[Name], rounds: usize) -> String {
    let mut found: BTreeMap<Name, Vec<[f64; 5]>> = BTreeMap::new();
    for round in 0..rounds {
        eprintln!("latency: round {} of {rounds}", round + 1);
        for index in rotated(peers.len(), round) {
            let percentiles = || -> Result<[f64; 5], Missing> {
                let answer = measure(Kind::Latency, &Child::new(peers[index], Scenario::S2))?;
                let mut row = [0.0; 5];
                for (value, (name, _)) in row.iter_mut().zip(SHARES) {
                    *value = answer.number(name)?;
                }
                Ok(row)
            };
            found.entry(peers[index]).or_default().extend(percentiles());
        }
    }
    let head: String = SHARES.iter().map(|(name, _)| format!(" {name} |")).collect();
    let mut text = format!("| ns a call of S2 |{head}\n|-|{}\n", "-|".repeat(SHARES.len()));
    for peer in peers {
        let column = |number: usize| {
            let values = found[peer].iter().map(|row| row[number]).collect();
            Summary::of(values).map_or_else(|| Missing::Failed.word().to_owned(), |values| short(values.median))
        };
        let cells: String = (0..SHARES.len()).map(|number| format!(" {} |", column(number))).collect();
        let _ = writeln!(text, "| {peer} |{cells}");
    }
    let _ = writeln!(
        text,
        "\nMedians of {rounds} processes with 300 000 calls each, flushed every 1 000, with five calls after each flush that \
         are not timed. The price of reading the clock is taken off."
    );
    text
}
