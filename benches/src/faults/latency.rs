//! What a fault of the receiver costs the application: percentiles of a traced call, and memory.

use super::Found;
use super::app::{App, Arguments};
use super::receiver::{Mode, Receiver};
use crate::numbers::{Summary, short, whole};
use crate::rotated;
use std::fmt::Write;
use std::time::Duration;

/// Spans a second.
const RATE: u64 = 20_000;

/// The most that a percentile may be of the same without a fault.
const RATIO: f64 = 2.0;

const PERCENTILES: [&str; 3] = ["p50", "p99", "p99.9"];

/// The faults, and how the receiver does them; `None`: it refuses connections.
const FAULTS: [(&str, Option<Mode>); 6] = [
    ("none", Some(Mode::Accept)),
    ("connections are refused", None),
    ("it hangs", Some(Mode::Hang)),
    ("it takes 200 ms", Some(Mode::Slow(200))),
    ("it answers 503", Some(Mode::Status(503))),
    ("5 % of requests fail", Some(Mode::Random(50))),
];

/// One application.
#[derive(Clone, Copy, Debug)]
struct Run {
    percentiles: [f64; 3],
    megabytes: f64,
    made: u64,
    arrived: u64,
    counted: u64,
    shutdown: f64,
}

fn one(mode: Option<Mode>, time: Duration) -> std::io::Result<Run> {
    let mut receiver = Receiver::start()?;
    match mode {
        Some(mode) => receiver.answer(mode)?,
        None => receiver.stop()?,
    }
    let app = App::start(&Arguments { url: receiver.url(), rate: RATE, first: 0, buffer: None, timed: true })?;
    std::thread::sleep(time);
    let (answer, _) = app.end()?;
    let number = |key| answer.number::<f64>(key).unwrap_or(f64::NAN);
    Ok(Run {
        percentiles: PERCENTILES.map(number),
        megabytes: number("megabytes"),
        made: number("started") as u64,
        arrived: receiver.arrived()?.spans,
        counted: number("lost") as u64,
        shutdown: number("shutdown"),
    })
}

pub(super) fn run(time: Duration, rounds: usize) -> Result<Found, String> {
    let mut runs: Vec<Vec<Run>> = FAULTS.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        eprintln!("latency under faults: round {} of {rounds}", round + 1);
        for index in rotated(FAULTS.len(), round) {
            runs[index].push(one(FAULTS[index].1, time).map_err(|error| format!("{}: {error}", FAULTS[index].0))?);
        }
    }
    let mut found = Found::default();
    found.text += "| the receiver's fault | p50, ns | p99, ns | p99.9, ns | p99.9 to none | made | arrived | counted as lost | \
                   most memory | shutdown |\n|-|-|-|-|-|-|-|-|-|-|\n";
    let median = |runs: &[Run], of: &dyn Fn(&Run) -> f64| {
        Summary::of(runs.iter().map(of).collect()).map_or(f64::NAN, |summary| summary.median)
    };
    let percentiles = |runs: &[Run]| [0, 1, 2].map(|index| median(runs, &|run| run.percentiles[index]));
    let without = percentiles(&runs[0]);
    for ((name, _), runs) in FAULTS.iter().zip(&runs) {
        let with = percentiles(runs);
        let Some(last) = runs.last() else { continue };
        let _ = writeln!(
            found.text,
            "| {name} | {} | {} | {} | {:.2} | {} | {} | {} | {:.0} MB | {:.2} s |",
            short(with[0]),
            short(with[1]),
            short(with[2]),
            with[2] / without[2],
            whole(last.made),
            whole(last.arrived),
            whole(last.counted),
            median(runs, &|run| run.megabytes),
            median(runs, &|run| run.shutdown),
        );
        for (percentile, (with, without)) in PERCENTILES.iter().zip(with.iter().zip(without)) {
            found.require(*with <= RATIO * without, || {
                format!("{name}: {percentile} is {with:.0} ns, without a fault {without:.0} ns; expected {RATIO} times at most")
            });
        }
        for run in runs {
            found.require(run.arrived + run.counted >= run.made, || {
                format!("{name}: {} made, {} arrived, {} counted", run.made, run.arrived, run.counted)
            });
        }
    }
    let _ = writeln!(
        found.text,
        "\nMedians of {rounds} processes that make {} spans a second on two threads for {} s each; what was made, arrived and \
         was counted is of the last one.",
        whole(RATE),
        time.as_secs()
    );
    Ok(found)
}
