//! One measurement, in a process of its own.

use crate::alloc;
use crate::measure::{allocations, instructions, latency, load, time};
use crate::peers::{Name, Output, Peer, Setup, with_peer};
use crate::process::UNAVAILABLE;
use crate::scenario::Scenario;
use crate::verify;
use clap::{Args, ValueEnum};

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Time,
    Allocations,
    Instructions,
    Latency,
    Load,
    Spans,
}

/// Of whom, and how.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub(crate) struct Child {
    #[arg(value_enum)]
    pub(crate) peer: Name,
    #[arg(value_enum)]
    pub(crate) scenario: Scenario,
    /// How often, or how long.
    #[arg(long, default_value_t = 0)]
    pub(crate) count: usize,
    /// Spans a second and thread; 0 is as many as possible.
    #[arg(long, default_value_t = 0)]
    pub(crate) rate: u64,
    /// Places in the queue.
    #[arg(long)]
    pub(crate) queue: Option<usize>,
    /// The receiver's base URL.
    #[arg(long)]
    pub(crate) otlp: Option<String>,
    /// Whether the allocator is settled first.
    #[arg(long)]
    pub(crate) settle: bool,
}

impl Child {
    pub(crate) fn new(peer: Name, scenario: Scenario) -> Self {
        Self { peer, scenario, count: 0, rate: 0, queue: None, otlp: None, settle: false }
    }

    pub(crate) fn with_count(self, count: usize) -> Self {
        Self { count, ..self }
    }

    pub(crate) fn with_settled_allocator(self) -> Self {
        Self { settle: true, ..self }
    }

    /// The command line that leads back here.
    pub(crate) fn arguments(&self, kind: Kind) -> Vec<String> {
        let kind = kind.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        let mut arguments = vec!["child".to_owned(), kind, self.peer.argument(), self.scenario.to_string()];
        arguments.push(format!("--count={}", self.count));
        arguments.push(format!("--rate={}", self.rate));
        arguments.extend(self.queue.map(|queue| format!("--queue={queue}")));
        arguments.extend(self.otlp.as_ref().map(|url| format!("--otlp={url}")));
        arguments.extend(self.settle.then(|| "--settle".to_owned()));
        arguments
    }

    fn setup(&self, kind: Kind) -> Setup {
        let output = match &self.otlp {
            Some(url) => Output::Otlp(url.clone()),
            None if kind == Kind::Spans => Output::Keep,
            None => Output::Count,
        };
        Setup { mode: self.scenario.mode(), output, queue: self.queue }
    }
}

/// Measures, and does not come back: some peers have no orderly end.
pub(crate) fn run(kind: Kind, child: &Child) -> ! {
    with_peer!(child.peer, child.scenario, P => run_peer::<P>(kind, child));
    std::process::exit(0)
}

fn run_peer<P: Peer>(kind: Kind, child: &Child) {
    if P::start(&child.setup(kind)).is_err() {
        println!("{UNAVAILABLE}");
        return;
    }
    if child.settle {
        alloc::settle();
    }
    match kind {
        Kind::Time => time::child::<P>(child.scenario, child.count),
        Kind::Allocations => allocations::child::<P>(child.scenario),
        Kind::Instructions => instructions::child::<P>(child.scenario, child.count),
        Kind::Latency => latency::child::<P>(child.scenario),
        Kind::Load => load::child::<P>(child.rate),
        Kind::Spans => verify::child::<P>(child.scenario),
    }
}
