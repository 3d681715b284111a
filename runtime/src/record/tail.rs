//! Sampling at the end: the records of a trace are held back until its local root ends, and forgotten if nothing about
//! the trace is worth keeping. Forgetting puts the thread's write cursor back.

use super::counters::{COUNTERS, Counters};
use super::thread::Thread;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

static ON: AtomicBool = AtomicBool::new(false);
static FAILED: AtomicBool = AtomicBool::new(false);
static SLOWER_THAN: AtomicU64 = AtomicU64::new(u64::MAX);
static THRESHOLD: AtomicU64 = AtomicU64::new(0);

/// What is kept. See [`crate::config::TailSampling`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    pub(crate) failed: bool,
    /// In ticks of the clock.
    pub(crate) slower_than: u64,
    pub(crate) ratio: f64,
}

pub(crate) fn set_tail(keep: Option<Keep>) {
    if let Some(Keep { failed, slower_than, ratio }) = keep {
        FAILED.store(failed, Relaxed);
        SLOWER_THAN.store(slower_than, Relaxed);
        THRESHOLD.store(super::sampling::threshold(ratio), Relaxed);
    }
    ON.store(keep.is_some(), Relaxed);
}

/// What a thread knows of the trace it holds back.
#[derive(Debug, Default)]
pub(super) struct Held {
    failed: Cell<bool>,
}

impl Held {
    /// A span of the trace has ended; whether it failed.
    pub(super) fn saw(&self, failed: bool) {
        self.failed.set(self.failed.get() | failed);
    }
}

/// Begins to hold back what the thread records, unless it does already. Whether the span that begins now decides.
pub(super) fn begin(thread: &Thread) -> bool {
    if !ON.load(Relaxed) || thread.outbox.holds() {
        return false;
    }
    thread.tail.failed.set(false);
    thread.outbox.hold();
    true
}

/// Keeps or forgets the trace. Its root has been recorded.
///
/// # Safety
///
/// Only on the thread itself.
pub(super) unsafe fn decide(thread: &Thread, trace: (u64, u64), ticks: u64) {
    let keep = FAILED.load(Relaxed) && thread.tail.failed.get()
        || ticks >= SLOWER_THAN.load(Relaxed)
        || super::sampling::reaches(trace.1, THRESHOLD.load(Relaxed));
    if keep {
        // SAFETY: the caller is on the thread.
        unsafe { thread.outbox.release() };
    } else {
        // Spans of other traces may have ended in between, in an executor that this root blocked on.
        // SAFETY: as above.
        let forgotten = unsafe { thread.outbox.put_back(|record| (record[2], record[3]) != trace) };
        Counters::add(&COUNTERS.tail, forgotten);
    }
}
