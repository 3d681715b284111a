//! What is measured: one kind of leaf function each, below a root, in a state of the pipeline.

use crate::peers::Peer;
use clap::ValueEnum;
use std::fmt;
use std::hint::black_box;

/// The symbols that leaves are called with.
pub(crate) const SYMBOLS: [&str; 4] = ["BTC-USDT", "ETH-USDT", "SOL-USD-PERP", "DOGE-USDT"];

/// Leaves below each root.
pub(crate) const LEAVES: usize = 100;

/// The price that a leaf is called with.
pub(crate) fn price(number: usize) -> f64 {
    64_250.25 + number as f64
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "verbatim")]
pub(crate) enum Scenario {
    /// A trace that is only a root.
    S0,
    /// A leaf without attributes.
    S1,
    /// A leaf with an integer, a float, a string and a constant string.
    S2,
    /// An asynchronous leaf with three awaits that are each pending once, an integer and a constant string.
    S3,
    /// A leaf that fails; the error is recorded.
    S4,
    /// S2 in a trace that is not sampled.
    S5,
    /// S2 with telemetry off.
    S6,
    /// S2 in a trace that is recorded, and dropped at its end by tail sampling.
    S9,
}

impl Scenario {
    /// All of them, in the order of the tables.
    pub(crate) const ALL: [Self; 8] = [Self::S0, Self::S1, Self::S2, Self::S3, Self::S4, Self::S5, Self::S6, Self::S9];

    /// A few words for the head of a column.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::S0 => "root only",
            Self::S1 => "leaf, no attributes",
            Self::S2 => "leaf, 4 attributes",
            Self::S3 => "async, 3 awaits",
            Self::S4 => "error recorded",
            Self::S5 => "not sampled",
            Self::S6 => "off",
            Self::S9 => "tail-dropped",
        }
    }

    /// Which function is called.
    pub(crate) fn work(self) -> Work {
        match self {
            Self::S0 => Work::Nothing,
            Self::S1 => Work::Leaf,
            Self::S2 | Self::S5 | Self::S6 | Self::S9 => Work::Attributes,
            Self::S3 => Work::Async,
            Self::S4 => Work::Error,
        }
    }

    /// How the pipeline is set up.
    pub(crate) fn mode(self) -> Mode {
        match self {
            Self::S0 | Self::S1 | Self::S2 | Self::S3 | Self::S4 => Mode::Recorded,
            Self::S5 => Mode::Unsampled,
            Self::S6 => Mode::Off,
            Self::S9 => Mode::TailDropped,
        }
    }

    /// Leaves of a trace.
    pub(crate) fn leaves(self) -> usize {
        if self == Self::S0 { 0 } else { LEAVES }
    }

    /// How many traces have a thousand spans, whose number is what a measurement is divided by. Below a root with leaves it
    /// is the leaves that count: the root adds a hundredth of its own price.
    pub(crate) fn thousand(self) -> usize {
        if self == Self::S0 { 1000 } else { 1000 / LEAVES }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The function below the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Nothing,
    Leaf,
    Attributes,
    Async,
    Error,
}

/// The state of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Recorded,
    Unsampled,
    Off,
    TailDropped,
}

#[inline(always)]
pub(crate) fn leaf<P: Peer>(work: Work, number: usize) -> u64 {
    let number = black_box(number);
    match work {
        Work::Nothing => 0,
        Work::Leaf => P::leaf(),
        Work::Attributes => P::attributes(number as i64, price(number), SYMBOLS[number & 3]),
        Work::Async => P::asynchronous(number as i64),
        Work::Error => P::error(number as i64),
    }
}

/// Traces of a root and leaves.
#[inline(never)]
pub(crate) fn traces<P: Peer>(work: Work, traces: usize, leaves: usize) {
    for _ in 0..traces {
        P::root(|| {
            for number in 0..leaves {
                black_box(leaf::<P>(work, number));
            }
        });
    }
}
