//! What faults cost: receivers that go away, hang, are slow or fail now and then, and processes that are killed. What was
//! promised is checked by the number that every span carries. `cargo run --release -p otelier-benches --bin otelier-faults`.
//!
//! A program of its own, so that its code does not change how the one that counts instructions is compiled.

#[allow(dead_code)]
#[path = "../answer.rs"]
mod answer;
mod app;
#[allow(dead_code)]
#[path = "../clock.rs"]
mod clock;
mod latency;
#[allow(dead_code)]
#[path = "../numbers.rs"]
mod numbers;
mod outage;
mod random;
mod receiver;
#[path = "../wire.rs"]
mod wire;

use clap::{Args, Parser, Subcommand};
use std::process::ExitCode;
use std::time::Duration;

/// Measures what faults cost, and checks that nothing is lost that was promised: 7 minutes.
#[derive(Debug, Parser)]
#[command(name = "otelier-faults", max_term_width = 110, args_conflicts_with_subcommands = true)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
    #[command(subcommand)]
    part: Option<Process>,
}

/// The processes that it starts.
#[derive(Debug, Subcommand)]
enum Process {
    #[command(hide = true)]
    FaultsApp(app::Arguments),
    #[command(hide = true)]
    FaultsReceiver,
}

/// How long everything takes.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub(crate) struct Arguments {
    /// For how many seconds the receiver is gone
    #[arg(long, default_value_t = 60)]
    outage: u64,
    /// Spans a second meanwhile
    #[arg(long, default_value_t = 20_000)]
    outage_rate: u64,
    /// For how many seconds requests fail at random
    #[arg(long, default_value_t = 60)]
    random: u64,
    /// Spans a second meanwhile
    #[arg(long, default_value_t = 50_000)]
    random_rate: u64,
    /// For how many seconds single calls are timed, for each fault and round
    #[arg(long, default_value_t = 10)]
    latency: u64,
    /// How often
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only this one; all without
    #[arg(long, value_enum)]
    only: Option<Part>,
}

/// What can be run by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    Outage,
    Random,
    Latency,
}

/// Tables, and what is wrong with the figures in them.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) problems: Vec<String>,
}

impl Found {
    fn require(&mut self, kept: bool, problem: impl FnOnce() -> String) {
        if !kept {
            self.problems.push(problem());
        }
    }

    fn add(&mut self, title: &str, found: Result<Self, String>) {
        let found =
            found.unwrap_or_else(|error| Self { text: String::new(), problems: vec![format!("{title}: {error}")] });
        self.text += &format!("### {title}\n\n{}\n", found.text);
        self.problems.extend(found.problems);
    }
}

/// The indices below `count`, starting elsewhere in each round, so that nobody always runs behind the same neighbour.
fn rotated(count: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |index| (index + round) % count)
}

fn main() -> ExitCode {
    let Command { arguments, part } = Command::parse();
    let problems = match part {
        Some(Process::FaultsApp(arguments)) => app::run(&arguments).err().into_iter().collect(),
        Some(Process::FaultsReceiver) => receiver::run().err().map(|error| error.to_string()).into_iter().collect(),
        None => {
            let found = run(&arguments);
            println!("{}", found.text);
            found.problems
        }
    };
    problems.iter().for_each(|problem: &String| eprintln!("error: {problem}"));
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(arguments: &Arguments) -> Found {
    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    let mut found = Found::default();
    if wanted(Part::Outage) {
        let outage = outage::run(Duration::from_secs(arguments.outage), arguments.outage_rate);
        found.add("An outage with two sudden ends, with the disk buffer", outage);
    }
    if wanted(Part::Random) {
        let random = random::run(Duration::from_secs(arguments.random), arguments.random_rate);
        found.add("Requests that fail at random", random);
    }
    if wanted(Part::Latency) {
        let latency = latency::run(Duration::from_secs(arguments.latency), arguments.rounds as usize);
        found.add("Latency of a traced call while its receiver misbehaves", latency);
    }
    found
}
