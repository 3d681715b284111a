//! What a span costs, side by side with other libraries: `cargo run --release -p otelier-benches -- all`.
//!
//! Every measurement is a child process, which sets up one library once and does one thing; the children of different
//! libraries take turns, so that all of them meet the same noise. `verify` proves first that they do the same work. With
//! `--no-default-features` only otelier and the OpenTelemetry SDK are built.

mod alloc;
mod answer;
mod child;
mod clock;
mod compile;
mod gates;
mod measure;
mod numbers;
mod peers;
mod process;
mod receiver;
mod report;
mod scenario;
mod spans;
#[cfg(test)]
mod tests;
mod verify;
mod wire;

use child::{Child, Kind};
use clap::{Parser, Subcommand, ValueEnum};
use measure::{allocations, floor, instructions, latency, load, size, time, whole};
use peers::Name;
use report::Report;
use scenario::Scenario;
use std::process::ExitCode;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

/// Measures what a span costs.
#[derive(Debug, Parser)]
#[command(name = "otelier-benches", max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Everything, into docs/performance.md where it has a place for it: 10 minutes
    All {
        /// How often every cell of the first table is measured, in a process each; other tables take less
        #[arg(long, default_value_t = 40, value_parser = rounds)]
        rounds: usize,
    },
    /// Time of S1, S2, S5 and S6 for otelier, the SDK and fastrace
    Quick {
        /// How often
        #[arg(long, default_value_t = 5, value_parser = rounds)]
        rounds: usize,
    },
    /// Proves that all libraries do the same work; fails if not
    Verify,
    /// Instructions and allocations of otelier against their limits; fails past one
    Gates,
    /// What the building blocks of a span cost
    Floor,
    /// Nanoseconds a span
    Time {
        /// How often
        #[arg(long, default_value_t = 15, value_parser = rounds)]
        rounds: usize,
    },
    /// Allocations a span
    Allocations,
    /// Instructions a span; needs valgrind
    Instructions,
    /// Percentiles of single calls
    Latency {
        /// How often
        #[arg(long, default_value_t = 5, value_parser = rounds)]
        rounds: usize,
    },
    /// Two threads, flat out and paced: what arrives, and what it costs the process
    Load {
        /// How often
        #[arg(long, default_value_t = 3, value_parser = rounds)]
        rounds: usize,
    },
    /// Machine code that an annotation adds
    Size,
    /// Processor time of `cargo check` and `cargo build` for an annotated function: 10 minutes
    Compile {
        /// How many functions
        #[arg(long, default_value_t = 1000, value_parser = rounds)]
        functions: usize,
        /// How often
        #[arg(long, default_value_t = 4, value_parser = rounds)]
        rounds: usize,
    },
    /// The same for 200 functions against its limits; fails past one
    CompileGate,
    #[command(hide = true)]
    Child {
        #[arg(value_enum)]
        kind: Kind,
        #[command(flatten)]
        child: Child,
    },
    #[command(hide = true)]
    Receiver,
}

fn rounds(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|rounds| *rounds > 0).ok_or_else(|| "expected a number of at least 1".to_owned())
}

fn main() -> ExitCode {
    match run(Arguments::parse().what) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing is wrong with what was measured.
fn run(what: What) -> Result<bool, String> {
    let start = Instant::now();
    let kept = match what {
        What::Child { kind, child } => child::run(kind, &child),
        What::Receiver => return receiver::run().map(|()| true).map_err(|error| error.to_string()),
        What::Gates => gates::run(),
        What::CompileGate => compile::gate()?,
        What::All { rounds } => all(rounds)?,
        what => one(what)?,
    };
    eprintln!("took {:.0} s", start.elapsed().as_secs_f64());
    Ok(kept)
}

/// One table.
fn one(what: What) -> Result<bool, String> {
    let peers = Name::value_variants();
    let (text, problems) = match what {
        What::Verify => {
            let verdict = verify::run(&whole(peers));
            (verdict.text, verdict.problems)
        }
        What::Floor => (floor::run(), Vec::new()),
        What::Time { rounds } => {
            let times = time::run(peers, &Scenario::ALL, rounds);
            (times.text, times.problems)
        }
        What::Quick { rounds } => {
            let scenarios = [Scenario::S1, Scenario::S2, Scenario::S5, Scenario::S6];
            let quick = [
                #[cfg(feature = "peers")]
                Name::Fastrace,
                Name::Sdk,
                Name::Attached,
                Name::Lazy,
            ];
            let times = time::run(&quick, &scenarios, rounds);
            (times.text, times.problems)
        }
        What::Allocations => (allocations::run(peers, &Scenario::ALL), Vec::new()),
        What::Instructions => (instructions::run(peers, &Scenario::ALL), Vec::new()),
        What::Latency { rounds } => (latency::run(&timed(peers), rounds), Vec::new()),
        What::Load { rounds } => {
            let (flat_out, paced) = (load::flat_out(&whole(peers), rounds), load::paced(&whole(peers), rounds));
            (format!("{}\n{}", flat_out.text, paced.text), [flat_out.problems, paced.problems].concat())
        }
        What::Size => (size::run()?, Vec::new()),
        What::Compile { functions, rounds } => (compile::table(functions, rounds)?, Vec::new()),
        What::All { .. } | What::Gates | What::CompileGate | What::Child { .. } | What::Receiver => {
            unreachable!("handled by the caller")
        }
    };
    println!("{}", report::with_notes(&text));
    problems.iter().for_each(|problem| eprintln!("error: {problem}"));
    Ok(problems.is_empty())
}

/// Those whose single calls are timed: the bare body as well.
fn timed(peers: &[Name]) -> Vec<Name> {
    peers.iter().copied().filter(|&peer| peer.is_whole() || peer == Name::Bare).collect()
}

fn all(rounds: usize) -> Result<bool, String> {
    let peers = Name::value_variants();
    let few = rounds.min(5);
    let mut report = Report::default();
    report.section("Circumstances", &report::circumstances());
    let verdict = verify::run(&whole(peers));
    report.section("The same work", &format!("```\n{}```", verdict.text));
    report.problems(verdict.problems);
    report.section("Floor", &floor::run());
    let times = time::run(peers, &Scenario::ALL, rounds);
    report.section("Time", &times.text);
    report.problems(times.problems);
    report.section("Allocations", &allocations::run(peers, &Scenario::ALL));
    report.section("Instructions", &instructions::run(peers, &Scenario::ALL));
    let flat_out = load::flat_out(&whole(peers), few);
    report.section("S7: two threads flat out", &flat_out.text);
    report.problems(flat_out.problems);
    let paced = load::paced(&whole(peers), few);
    report.section("S7, paced: by OTLP to another process", &paced.text);
    report.problems(paced.problems);
    report.section("S8: latency of single calls", &latency::run(&timed(peers), few));
    report.section("Size of the code", &size::run().unwrap_or_else(|error| error));
    report.finish()
}
