//! What faults cost: receivers that go away, hang, are slow or fail now and then, and processes that are killed. What was
//! promised is checked by the number that every span carries.

pub(crate) mod app;
mod latency;
mod outage;
mod random;
pub(crate) mod receiver;

use clap::Args;
use std::time::Duration;

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
    #[arg(long, default_value_t = 3, value_parser = crate::rounds)]
    rounds: usize,
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

pub(crate) fn run(arguments: &Arguments) -> Found {
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
        let latency = latency::run(Duration::from_secs(arguments.latency), arguments.rounds);
        found.add("Latency of a traced call while its receiver misbehaves", latency);
    }
    found
}
