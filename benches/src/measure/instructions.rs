//! Instructions a span costs the thread that makes it, counted by valgrind's callgrind, so that they do not depend on who
//! else uses the machine.
//!
//! Counted is what runs below [`otelier_benches_traces`]: twice as many traces in one run as in the other, and the
//! difference is divided by the spans that one made more.

use super::table;
use crate::child::{Child, Kind};
use crate::numbers::whole;
use crate::peers::{Name, Peer};
use crate::process::{Missing, this};
use crate::scenario::{Scenario, Work, traces};
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Thousands of spans in the shorter run.
const THOUSANDS: usize = 5;

/// Below this callgrind collects.
#[inline(never)]
#[unsafe(no_mangle)]
fn otelier_benches_traces(run: fn(Work, usize, usize), work: Work, count: usize, leaves: usize) {
    run(work, count, leaves);
    // The call before is not this function's last, so that it returns here.
    black_box(count);
}

pub(crate) fn child<P: Peer>(scenario: Scenario, thousands: usize) {
    traces::<P>(scenario.work(), scenario.thousand(), scenario.leaves());
    P::flush();
    for _ in 0..thousands {
        otelier_benches_traces(traces::<P>, scenario.work(), scenario.thousand(), scenario.leaves());
        P::flush();
    }
}

/// Why instructions cannot be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoValgrind;

impl NoValgrind {
    pub(crate) const TEXT: &str = "skipped: valgrind is not installed (Debian: apt install valgrind)";
}

/// Whether valgrind is there.
pub(crate) fn check() -> Result<(), NoValgrind> {
    let output = Command::new("valgrind").arg("--version").stdin(Stdio::null()).output();
    output.ok().filter(|output| output.status.success()).map(|_| ()).ok_or(NoValgrind)
}

fn per_span(child: &Child) -> Result<f64, Missing> {
    let collected = |thousands: usize| collected(&child.clone().with_count(thousands));
    let (short, long) = (collected(THOUSANDS)?, collected(2 * THOUSANDS)?);
    Ok((long as f64 - short as f64) / (THOUSANDS * 1000) as f64)
}

fn collected(child: &Child) -> Result<u64, Missing> {
    static RUN: AtomicU32 = AtomicU32::new(0);
    let name = format!("otelier-benches-{}-{}", std::process::id(), RUN.fetch_add(1, Relaxed));
    let file = std::env::temp_dir().join(name);
    let run = || {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--toggle-collect=otelier_benches_traces"]);
        command.arg(format!("--callgrind-out-file={}", file.display()));
        command.arg(this()?).args(child.arguments(Kind::Instructions));
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        if output.stdout.starts_with(crate::process::UNAVAILABLE.as_bytes()) {
            return Ok(None);
        }
        std::fs::read_to_string(&file).map(Some)
    };
    let profile = run();
    // Left behind it would do no harm.
    let _ = std::fs::remove_file(&file);
    let profile = profile.map_err(|error| {
        eprintln!("error: callgrind, {}, {}: {error}", child.peer.title(), child.scenario);
        Missing::Failed
    })?;
    let profile = profile.ok_or(Missing::Unavailable)?;
    let total = profile.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|text| text.split_whitespace().next()?.parse().ok()).ok_or(Missing::Failed)
}

/// Every cell, two at a time: a count does not depend on what runs beside it.
pub(crate) fn run(peers: &[Name], scenarios: &[Scenario]) -> String {
    if check().is_err() {
        return format!("{}\n", NoValgrind::TEXT);
    }
    let wanted: Vec<(Name, Scenario)> = peers
        .iter()
        .flat_map(|&peer| scenarios.iter().map(move |&scenario| (peer, scenario)))
        .filter(|(peer, scenario)| peer.has(*scenario))
        .collect();
    let children: Vec<Child> = wanted.iter().map(|&(peer, scenario)| Child::new(peer, scenario)).collect();
    let counts = per_spans(&children);
    table("instructions a span, caller", peers, scenarios, |peer, scenario| {
        let index = wanted.iter().position(|cell| *cell == (peer, scenario));
        index.map_or_else(
            || "–".to_owned(),
            |index| match &counts[index] {
                Ok(count) => whole(count.round() as u64),
                Err(missing) => missing.word().to_owned(),
            },
        )
    })
}

/// The counts of many children, in their order. Needs valgrind.
pub(crate) fn per_spans(children: &[Child]) -> Vec<Result<f64, Missing>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 4);
    let next = AtomicU32::new(0);
    let mut counts: Vec<(usize, Result<f64, Missing>)> = std::thread::scope(|scope| {
        let work = || {
            let mut counts = Vec::new();
            while let index = next.fetch_add(1, Relaxed) as usize
                && let Some(child) = children.get(index)
            {
                if index.is_multiple_of(10) {
                    eprintln!("instructions: {index} of {}", children.len());
                }
                counts.push((index, per_span(child)));
            }
            counts
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("counting does not panic")).collect()
    });
    counts.sort_by_key(|(index, _)| *index);
    counts.into_iter().map(|(_, count)| count).collect()
}
