//! What the guard, its handles and the collector know of one pipeline.

use super::drops::Drops;
use super::guard::Lease;
use super::remote::Remote;
use super::stats::{Stats, stats};
use crate::config::Telemetry;
use crate::export::Book;
use crate::record;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// Where a pipeline is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    /// Nothing is recorded: [`Telemetry::disabled`].
    Disabled,
    Stopping,
    Stopped,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) books: Box<[Arc<Book>]>,
    pub(crate) drops: Arc<Drops>,
    pub(super) lease: Arc<Lease>,
    pub(super) stop: watch::Sender<Option<Instant>>,
    pub(super) remote: Remote,
    pub(crate) started: Instant,
    /// Whether nothing is recorded.
    pub(crate) disabled: bool,
    /// Whether there are metrics of the pipeline itself.
    pub(super) measures_itself: bool,
    state: AtomicU8,
    settings: Mutex<Telemetry>,
    last_reload: Mutex<Option<Reload>>,
    /// The numbers at the end: those of the process are the next pipeline's.
    last: Mutex<Option<Stats>>,
    /// The process it belongs to; a copy of it in the child of a fork has nothing to end.
    forks: u64,
}

/// How the latest attempt to change settings went.
#[derive(Clone, Debug)]
pub(crate) struct Reload {
    pub(crate) at: SystemTime,
    /// Why it was refused.
    pub(crate) problem: Option<String>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(telemetry: Telemetry, books: Vec<Arc<Book>>) -> Self {
        let (disabled, measures_itself) = (telemetry.disabled, telemetry.sdk_metrics);
        let state = if disabled { State::Disabled } else { State::Running };
        Self {
            books: books.into(),
            drops: Arc::default(),
            lease: Arc::default(),
            stop: watch::Sender::new(None),
            remote: Remote::default(),
            started: Instant::now(),
            disabled,
            measures_itself,
            state: AtomicU8::new(state as u8),
            settings: Mutex::new(telemetry),
            last_reload: Mutex::default(),
            last: Mutex::default(),
            forks: record::forks(),
        }
    }

    /// Whether this is the process that the pipeline was started in.
    pub(crate) fn is_here(&self) -> bool {
        self.forks == record::forks()
    }

    pub(crate) fn state(&self) -> State {
        if !self.is_here() {
            return State::Stopped;
        }
        match self.state.load(Ordering::Acquire) {
            state if state == State::Running as u8 => State::Running,
            state if state == State::Disabled as u8 => State::Disabled,
            state if state == State::Stopping as u8 => State::Stopping,
            _ => State::Stopped,
        }
    }

    /// Whether the pipeline's thread is gone, although nobody has ended it.
    pub(crate) fn has_died(&self) -> bool {
        // In this order, or an ordinary end might look like it.
        self.lease.has_ended() && self.state() == State::Running
    }

    pub(super) fn begin_to_stop(&self) -> Duration {
        self.state.store(State::Stopping as u8, Ordering::Release);
        self.settings().shutdown_timeout
    }

    pub(super) fn has_stopped(&self) {
        // What has ended since the shutdown lies where it was put, and nobody else will look. Not before: what the
        // collector has not fetched yet is still to be exported.
        if !self.disabled {
            record::discard_ended();
        }
        let last = self.stats();
        *lock(&self.last) = Some(last);
        self.state.store(State::Stopped as u8, Ordering::Release);
    }

    /// The settings that are in force. Not to be asked for in the child of a fork.
    pub(crate) fn settings(&self) -> MutexGuard<'_, Telemetry> {
        lock(&self.settings)
    }

    pub(super) fn note_reload(&self, problem: Option<String>) {
        *lock(&self.last_reload) = Some(Reload { at: SystemTime::now(), problem });
    }

    pub(crate) fn last_reload(&self) -> Option<Reload> {
        lock(&self.last_reload).clone()
    }

    pub(crate) fn stats(&self) -> Stats {
        // In the child of a fork the numbers of exporters are copies, and perhaps locked for good.
        if !self.is_here() {
            return stats(&[]);
        }
        match &*lock(&self.last) {
            Some(last) => last.clone(),
            None if self.disabled => Stats::default(),
            None => stats(&self.books),
        }
    }
}
