//! How old a record is, whatever the clocks do.

use super::Log;
use super::slot::Head;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How much longer than `max_age` a record of an earlier process can have waited. What seems to be older was written, or is
/// read, with a wrong clock.
const MOST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The time by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) wall: SystemTime,
    pub(crate) running: Instant,
}

impl Now {
    pub(crate) fn here() -> Self {
        Self { wall: SystemTime::now(), running: Instant::now() }
    }

    /// Milliseconds since 1970; 0 before.
    pub(super) fn millis(&self) -> u64 {
        self.wall.duration_since(UNIX_EPOCH).map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }
}

impl Log {
    /// For the log's own records by the clock that only runs, so that a step of the other one loses nothing. For those of
    /// earlier processes by the wall clock, if that makes sense: a record from the future, or of a clock that was not set, is
    /// as old as this log.
    pub(super) fn age(&self, head: &Head, now: &Now) -> Duration {
        let open_for = now.running.saturating_duration_since(self.opened);
        if head.is_own {
            return open_for.saturating_sub(Duration::from_millis(head.header.uptime));
        }
        match now.millis().checked_sub(head.header.time).map(Duration::from_millis) {
            Some(age) if age <= self.settings.max_age.saturating_add(MOST) => age,
            _ => open_for,
        }
    }
}
