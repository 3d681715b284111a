//! What became of what an exporter was given.

use super::Accepted;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Mutex, PoisonError};

/// The numbers of one exporter.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    exported: AtomicU64,
    failed: AtomicU64,
    rejected: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Tally {
    fn say(&self, error: String) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// Books so many spans, log records or data points.
    pub(crate) fn book(&self, count: u64, result: Result<Accepted, String>) {
        match result {
            Ok(Accepted { rejected, message }) => {
                let rejected = rejected.min(count);
                self.rejected.fetch_add(rejected, Relaxed);
                self.exported.fetch_add(count - rejected, Release);
                message.into_iter().for_each(|message| self.say(message));
            }
            Err(error) => {
                self.failed.fetch_add(count, Relaxed);
                self.say(error);
            }
        }
    }

    /// How many were exported, failed and were rejected, and the latest failure or refusal.
    pub(crate) fn read(&self) -> (u64, u64, u64, Option<String>) {
        let exported = self.exported.load(Acquire);
        let last_error = self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (exported, self.failed.load(Relaxed), self.rejected.load(Relaxed), last_error)
    }
}
