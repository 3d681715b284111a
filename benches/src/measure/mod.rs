//! The measurements. Each file has both halves: what a child process does, and the table of many children.

pub(crate) mod allocations;
pub(crate) mod floor;
pub(crate) mod instructions;
pub(crate) mod latency;
pub(crate) mod load;
pub(crate) mod size;
pub(crate) mod time;

use crate::peers::Name;
use crate::scenario::Scenario;
use std::fmt::Write;

/// A table with a row for each peer and a column for each scenario.
pub(crate) fn table(
    head: &str,
    peers: &[Name],
    scenarios: &[Scenario],
    mut cell: impl FnMut(Name, Scenario) -> String,
) -> String {
    let mut text = format!("| {head} |");
    let columns: String = scenarios.iter().map(|scenario| format!(" {scenario} {} |", scenario.words())).collect();
    let _ = writeln!(text, "{columns}\n|-|{}", "-|".repeat(scenarios.len()));
    for &peer in peers {
        let cells: String = scenarios.iter().map(|&scenario| format!(" {} |", cell(peer, scenario))).collect();
        let _ = writeln!(text, "| {peer} |{cells}");
    }
    text
}

/// The peers that do all of the work.
pub(crate) fn whole(peers: &[Name]) -> Vec<Name> {
    peers.iter().copied().filter(|peer| peer.is_whole()).collect()
}

/// The indices below `count`, starting elsewhere in each round, so that nobody always runs behind the same neighbour.
pub(crate) fn rotated(count: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |index| (index + round) % count)
}
