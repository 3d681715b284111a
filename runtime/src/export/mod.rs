//! Where finished spans go.
//!
//! The collector hands every batch to every exporter; an exporter takes it as OTLP bytes (written straight from the
//! records) or as the SDK's `SpanData`.

mod book;
pub(crate) mod buffer;
pub mod console;
#[cfg_attr(not(feature = "_otlp"), allow(dead_code))]
pub(crate) mod delivery;
pub mod html;
pub(crate) mod json;
#[cfg(feature = "_otlp")]
mod json_reader;
pub(crate) mod log_lines;
#[cfg(feature = "logs")]
pub(crate) mod logs;
mod memory;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
#[cfg(feature = "_otlp")]
pub(crate) mod otlp;
pub(crate) mod otlp_file;
pub(crate) mod otlp_json;
#[cfg_attr(not(feature = "_otlp"), allow(dead_code))]
mod refused;
mod scopes;
pub(crate) mod sdk;
mod shown;
#[cfg(feature = "otlp-http")]
pub(crate) mod strategies;
pub mod tree;
#[cfg(feature = "zipkin")]
pub(crate) mod zipkin;

#[cfg(feature = "metrics")]
pub(crate) use book::Operation;
pub(crate) use book::error_type;
pub(crate) use book::{Book, Failure, LOSSES, RECENT};
pub use delivery::BreakerState;
pub use memory::MemoryExporter;
pub(crate) use refused::{Again, Refused};

use crate::clock::Anchor;
use crate::record::{Event, Records, SpanRecord, Time};
use otelier_spec::Kind;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// Finished spans on their way out, at most as many as the largest batch.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) words: Vec<u64>,
    pub(crate) spans: u64,
    pub(crate) anchor: Anchor,
    pub(crate) resource: std::sync::Arc<opentelemetry_sdk::Resource>,
}

impl Batch {
    pub(crate) fn records(&self) -> impl Iterator<Item = SpanRecord<'_>> {
        Records::from_words(&self.words)
    }

    /// The memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// How many log records the batch holds: the exceptions of its spans, if log records carry them.
    pub(crate) fn log_records(&self) -> u64 {
        let mut found = 0;
        self.records().for_each(|record| record.exceptions(|_| found += 1));
        found
    }

    /// Nanoseconds since 1970-01-01 UTC.
    #[inline]
    pub(crate) fn unix_nanos(&self, time: Time) -> u64 {
        match time {
            Time::Ticks(ticks) => self.anchor.unix_nanos(ticks),
            Time::Unix(nanos) => nanos,
        }
    }
}

/// A batch as a request.
#[cfg_attr(not(feature = "_otlp"), allow(unused_variables))]
pub(crate) fn encode(signal: Signal, format: delivery::Format, batch: &Batch) -> Vec<u8> {
    match format {
        #[cfg(feature = "_otlp")]
        delivery::Format::Protobuf => otlp::encode(signal, batch),
        delivery::Format::Json => otlp_json::request(signal, batch),
        #[cfg(feature = "zipkin")]
        delivery::Format::Zipkin => zipkin::encode(batch),
        // Nobody takes the others in this build.
        #[allow(unreachable_patterns)]
        _ => Vec::new(),
    }
}

/// What an exporter sends, and so what its numbers in [`Stats`](crate::Stats) count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// Spans.
    #[default]
    Spans,
    /// Log records: the exceptions of spans, as [`ExceptionSignal`](crate::config::ExceptionSignal) says.
    Logs,
    /// Data points of metrics, as [`Metrics`](crate::config::Metrics) says.
    Metrics,
}

impl fmt::Display for Signal {
    /// `spans`, `log records` or `data points`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spans => "spans",
            Self::Logs => "log records",
            Self::Metrics => "data points",
        })
    }
}

/// How grave an exception is, by the semantic conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Debug = 5,
    Warn = 13,
    Error = 17,
}

impl Severity {
    pub(crate) fn of(record: &SpanRecord<'_>, exception: &Event<'_>) -> Self {
        let is_first_here = record.parent_span_id == 0 || record.parent_is_remote();
        match record.kind() {
            _ if exception.is_expected() => Self::Debug,
            Kind::Server | Kind::Consumer => Self::Error,
            Kind::Client | Kind::Producer => Self::Warn,
            Kind::Internal if is_first_here => Self::Error,
            Kind::Internal => Self::Warn,
        }
    }
}

/// What became of a batch that reached its receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Spans, log records or data points that the receiver refused.
    pub(crate) rejected: u64,
    /// What it said of them, or of the batch.
    pub(crate) message: Option<String>,
}

/// The future an exporter returns.
pub(crate) type Exporting<'a> = Pin<Box<dyn Future<Output = Result<Accepted, String>> + Send + 'a>>;

/// Sends batches somewhere. Called on the collector thread, inside its Tokio runtime, one batch at a time.
pub(crate) trait Exporter: fmt::Debug + Send + Sync {
    /// The name in [`Stats`](crate::Stats).
    fn name(&self) -> String;

    /// What it sends of a batch.
    fn signal(&self) -> Signal {
        Signal::Spans
    }

    /// Sends one batch, for logs only if it has log records. The collector drops the future when the export timeout is over.
    fn export<'a>(&'a self, batch: &'a Batch) -> Exporting<'a>;

    /// Called once, after the last batch.
    fn shutdown(&self, _timeout: std::time::Duration) -> Result<(), String> {
        Ok(())
    }
}
