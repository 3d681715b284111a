//! Where finished spans go.
//!
//! The collector hands every batch to every exporter; an exporter takes it as OTLP bytes (written straight from the
//! records) or as the SDK's `SpanData`.

pub mod console;
pub mod html;
mod memory;
#[cfg(feature = "_otlp")]
pub(crate) mod otlp;
pub(crate) mod sdk;
pub mod tree;

pub use memory::MemoryExporter;

use crate::clock::Anchor;
use crate::record::{Records, SpanRecord, Time};
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// Finished spans on their way out, at most as many as the largest batch.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) words: Vec<u64>,
    pub(crate) spans: u64,
    pub(crate) anchor: Anchor,
    #[cfg(feature = "_otlp")]
    pub(crate) resource: std::sync::Arc<opentelemetry_sdk::Resource>,
}

impl Batch {
    pub(crate) fn records(&self) -> impl Iterator<Item = SpanRecord<'_>> {
        Records::from_words(&self.words)
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

/// What became of a batch that reached its receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Spans that the receiver refused.
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

    /// Sends one batch. The collector drops the future when the export timeout is over.
    fn export<'a>(&'a self, batch: &'a Batch) -> Exporting<'a>;

    /// Called once, after the last batch.
    fn shutdown(&self, _timeout: std::time::Duration) -> Result<(), String> {
        Ok(())
    }
}
