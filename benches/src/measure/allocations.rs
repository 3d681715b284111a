//! Allocations a span makes: on the thread that makes it, and in the whole process until it is exported.

use super::table;
use crate::alloc;
use crate::child::{Child, Kind};
use crate::numbers::short;
use crate::peers::{Name, Peer};
use crate::process::{Missing, measure};
use crate::scenario::{Scenario, traces};
use std::time::Duration;

pub(crate) fn child<P: Peer>(scenario: Scenario) {
    let (work, count, leaves) = (scenario.work(), scenario.thousand(), scenario.leaves());
    for _ in 0..20 {
        traces::<P>(work, count, leaves);
        P::flush();
    }
    // Other threads go idle, so that what is counted belongs to these spans.
    std::thread::sleep(Duration::from_millis(20));
    alloc::count(true);
    let (mine, all) = (alloc::mine(), alloc::everybodys());
    traces::<P>(work, count, leaves);
    let mine = alloc::mine() - mine;
    P::flush();
    std::thread::sleep(Duration::from_millis(20));
    let all = alloc::everybodys() - all;
    alloc::count(false);
    for (name, allocated) in [("mine", mine), ("all", all)] {
        println!("{name}-times {:.3}", allocated.times as f64 / 1000.0);
        println!("{name}-bytes {:.1}", allocated.bytes as f64 / 1000.0);
    }
}

/// A span's allocations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PerSpan {
    /// How many on the calling thread.
    pub(crate) times: f64,
    pub(crate) bytes: f64,
    pub(crate) all_times: f64,
    pub(crate) all_bytes: f64,
}

pub(crate) fn per_span(peer: Name, scenario: Scenario) -> Result<PerSpan, Missing> {
    let answer = measure(Kind::Allocations, &Child::new(peer, scenario))?;
    Ok(PerSpan {
        times: answer.number("mine-times")?,
        bytes: answer.number("mine-bytes")?,
        all_times: answer.number("all-times")?,
        all_bytes: answer.number("all-bytes")?,
    })
}

pub(crate) fn run(peers: &[Name], scenarios: &[Scenario]) -> String {
    let show = |value: PerSpan| {
        let PerSpan { times, bytes, all_times, all_bytes } = value;
        format!("{} ({}) / {} ({})", short(times), short(bytes), short(all_times), short(all_bytes))
    };
    table("allocations (bytes) a span: caller / whole process", peers, scenarios, |peer, scenario| {
        if !peer.has(scenario) {
            return "–".to_owned();
        }
        per_span(peer, scenario).map_or_else(|missing| missing.word().to_owned(), show)
    })
}
