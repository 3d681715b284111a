//! What is kept of a trace when it is over, and how far telemetry reaches into OpenTelemetry.

use std::time::Duration;

/// Which traces are kept when they are over: those that failed, those that were slow, and a share of the others.
///
/// The decision falls when the span ends with which the trace begins in this process, if that is a synchronous function.
/// Until then its thread holds back what it records below, up to 512 KiB; a larger trace is kept
/// ([`Stats::tail_overflows`](crate::Stats) counts them). What other threads and asynchronous tasks add is not held back.
///
/// ```
/// use otelier::config::{TailSampling, Telemetry};
/// use std::time::Duration;
///
/// let settings = Telemetry::default().with_tail_sampling(
///     TailSampling::failed().or_slower_than(Duration::from_millis(250)).or_ratio(0.01),
/// );
/// assert_eq!(settings.tail_sampling.unwrap().ratio, 0.01);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TailSampling {
    /// Traces with a span whose status is an error, or that panicked.
    pub failed: bool,
    /// Traces whose local root took at least this long.
    pub slower_than: Option<Duration>,
    /// This share of all traces, `0.0..=1.0`, chosen by the random part of the trace id.
    pub ratio: f64,
}

impl TailSampling {
    /// Keeps traces that failed.
    pub fn failed() -> Self {
        Self { failed: true, slower_than: None, ratio: 0.0 }
    }

    /// Keeps traces whose local root took at least this long, too.
    #[must_use]
    pub fn or_slower_than(mut self, duration: Duration) -> Self {
        self.slower_than = Some(duration);
        self
    }

    /// Keeps this share of all traces, too, `0.0..=1.0`.
    #[must_use]
    pub fn or_ratio(mut self, ratio: f64) -> Self {
        self.ratio = ratio;
        self
    }
}

/// How far telemetry is wired into OpenTelemetry's global state, and so whether spans may stay out of its
/// [`Context`](opentelemetry::Context) until somebody asks for them.
///
/// Local roots, asynchronous spans and spans of other kinds than internal are OpenTelemetry's current span in every case.
/// See [`bridge`](crate::bridge) for what the hooks are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hooks {
    /// The pipeline becomes OpenTelemetry's global tracer provider, and what
    /// [`with_propagators`](super::Telemetry::with_propagators) chooses its global propagator, in place of whatever was
    /// installed before. Synchronous internal spans are lazy: they cost no context and no allocation.
    #[default]
    Global,
    /// You install the hooks yourself, around what you use of OpenTelemetry: [`bridge::hooked`](crate::bridge::hooked).
    /// Synchronous internal spans are lazy.
    Manual,
    /// Nothing is installed. Every span is OpenTelemetry's current span, for about 140 ns and two allocations a span.
    None,
}
