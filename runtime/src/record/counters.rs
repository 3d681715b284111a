//! What was not recorded or not exported, by reason.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Spans that never reach an exporter. What threads count for themselves is in [`super::thread`].
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) queue_full: AtomicU64,
    pub(crate) too_large: AtomicU64,
    pub(crate) after_shutdown: AtomicU64,
    pub(crate) thread_gone: AtomicU64,
    pub(crate) allocator: AtomicU64,
    pub(crate) tail: AtomicU64,
    pub(crate) tail_overflow: AtomicU64,
}

pub(crate) static COUNTERS: Counters = Counters {
    queue_full: AtomicU64::new(0),
    too_large: AtomicU64::new(0),
    after_shutdown: AtomicU64::new(0),
    thread_gone: AtomicU64::new(0),
    allocator: AtomicU64::new(0),
    tail: AtomicU64::new(0),
    tail_overflow: AtomicU64::new(0),
};

impl Counters {
    /// Starts counting anew, for a new pipeline.
    pub(crate) fn reset(&self) {
        let Self { queue_full, too_large, after_shutdown, thread_gone, allocator, tail, tail_overflow } = self;
        for counter in [queue_full, too_large, after_shutdown, thread_gone, allocator, tail, tail_overflow] {
            counter.store(0, Relaxed);
        }
    }

    pub(crate) fn add(counter: &AtomicU64, spans: u64) {
        counter.fetch_add(spans, Relaxed);
    }
}
