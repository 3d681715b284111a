//! Says which spans were dropped and why: once in an interval for each reason, with how many.

use crate::diagnostics::{self, INTERVAL, LogLevel};
use crate::record::{self, COUNTERS};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Drops somebody should know of: the event, and the reason. Those of tail sampling are wanted.
const REASONS: [(&str, &str); 5] = [
    ("Queue.Push.Full", "the queue was full: the exporters are slower than the application"),
    ("Trace.Start.Refused", "traces that begin while the queue is more than half full are not recorded"),
    ("Span.End.TooLarge", "no span may be larger than 256 KiB"),
    ("Span.End.ThreadGone", "the thread was being torn down"),
    ("Span.Start.InAllocator", "a traced allocator makes no spans while it works for Otelier"),
];
const REFUSED: usize = 1;

/// What is known of one reason.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    seen: u64,
    told: u64,
    told_at: Option<Instant>,
    grew_at: Option<Instant>,
}

#[derive(Debug, Default)]
pub(crate) struct Drops(Mutex<[Known; REASONS.len()]>);

impl Drops {
    /// Looks whether something was dropped, and says so if it is time. The refused are counted by all threads together, so
    /// they are looked at only now and then.
    pub(super) fn look(&self, at_refused: bool) {
        let now = Instant::now();
        self.update(at_refused, now);
        self.tell(|known| known.told_at.is_none_or(|told| now.saturating_duration_since(told) >= INTERVAL), now);
    }

    /// Says what has not been said, because there will be no other time.
    pub(super) fn tell_rest(&self) {
        let now = Instant::now();
        self.update(true, now);
        self.tell(|_| true, now);
    }

    fn update(&self, at_refused: bool, now: Instant) {
        let refused = at_refused.then(|| {
            let (before, totals) = record::totals();
            totals.refused - before.refused
        });
        let full = COUNTERS.queue_full.load(Relaxed);
        let (large, gone) = (COUNTERS.too_large.load(Relaxed), COUNTERS.thread_gone.load(Relaxed));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = refused.unwrap_or(all[REFUSED].seen);
        for (known, count) in all.iter_mut().zip([full, refused, large, gone, COUNTERS.allocator.load(Relaxed)]) {
            if count > known.seen {
                known.seen = count;
                known.grew_at = Some(now);
            }
        }
    }

    fn tell(&self, is_due: impl Fn(&Known) -> bool, now: Instant) {
        let mut due = [0; REASONS.len()];
        for (known, due) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut().zip(&mut due) {
            if known.seen > known.told && is_due(known) {
                *due = known.seen - known.told;
                (known.told, known.told_at) = (known.seen, Some(now));
            }
        }
        // Without the lock, because the sink may ask for the health.
        for ((event, reason), count) in REASONS.iter().zip(due).filter(|(_, count)| *count > 0) {
            let text = || match count {
                1 => format!("1 span was dropped: {reason}"),
                count => format!("{count} spans were dropped: {reason}"),
            };
            diagnostics::tell(LogLevel::Warn, event, text);
        }
    }

    /// Why spans were dropped within the last interval, if some were.
    pub(crate) fn recent(&self) -> Option<&'static str> {
        let now = Instant::now();
        self.update(true, now);
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent =
            |known: &Known| known.grew_at.is_some_and(|grew| now.saturating_duration_since(grew) < INTERVAL);
        all.iter().zip(REASONS).find_map(|(known, (_, reason))| is_recent(known).then_some(reason))
    }
}
