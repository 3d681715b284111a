//! The same functions for every peer: a root, and four kinds of leaf, annotated as that peer's documentation has it.

pub(crate) mod bare;
#[cfg(feature = "peers")]
pub(crate) mod fastrace;
#[cfg(feature = "peers")]
pub(crate) mod logfire;
pub(crate) mod ours;
pub(crate) mod sdk;
#[cfg(feature = "peers")]
pub(crate) mod tracing;

use crate::scenario::{Mode, Scenario};
use clap::ValueEnum;
use std::fmt;
use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// The constant attribute.
pub(crate) const VENUE: &str = "binance";

/// Where spans go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// They are counted and dropped.
    Count,
    /// They are kept in [`KEPT`](crate::spans::KEPT).
    Keep,
    /// They go by OTLP over HTTP to this base URL.
    Otlp(String),
}

/// How a peer is set up.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) mode: Mode,
    pub(crate) output: Output,
    /// Places in the queue before the exporter; `None` for the peer's default.
    pub(crate) queue: Option<usize>,
}

/// A mode that the peer does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unavailable;

/// Something that makes spans. A process sets up one peer, once, because several of them can only be set up once.
pub(crate) trait Peer {
    /// Gets ready.
    fn start(setup: &Setup) -> Result<(), Unavailable>;

    /// Exports everything made so far.
    fn flush();

    /// A span around `f`.
    fn root(f: impl FnOnce());

    /// S1.
    fn leaf() -> u64;

    /// S2.
    fn attributes(quantity: i64, price: f64, symbol: &str) -> u64;

    /// S3, driven to its end.
    fn asynchronous(quantity: i64) -> u64;

    /// S4.
    fn error(quantity: i64) -> u64;

    /// Spans that the peer says it has lost, if it says so. Called last, after everything was flushed.
    fn lost() -> Option<u64> {
        None
    }
}

/// The peers, as child processes and tables call them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Name {
    /// No instrumentation: the bodies, the loop and the calls.
    Bare,
    /// `tracing` with no subscriber: what its spans cost in a program that does not use them.
    #[cfg(feature = "peers")]
    TracingOff,
    #[cfg(feature = "peers")]
    Fastrace,
    /// The attributes are constant strings, so that no number is formatted: a bound, not the same work.
    #[cfg(feature = "peers")]
    FastraceStrings,
    /// The program makes no root, which is what being off costs least with fastrace.
    #[cfg(feature = "peers")]
    FastraceRootless,
    /// The OpenTelemetry SDK, called by hand the way that costs least.
    Sdk,
    /// `tracing` with `tracing-opentelemetry`, whose layer adds nothing of its own.
    #[cfg(feature = "peers")]
    TracingTrimmed,
    /// The same with the layer's defaults, which add code and thread attributes and times.
    #[cfg(feature = "peers")]
    Tracing,
    #[cfg(feature = "peers")]
    Logfire,
    /// Every span is attached to OpenTelemetry's context.
    Attached,
    /// The default: a span is attached where somebody could look.
    Lazy,
}

