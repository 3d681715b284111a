//! What one exporter made of what it was handed.

use super::{Accepted, Signal};
use crate::diagnostics::{self, LogLevel, scrubbed};
use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How many of the latest exports the recent success rate is of.
pub(crate) const RECENT: u32 = 32;

/// Why an export came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The exporter said so.
    Failed(String),
    /// It took longer than it may.
    Timeout(Duration),
    /// It was still busy when the pipeline had to end.
    CutOff,
    /// The pipeline had to end before it was its turn.
    NotTried,
    Panicked(String),
    /// What it is to export could not be had.
    #[cfg_attr(not(feature = "metrics"), allow(dead_code))]
    Collect(String),
    /// It failed while it was shut down; says nothing of a batch.
    Shutdown(String),
}

impl Failure {
    /// For what a panic carries.
    pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Panicked(text.unwrap_or("it did not say why").to_owned())
    }

    fn event(&self) -> &'static str {
        match self {
            Self::Failed(_) => "Exporter.Export.Failed",
            Self::Timeout(_) => "Exporter.Export.Timeout",
            Self::CutOff | Self::NotTried => "Exporter.Export.ShutDown",
            Self::Panicked(_) => "Exporter.Export.Panicked",
            Self::Collect(_) => "Exporter.Collect.Failed",
            Self::Shutdown(_) => "Exporter.Shutdown.Failed",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Failed(error) | Self::Shutdown(error) => scrubbed(error).into_owned(),
            Self::Timeout(after) => format!("the export took longer than {after:?}"),
            Self::CutOff => "the export was not over when the time of the shutdown was".to_owned(),
            Self::NotTried => "the time of the shutdown was over before the export began".to_owned(),
            Self::Collect(error) => format!("the metrics could not be collected: {}", scrubbed(error)),
            Self::Panicked(message) => format!("the exporter panicked: {}", scrubbed(message)),
        }
    }
}

/// An exporter's numbers, without the exporter: they outlive it.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) name: String,
    pub(crate) signal: Signal,
    /// How long one export may take.
    pub(crate) timeout: Duration,
    exported: AtomicU64,
    failed: AtomicU64,
    rejected: AtomicU64,
    /// When the export that is under way began, and when the exporter's code got the thread that it has now: nanoseconds
    /// after `base`, or 0.
    exporting: AtomicU64,
    polling: AtomicU64,
    base: Instant,
    history: Mutex<History>,
}

/// What is known beside the numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) exports: u64,
    pub(crate) failed_exports: u64,
    /// One bit for each of the latest exports, the latest lowest; set where it succeeded.
    recent: u32,
    /// Exports that failed without one that succeeded since.
    pub(crate) failed_in_a_row: u64,
    /// Whether the receiver refused a part of the latest export.
    pub(crate) was_refused: bool,
    pub(crate) last_success: Option<SystemTime>,
    pub(crate) last_error: Option<(SystemTime, String)>,
}

impl History {
    fn note(&mut self, success: bool) {
        self.exports += 1;
        self.recent = self.recent << 1 | u32::from(success);
        if success {
            self.failed_in_a_row = 0;
            self.last_success = Some(SystemTime::now());
        } else {
            self.failed_in_a_row += 1;
            self.failed_exports += 1;
        }
    }

    /// The share of all exports that succeeded, and of the latest.
    pub(crate) fn success_rates(&self) -> Option<(f64, f64)> {
        let recent = self.exports.min(RECENT.into()) as u32;
        let mask = u32::MAX.checked_shr(RECENT - recent).unwrap_or(0);
        (recent > 0).then(|| {
            let all = (self.exports - self.failed_exports) as f64 / self.exports as f64;
            (all, f64::from((self.recent & mask).count_ones()) / f64::from(recent))
        })
    }
}

