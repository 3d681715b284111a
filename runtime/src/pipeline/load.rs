//! The load, for samplers that follow it.

use super::losses::Losses;
use super::machine::Machine;
use crate::diagnostics::{self, LogLevel};
use crate::export::Book;
use crate::record::{self, QUEUE, Readings};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the load is looked at, at most.
const EACH: Duration = Duration::from_secs(1);

/// What the collector's thread knows of the load. As long as no sampler follows it, nothing.
pub(super) struct Load {
    /// Made when it is looked at for the first time.
    machine: Option<Machine>,
    /// Of all exporters.
    books: Vec<Arc<Book>>,
    /// Made when it is looked at for the first time.
    losses: Option<Losses>,
    /// How full the queue was at most since the last look.
    queue: f64,
    /// Local roots that have ended since the last look, and those of them that failed. Counted only if somebody wants to know.
    ended: u64,
    failed: u64,
    follows_errors: bool,
    last: Instant,
    next: Instant,
    told: Told,
    is_raised: bool,
}

/// What was last said of the factor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Lowered,
    Extreme,
}

impl Load {
    pub(super) fn new(books: Vec<Arc<Book>>) -> Self {
        let now = Instant::now();
        Self {
            machine: None,
            books,
            losses: None,
            queue: 0.0,
            ended: 0,
            failed: 0,
            follows_errors: false,
            last: now,
            next: now,
            told: Told::Nothing,
            is_raised: false,
        }
    }

    /// Counts the traces whose records these are. To be called with everything that threads hand over, before anything of it is
    /// left out.
    pub(super) fn saw(&mut self, words: &[u64]) {
        if self.follows_errors {
            let (ended, failed) = record::count_roots(words);
            self.ended += ended;
            self.failed += failed;
        }
    }

    /// When the next look is due, if anybody wants to know.
    pub(super) fn next(&self) -> Option<Instant> {
        record::follows_load().then_some(self.next)
    }

    /// Looks, if that is due. To be called often, before the queue is emptied.
    pub(super) fn look(&mut self) {
        if !record::follows_load() {
            (self.machine, self.losses, self.queue) = (None, None, 0.0);
            (self.ended, self.failed, self.follows_errors) = (0, 0, false);
            (self.told, self.is_raised) = (Told::Nothing, false);
            self.last = Instant::now();
            return;
        }
        let (bytes, room, _) = QUEUE.fill();
        let now = Instant::now();
        // One chunk is taken whatever the room is.
        self.queue = self.queue.max((bytes as f64 / room.max(1) as f64).min(1.0));
        if now < self.next {
            return;
        }
        let machine = self.machine.get_or_insert_with(Machine::this);
        let losses = self.losses.get_or_insert_with(|| Losses::since_now(self.books.iter().cloned()));
        let readings = Readings {
            cpu: machine.cpu(now),
            memory: machine.memory(),
            queue: std::mem::take(&mut self.queue),
            failures: losses.share(),
            // What threads forgot by themselves ended all the same; a failure among it was not worth keeping to anybody.
            ended: std::mem::take(&mut self.ended) + record::forgotten_traces(),
            failed: std::mem::take(&mut self.failed),
            seconds: now.saturating_duration_since(self.last).as_secs_f64(),
        };
        record::note_load(&readings);
        self.follows_errors = record::follows_errors();
        self.last = now;
        self.next = now + EACH;
        self.tell(&readings);
        self.tell_errors(&readings);
    }

    /// Says when the factor begins to fall, when nothing is kept any more, and when all is as it was.
    fn tell(&mut self, readings: &Readings) {
        let Some(factor) = record::load_factor() else { return };
        let now = match factor {
            0.0 => Told::Extreme,
            1.0 => Told::Nothing,
            // What rises again is still lowered.
            _ => Told::Lowered,
        };
        if now == std::mem::replace(&mut self.told, now) {
            return;
        }
        let (level, event, text) = match now {
            Told::Extreme => {
                (LogLevel::Warn, "Sampling.Load.Extreme", "the load is extreme: no trace that begins here is recorded")
            }
            Told::Lowered => (LogLevel::Info, "Sampling.Load.Lowered", "fewer traces are recorded because of the load"),
            Told::Nothing => {
                (LogLevel::Info, "Sampling.Load.Over", "the load is over: every ratio is what it was set to")
            }
        };
        let percent =
            |share: Option<f64>| share.map_or("unknown".to_owned(), |share| format!("{:.0} %", share * 100.0));
        diagnostics::tell(level, event, || {
            let (cpu, memory) = (percent(readings.cpu), percent(readings.memory));
            let (queue, lost) = (percent(Some(readings.queue)), percent(readings.failures));
            format!("{text}; processor {cpu}, memory {memory}, queue {queue}, spans lost {lost}")
        });
    }

    /// Says when ratios begin to be raised because of errors, and when they are not any more.
    fn tell_errors(&mut self, readings: &Readings) {
        let boost = record::error_boost().unwrap_or(1.0);
        let is_raised = boost > 1.0;
        if is_raised == std::mem::replace(&mut self.is_raised, is_raised) {
            return;
        }
        let (event, text) = match is_raised {
            true => ("Sampling.Errors.Raised", "more traces are recorded because many fail"),
            false => ("Sampling.Errors.Over", "no more traces are recorded because of errors than ratios say"),
        };
        let Readings { ended, failed, .. } = readings;
        diagnostics::tell(LogLevel::Info, event, || format!("{text}; {failed} of the latest {ended} failed"));
    }
}
