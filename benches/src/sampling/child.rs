//! One measurement, in a process of its own.

use crate::answer::this;
use crate::{head, memory, polls, tail};
use clap::{Args, ValueEnum};
use std::process::{Command, Stdio};

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    /// Decisions where a trace begins.
    Head,
    /// Traces on one thread.
    Tail,
    /// Traces of tasks and of two threads.
    Polls,
    /// Many open traces.
    Memory,
}

/// What tail sampling does with the traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Tail {
    /// There is none.
    Off,
    /// A rule keeps all, by their last span.
    Kept,
    /// A rule keeps all, by their first span.
    KeptEarly,
    /// No rule keeps any.
    Dropped,
}

impl Tail {
    pub(crate) const ALL: [Self; 4] = [Self::Off, Self::Kept, Self::KeptEarly, Self::Dropped];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Off => "recorded, no tail sampling",
            Self::Kept => "kept by the root",
            Self::KeptEarly => "kept by a child",
            Self::Dropped => "dropped",
        }
    }

    /// Whether it can be done to traces of so many spans: a root alone has no child.
    pub(crate) fn has(self, spans: usize) -> bool {
        self != Self::KeptEarly || spans > 1
    }
}

/// Whether callgrind counts, or the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum How {
    Count,
    Time,
}

/// Of what, and how.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub(crate) struct Child {
    #[arg(value_enum)]
    pub(crate) kind: Kind,
    #[arg(value_enum)]
    pub(crate) tail: Tail,
    #[arg(value_enum)]
    pub(crate) how: How,
    /// The receiver's base URL; without it spans are counted and forgotten
    #[arg(long)]
    pub(crate) otlp: Option<String>,
}

impl Child {
    pub(crate) fn new(kind: Kind, tail: Tail, how: How) -> Self {
        Self { kind, tail, how, otlp: None }
    }

    pub(crate) fn with_otlp(self, url: String) -> Self {
        Self { otlp: Some(url), ..self }
    }

    /// The command line that leads back here.
    pub(crate) fn arguments(&self) -> Vec<String> {
        fn word(value: &impl ValueEnum) -> String {
            value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
        }
        let mut arguments = vec!["child".to_owned(), word(&self.kind), word(&self.tail), word(&self.how)];
        arguments.extend(self.otlp.as_ref().map(|url| format!("--otlp={url}")));
        arguments
    }

    /// What the child prints.
    pub(crate) fn output(&self) -> Result<String, String> {
        let program = this().map_err(|error| error.to_string())?;
        self.output_of(Command::new(program).args(self.arguments()))
    }

    /// The same of a command that runs it.
    pub(crate) fn output_of(&self, command: &mut Command) -> Result<String, String> {
        let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{}`: {}\n{said}", self.arguments().join(" "), output.status))
    }
}

/// Measures.
pub(crate) fn run(child: &Child) {
    match child.kind {
        Kind::Head => head::child(child),
        Kind::Tail => tail::child(child),
        Kind::Polls => polls::child(child),
        Kind::Memory => memory::child(child),
    }
}