impl Book {
    pub(crate) fn new(name: &str, signal: Signal, timeout: Duration) -> Self {
        Self {
            name: scrubbed(name).into_owned(),
            signal,
            timeout,
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            exporting: AtomicU64::new(0),
            polling: AtomicU64::new(0),
            base: Instant::now(),
            history: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn history(&self) -> History {
        self.lock().clone()
    }

    /// Books so many spans, log records or data points.
    pub(crate) fn book(&self, count: u64, result: Result<Accepted, Failure>) {
        match result {
            Ok(Accepted { rejected, message }) => self.book_success(count, rejected.min(count), message),
            Err(failure) => self.book_failure(count, &failure),
        }
    }

    fn book_success(&self, count: u64, rejected: u64, message: Option<String>) {
        let message = message.map(|message| scrubbed(&message).into_owned());
        let recovered = {
            let mut history = self.lock();
            let recovered = history.failed_in_a_row;
            history.note(true);
            history.was_refused = rejected > 0;
            if let Some(message) = &message {
                history.last_error = Some((SystemTime::now(), message.clone()));
            }
            recovered
        };
        self.rejected.fetch_add(rejected, Relaxed);
        self.exported.fetch_add(count - rejected, Release);
        let (name, signal) = (&self.name, self.signal);
        if recovered > 0 {
            diagnostics::say(LogLevel::Info, "Exporter.Export.Recovered", name, || {
                format!("{name}: an export succeeded after {recovered} that had failed")
            });
        }
        if rejected > 0 || message.is_some() {
            diagnostics::say(LogLevel::Warn, "Exporter.Export.Rejected", name, || {
                let said = message.as_deref().unwrap_or("it did not say why");
                format!("{name}: the receiver refused {rejected} of {count} {signal}: {said}")
            });
        }
        diagnostics::tell(LogLevel::Debug, "Exporter.Export.Done", || format!("{name}: exported {count} {signal}"));
    }

    fn book_failure(&self, count: u64, failure: &Failure) {
        let text = failure.text();
        {
            let mut history = self.lock();
            if !matches!(failure, Failure::Shutdown(_)) {
                history.note(false);
            }
            history.last_error = Some((SystemTime::now(), text.clone()));
        }
        self.failed.fetch_add(count, Relaxed);
        let (name, signal) = (&self.name, self.signal);
        diagnostics::say(LogLevel::Warn, failure.event(), name, || match count {
            0 => format!("{name}: {text}"),
            count => format!("{name}: {text}; {count} {signal} are lost"),
        });
    }

    /// How many were exported, failed and were rejected.
    pub(crate) fn numbers(&self) -> (u64, u64, u64) {
        (self.exported.load(Acquire), self.failed.load(Relaxed), self.rejected.load(Relaxed))
    }

    /// Notes that an export is under way, until what comes back is dropped.
    pub(crate) fn exporting(&self) -> Since<'_> {
        Since::now(&self.exporting, self.base)
    }

    /// Notes that the exporter's code has the thread, until what comes back is dropped.
    pub(crate) fn polling(&self) -> Since<'_> {
        Since::now(&self.polling, self.base)
    }

    /// How long the export that is under way has taken so far.
    pub(crate) fn busy_for(&self) -> Option<Duration> {
        self.elapsed(&self.exporting)
    }

    /// How long the exporter's code has kept its thread: the one that all exporters of spans and log records share, or the
    /// one of its reader.
    pub(crate) fn keeps_thread_for(&self) -> Option<Duration> {
        self.elapsed(&self.polling)
    }

    fn elapsed(&self, since: &AtomicU64) -> Option<Duration> {
        let since = since.load(Relaxed);
        (since > 0).then(|| self.base.elapsed().saturating_sub(Duration::from_nanos(since)))
    }
}

/// Clears the note.
pub(crate) struct Since<'a>(&'a AtomicU64);

impl<'a> Since<'a> {
    fn now(since: &'a AtomicU64, base: Instant) -> Self {
        since.store((base.elapsed().as_nanos() as u64).max(1), Relaxed);
        Self(since)
    }
}

impl Drop for Since<'_> {
    fn drop(&mut self) {
        self.0.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{History, RECENT};

    #[test]
    fn success_rates_are_of_all_exports_and_of_the_latest() {
        let mut history = History::default();
        assert_eq!(history.success_rates(), None);
        history.note(true);
        history.note(false);
        assert_eq!(history.success_rates(), Some((0.5, 0.5)));
        (0..RECENT).for_each(|_| history.note(false));
        assert_eq!(history.success_rates().map(|(_, recent)| recent), Some(0.0));
        assert_eq!(history.failed_in_a_row, u64::from(RECENT) + 1);
        (0..RECENT).for_each(|_| history.note(true));
        assert_eq!(history.success_rates().map(|(_, recent)| recent), Some(1.0));
        assert_eq!(history.failed_in_a_row, 0);
    }
}
