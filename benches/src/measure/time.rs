//! Nanoseconds a span costs the thread that makes it.

use super::{rotated, table};
use crate::child::{Child, Kind};
use crate::numbers::{Summary, short, whole};
use crate::peers::{Name, Peer};
use crate::process::{Missing, measure};
use crate::scenario::{Mode, Scenario, traces};
use crate::spans::EXPORTED;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Timed stretches of a thousand spans in one process.
pub(crate) const SAMPLES: usize = 20;

pub(crate) fn child<P: Peer>(scenario: Scenario, samples: usize) {
    let (work, count, leaves) = (scenario.work(), scenario.thousand(), scenario.leaves());
    let spans = |traces: usize| (traces * (leaves + 1)) as u64;
    let mut made = 0;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(15) {
        traces::<P>(work, count, leaves);
        made += spans(count);
        P::flush();
    }
    for _ in 0..samples {
        // A flush leaves caches and branch predictors with other things.
        traces::<P>(work, count / 5, leaves);
        made += spans(count / 5 + count);
        let start = Instant::now();
        traces::<P>(work, count, leaves);
        println!("ns {:.2}", start.elapsed().as_nanos() as f64 / 1000.0);
        P::flush();
    }
    println!("made {made}\nexported {}", EXPORTED.load(Relaxed));
}

#[derive(Default)]
struct Cell {
    nanos: Vec<f64>,
    made: u64,
    exported: u64,
    missing: Option<Missing>,
}

/// The medians, in nanoseconds, and the tables that show them.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) text: String,
    /// What is wrong with them.
    pub(crate) problems: Vec<String>,
}

/// Measures in `rounds` rounds, each with a child for every cell.
pub(crate) fn run(peers: &[Name], scenarios: &[Scenario], rounds: usize) -> Times {
    let mut cells: BTreeMap<(Name, Scenario), Cell> = BTreeMap::new();
    for round in 0..rounds {
        eprintln!("time: round {} of {rounds}", round + 1);
        for &scenario in scenarios {
            for index in rotated(peers.len(), round) {
                let peer = peers[index];
                let cell = cells.entry((peer, scenario)).or_default();
                if peer.has(scenario) && cell.missing.is_none() {
                    cell.measure(peer, scenario);
                }
            }
        }
    }
    let summary = |peer, scenario| Summary::of(cells[&(peer, scenario)].nanos.clone());
    let cell = |peer: Name, scenario, show: &dyn Fn(Summary) -> String| match &cells[&(peer, scenario)].missing {
        Some(missing) => missing.word().to_owned(),
        None => summary(peer, scenario).map_or_else(|| "–".to_owned(), show),
    };
    let mut text = table("ns a span: median (least)", peers, scenarios, |peer, scenario| {
        cell(peer, scenario, &|times| format!("{} ({})", short(times.median), short(times.least)))
    });
    let _ = writeln!(
        text,
        "\n{rounds} processes for each cell, each with {SAMPLES} stretches of 1 000 spans; processes of different peers take \
         turns. Half of all stretches lie between:\n"
    );
    text += &table("ns a span: p25–p75", peers, scenarios, |peer, scenario| {
        cell(peer, scenario, &|times| format!("{}–{}", short(times.quarter), short(times.three_quarters)))
    });
    let problems = problems(&cells);
    let recorded = cells.iter().filter(|((peer, scenario), _)| peer.is_whole() && scenario.mode() == Mode::Recorded);
    let made: u64 = recorded.map(|(_, cell)| cell.made).sum();
    if problems.is_empty() {
        let _ = writeln!(text, "\nAll {} spans of S0 to S4 arrived at the exporters.", whole(made));
    }
    Times { text, problems }
}

impl Cell {
    fn measure(&mut self, peer: Name, scenario: Scenario) {
        let read = || {
            let answer = measure(Kind::Time, &Child::new(peer, scenario).with_count(SAMPLES))?;
            Ok((answer.numbers::<f64>("ns"), answer.number::<u64>("made")?, answer.number::<u64>("exported")?))
        };
        match read() {
            Ok((nanos, made, exported)) => {
                self.nanos.extend(nanos);
                self.made += made;
                self.exported += exported;
            }
            Err(missing) => self.missing = Some(missing),
        }
    }
}

/// Nothing may be lost while time is taken, or the work would not be the same.
fn problems(cells: &BTreeMap<(Name, Scenario), Cell>) -> Vec<String> {
    let unequal = |(&(peer, scenario), cell): (&(Name, Scenario), &Cell)| {
        if cell.missing == Some(Missing::Failed) {
            return Some(format!("{}, {scenario}: a measurement failed", peer.title()));
        }
        let expected = if scenario.mode() == Mode::Recorded { cell.made } else { 0 };
        (peer.is_whole() && cell.exported != expected)
            .then(|| format!("{}, {scenario}: {} spans arrived of {expected}", peer.title(), cell.exported))
    };
    cells.iter().filter_map(unequal).collect()
}