impl Name {
    /// The name in a table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Bare => "bare body",
            #[cfg(feature = "peers")]
            Self::TracingOff => "tracing, no subscriber",
            #[cfg(feature = "peers")]
            Self::Fastrace => "fastrace",
            #[cfg(feature = "peers")]
            Self::FastraceStrings => "fastrace, constant strings ¹",
            #[cfg(feature = "peers")]
            Self::FastraceRootless => "fastrace, no root ²",
            Self::Sdk => "OpenTelemetry SDK",
            #[cfg(feature = "peers")]
            Self::TracingTrimmed => "tracing-opentelemetry, trimmed",
            #[cfg(feature = "peers")]
            Self::Tracing => "tracing-opentelemetry",
            #[cfg(feature = "peers")]
            Self::Logfire => "logfire",
            Self::Attached => "**otelier, attached**",
            Self::Lazy => "**otelier** (default)",
        }
    }

    /// Whether the scenario says something about the peer.
    pub(crate) fn has(self, scenario: Scenario) -> bool {
        use Scenario::{S5, S6, S9};
        match self {
            Self::Bare => !matches!(scenario, S5 | S6 | S9),
            // No subscriber is what S6 is, for every function.
            #[cfg(feature = "peers")]
            Self::TracingOff => !matches!(scenario, S5 | S9),
            #[cfg(feature = "peers")]
            Self::TracingTrimmed | Self::Tracing => !matches!(scenario, S6 | S9),
            #[cfg(feature = "peers")]
            Self::FastraceStrings => scenario == Scenario::S2,
            #[cfg(feature = "peers")]
            Self::FastraceRootless => scenario == S6,
            // Off is again `tracing` with no subscriber; its settings have no sampler.
            #[cfg(feature = "peers")]
            Self::Logfire => !matches!(scenario, S5 | S6 | S9),
            #[cfg(feature = "peers")]
            Self::Fastrace => scenario != S9,
            Self::Sdk => scenario != S9,
            Self::Attached | Self::Lazy => true,
        }
    }

    /// Whether it does all of the work, so that its spans can be compared.
    pub(crate) fn is_whole(self) -> bool {
        match self {
            Self::Bare => false,
            #[cfg(feature = "peers")]
            Self::TracingOff | Self::FastraceStrings | Self::FastraceRootless => false,
            _ => true,
        }
    }

    /// Whether its spans can go by OTLP to a receiver.
    pub(crate) fn exports_otlp(self) -> bool {
        match self {
            Self::Bare => false,
            #[cfg(feature = "peers")]
            Self::TracingOff | Self::Logfire => false,
            _ => true,
        }
    }

    /// The name that a child process understands.
    pub(crate) fn argument(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// Evaluates `$body` with `$Peer` as the type of the peer called `$name` in `$scenario`.
macro_rules! with_peer {
    ($name:expr, $scenario:expr, $Peer:ident => $body:expr) => {{
        use $crate::peers::{self, Name};
        match $name {
            Name::Bare => {
                type $Peer = peers::bare::Bare;
                $body
            }
            #[cfg(feature = "peers")]
            Name::TracingOff => {
                type $Peer = peers::tracing::Tracing<{ peers::tracing::OFF }>;
                $body
            }
            #[cfg(feature = "peers")]
            Name::Fastrace => {
                type $Peer = peers::fastrace::Fastrace<{ peers::fastrace::USUAL }>;
                $body
            }
            #[cfg(feature = "peers")]
            Name::FastraceStrings => {
                type $Peer = peers::fastrace::Fastrace<{ peers::fastrace::STRINGS }>;
                $body
            }
            #[cfg(feature = "peers")]
            Name::FastraceRootless => {
                type $Peer = peers::fastrace::Fastrace<{ peers::fastrace::ROOTLESS }>;
                $body
            }
            Name::Sdk if $scenario.mode() == $crate::scenario::Mode::Off => {
                type $Peer = peers::sdk::Noop;
                $body
            }
            Name::Sdk => {
                type $Peer = peers::sdk::Sdk;
                $body
            }
            #[cfg(feature = "peers")]
            Name::TracingTrimmed => {
                type $Peer = peers::tracing::Tracing<{ peers::tracing::TRIMMED }>;
                $body
            }
            #[cfg(feature = "peers")]
            Name::Tracing => {
                type $Peer = peers::tracing::Tracing<{ peers::tracing::DEFAULTS }>;
                $body
            }
            #[cfg(feature = "peers")]
            Name::Logfire => {
                type $Peer = peers::logfire::Logfire;
                $body
            }
            Name::Attached => {
                type $Peer = peers::ours::Ours<true>;
                $body
            }
            Name::Lazy => {
                type $Peer = peers::ours::Ours<false>;
                $body
            }
        }
    }};
}
pub(crate) use with_peer;

/// The error of S4.
#[derive(Debug)]
pub(crate) struct RateLimited(pub(crate) i64);

impl fmt::Display for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate limited: {}", self.0)
    }
}

impl std::error::Error for RateLimited {}

/// The body of every leaf.
#[inline(always)]
pub(crate) fn body() -> u64 {
    black_box(1)
}

/// The body of S3.
#[inline(always)]
pub(crate) async fn awaits() -> u64 {
    yield_now().await;
    yield_now().await;
    yield_now().await;
    body()
}

/// Pending once, then ready.
struct Yield(bool);

fn yield_now() -> Yield {
    Yield(false)
}

impl Future for Yield {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The smallest executor.
#[inline]
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
