//! What was not recorded or not exported, by reason.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Spans that never reach an exporter.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) queue_full: AtomicU64,
    pub(crate) too_large: AtomicU64,
    pub(crate) after_shutdown: AtomicU64,
    pub(crate) thread_gone: AtomicU64,
}

pub(crate) static COUNTERS: Counters = Counters {
    queue_full: AtomicU64::new(0),
    too_large: AtomicU64::new(0),
    after_shutdown: AtomicU64::new(0),
    thread_gone: AtomicU64::new(0),
};

impl Counters {
    /// Starts counting anew, for a new pipeline.
    pub(crate) fn reset(&self) {
        for counter in [&self.queue_full, &self.too_large, &self.after_shutdown, &self.thread_gone] {
            counter.store(0, Relaxed);
        }
    }

    pub(crate) fn add(counter: &AtomicU64, spans: u64) {
        counter.fetch_add(spans, Relaxed);
    }
}
