//! How a guard asks the thread of a reader to flush and to end, and waits for it no longer than it wants to.

use crate::clock;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

#[derive(Debug, Default)]
struct State {
    flush_asked: u64,
    flush_done: u64,
    stop: Option<Instant>,
    ended: bool,
}

/// Shared between a reader's thread and the guard.
#[derive(Debug, Default)]
pub(super) struct Control {
    state: Mutex<State>,
    /// Rung when the reader has something to do; it sleeps in its runtime.
    bell: Notify,
    /// Rung when the reader has done it.
    done: Condvar,
}

/// Why the reader woke up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wake {
    /// The flush that somebody waits for, or the latest one there was.
    pub(super) flush: u64,
    /// When everything must be over, if the pipeline shuts down.
    pub(super) stop: Option<Instant>,
}

impl Control {
    fn state(&self) -> MutexGuard<'_, State> {
        // No foreign code runs under this lock, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something to do, at most until `schedule`.
    pub(super) async fn wait(&self, schedule: Instant) -> Wake {
        loop {
            // Before the look at the state, so that no ring is missed.
            let rung = self.bell.notified();
            {
                let state = self.state();
                let is_asked = state.flush_asked > state.flush_done || state.stop.is_some();
                if is_asked || Instant::now() >= schedule {
                    return Wake { flush: state.flush_asked, stop: state.stop };
                }
            }
            // Whichever of both it was is seen above.
            let _ = tokio::time::timeout_at(schedule.into(), rung).await;
        }
    }

    /// Waits until the pipeline shuts down: when everything must be over.
    pub(super) async fn stopping(&self) -> Instant {
        loop {
            let rung = self.bell.notified();
            let stop = self.state().stop;
            match stop {
                Some(deadline) => return deadline,
                None => rung.await,
            }
        }
    }

    /// The latest flush, if somebody still waits for it.
    pub(super) fn awaited(&self) -> Option<u64> {
        let state = self.state();
        Some(state.flush_asked).filter(|asked| *asked > state.flush_done)
    }

    /// Says that everything up to this flush was exported, or tried.
    pub(super) fn flushed(&self, flush: u64) {
        {
            let mut state = self.state();
            state.flush_done = state.flush_done.max(flush);
        }
        self.done.notify_all();
    }

    /// Says that the reader is gone.
    pub(super) fn ended(&self) {
        self.state().ended = true;
        self.done.notify_all();
    }

    /// Asks for a flush: its number.
    pub(super) fn flush(&self) -> u64 {
        let mut state = self.state();
        state.flush_asked += 1;
        self.bell.notify_waiters();
        state.flush_asked
    }

    /// Waits for a flush. `false` if the time was too short.
    pub(super) fn wait_flushed(&self, flush: u64, deadline: Instant) -> bool {
        self.wait_done(deadline, |state| state.flush_done >= flush || state.ended)
    }

    /// Asks the reader to export what is left by the deadline, and to end.
    pub(super) fn stop(&self, deadline: Instant) {
        self.state().stop = Some(deadline);
        self.bell.notify_waiters();
    }

    /// Waits for the end. `false` if the time was too short.
    pub(super) fn wait_ended(&self, deadline: Instant) -> bool {
        self.wait_done(deadline, |state| state.ended)
    }

    fn wait_done(&self, deadline: Instant, done: impl Fn(&State) -> bool) -> bool {
        let mut state = self.state();
        while !done(&state) {
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return false;
            };
            state = self.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// The start of the export after the one that was due at `due`. Exports that were missed are not made up for.
pub(super) fn next(due: Instant, interval: std::time::Duration) -> Instant {
    let now = Instant::now();
    due.checked_add(interval).filter(|next| *next > now).unwrap_or_else(|| clock::instant_after(interval))
}
