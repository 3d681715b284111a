//! What became of the spans, in numbers.

use crate::export::{Accepted, Exporter};
use crate::record::COUNTERS;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What became of the spans since the pipeline started.
///
/// Every finished span of a recorded trace is in exactly one of the `dropped_` numbers or, for each exporter, in exactly
/// one of its numbers, once it has left the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Dropped because the queue was full: the exporters were slower than the application.
    pub dropped_queue_full: u64,
    /// Dropped because one span was larger than 256 KiB.
    pub dropped_too_large: u64,
    /// Ended after the pipeline was shut down.
    pub dropped_after_shutdown: u64,
    /// Made while their thread was already being torn down.
    pub dropped_thread_gone: u64,
    /// The exporters, in the order they were configured.
    pub exporters: Vec<ExporterStats>,
}

/// What became of the spans that were handed to one exporter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExporterStats {
    /// The exporter: its type's name, or `otlp` with protocol and endpoint.
    pub name: String,
    /// Spans that arrived.
    pub exported: u64,
    /// Spans whose export failed or took too long.
    pub failed: u64,
    /// Spans that the receiver refused although it took their batch.
    pub rejected: u64,
    /// The latest failure or refusal, as a sentence.
    pub last_error: Option<String>,
}

impl Stats {
    /// Spans that reached no exporter at all.
    pub fn dropped(&self) -> u64 {
        self.dropped_queue_full + self.dropped_too_large + self.dropped_after_shutdown + self.dropped_thread_gone
    }
}

impl fmt::Display for Stats {
    /// One line a destination: `otlp http/protobuf http://localhost:4318/v1/traces: 41 exported`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, exporter) in self.exporters.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {} exported", exporter.name, exporter.exported)?;
            for (count, what) in [(exporter.failed, "failed"), (exporter.rejected, "rejected")] {
                if count > 0 {
                    write!(f, ", {count} {what}")?;
                }
            }
            if let Some(error) = &exporter.last_error {
                write!(f, ": {error}")?;
            }
        }
        if self.dropped() > 0 {
            write!(f, "\n{} spans dropped before export", self.dropped())?;
        }
        Ok(())
    }
}

/// Not everything was handed to the exporters in time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimedOut {
    /// How long was waited.
    pub after: Duration,
    /// What had become of the spans by then.
    pub stats: Stats,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the exporters did not take all spans within {:?}", self.after)
    }
}

impl std::error::Error for TimedOut {}

/// An exporter and its numbers.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) exporter: Arc<dyn Exporter>,
    exported: AtomicU64,
    failed: AtomicU64,
    rejected: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Destination {
    pub(super) fn new(exporter: Arc<dyn Exporter>) -> Self {
        Self {
            exporter,
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            last_error: Mutex::new(None),
        }
    }

    fn say(&self, error: String) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// Books a batch of this many spans.
    pub(super) fn book(&self, spans: u64, result: Result<Accepted, String>) {
        match result {
            Ok(Accepted { rejected, message }) => {
                let rejected = rejected.min(spans);
                self.rejected.fetch_add(rejected, Relaxed);
                self.exported.fetch_add(spans - rejected, Relaxed);
                message.into_iter().for_each(|message| self.say(message));
            }
            Err(error) => {
                self.failed.fetch_add(spans, Relaxed);
                self.say(error);
            }
        }
    }

    pub(super) fn stats(&self) -> ExporterStats {
        ExporterStats {
            name: self.exporter.name(),
            exported: self.exported.load(Relaxed),
            failed: self.failed.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

pub(super) fn stats(destinations: &[Destination]) -> Stats {
    Stats {
        dropped_queue_full: COUNTERS.queue_full.load(Relaxed),
        dropped_too_large: COUNTERS.too_large.load(Relaxed),
        dropped_after_shutdown: COUNTERS.after_shutdown.load(Relaxed),
        dropped_thread_gone: COUNTERS.thread_gone.load(Relaxed),
        exporters: destinations.iter().map(Destination::stats).collect(),
    }
}
