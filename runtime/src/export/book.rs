//! What one exporter made of what it was handed.

use super::delivery::Route;
use super::{Accepted, Refused, Signal};
use crate::diagnostics::{self, LogLevel, scrubbed};
use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
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
    /// Its retries are used up, or there was no time for more.
    GivenUp {
        error: String,
        attempts: u32,
        /// Whether an attempt may have arrived although it seemed to fail.
        may_have_arrived: bool,
    },
    /// So much was waiting for it that there was no room.
    BacklogFull,
    /// It waited in the disk buffer for longer than it may.
    Expired,
    /// It was in the disk buffer, and cannot be read any more.
    Damaged,
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
            Self::Failed(_) | Self::GivenUp { attempts: 1, .. } => "Exporter.Export.Failed",
            Self::GivenUp { .. } => "Exporter.Export.GivenUp",
            Self::BacklogFull => "Exporter.Backlog.Full",
            Self::Expired => "Exporter.Buffer.Expired",
            Self::Damaged => "Exporter.Buffer.Damaged",
            Self::Timeout(_) => "Exporter.Export.Timeout",
            Self::CutOff | Self::NotTried => "Exporter.Export.ShutDown",
            Self::Panicked(_) => "Exporter.Export.Panicked",
            Self::Collect(_) => "Exporter.Collect.Failed",
            Self::Shutdown(_) => "Exporter.Shutdown.Failed",
        }
    }

    /// For `error.type`.
    pub(crate) fn error_type(&self) -> &'static str {
        LOSSES[self.loss()]
    }

    /// Where it is counted: the place in [`LOSSES`].
    fn loss(&self) -> usize {
        match self {
            Self::Failed(_) | Self::Collect(_) | Self::Shutdown(_) => 0,
            Self::Timeout(_) => 1,
            Self::CutOff | Self::NotTried => 2,
            Self::Panicked(_) => 3,
            Self::BacklogFull => 4,
            Self::GivenUp { .. } => 5,
            Self::Expired => 6,
            Self::Damaged => 7,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Failed(error) | Self::Shutdown(error) => scrubbed(error).into_owned(),
            Self::Timeout(after) => format!("the export took longer than {after:?}"),
            Self::CutOff => "the export was not over when the time of the shutdown was".to_owned(),
            Self::NotTried => "the time of the shutdown was over before the export began".to_owned(),
            Self::GivenUp { error, attempts: 1, .. } => scrubbed(error).into_owned(),
            Self::GivenUp { error, attempts, .. } => format!("given up after {attempts} attempts: {}", scrubbed(error)),
            Self::BacklogFull => "so much waits for this exporter that there was no room".to_owned(),
            Self::Expired => "it waited in the disk buffer for longer than it may".to_owned(),
            Self::Damaged => "it cannot be read from the disk buffer any more".to_owned(),
            Self::Collect(error) => format!("the metrics could not be collected: {}", scrubbed(error)),
            Self::Panicked(message) => format!("the exporter panicked: {}", scrubbed(message)),
        }
    }
}

/// Why spans, log records or data points were lost that an exporter was handed.
pub(crate) const LOSSES: [&str; 8] =
    ["refused", "timeout", "shut_down", "panicked", "backlog_full", "given_up", "expired", "damaged"];
/// What an observer is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// An export: from its first attempt to the end of its last.
    Export,
    /// A reader has collected metrics.
    #[cfg_attr(not(feature = "metrics"), allow(dead_code))]
    Collect,
}

/// Who is told what took how long, and why it failed if it did. Called where exporters run, so it must not wait.
pub(crate) type Observer = Arc<dyn Fn(Operation, Duration, Option<&str>) + Send + Sync>;

/// The one observer of a book.
#[derive(Default)]
struct Observed(OnceLock<Observer>);

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observed").field(&self.0.get().is_some()).finish()
    }
}

/// Why the export was not a full success, as an `error.type`; for exporters that know no more of it than this.
pub(crate) fn error_type(result: &Result<Accepted, Failure>) -> Option<&'static str> {
    match result {
        Ok(accepted) => (accepted.rejected > 0).then_some("rejected"),
        Err(failure) => Some(failure.error_type()),
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
    losses: [AtomicU64; LOSSES.len()],
    /// How many of the failed somebody was told of.
    told: AtomicU64,
    /// What waits in memory, and of it what is on its way.
    pub(crate) pending: AtomicU64,
    /// What waits in the disk buffer: of this process and of earlier ones.
    pub(crate) buffered: AtomicU64,
    pub(crate) left_by_others: AtomicU64,
    /// What of earlier processes has arrived, and what of all may have arrived twice.
    pub(crate) replayed: AtomicU64,
    pub(crate) sent_again: AtomicU64,
    /// What earlier processes left and is lost, and what could not be read at all.
    pub(crate) lost_of_others: AtomicU64,
    pub(crate) damaged_bytes: AtomicU64,
    retries: AtomicU64,
    route: OnceLock<Arc<Route>>,
    /// When each export that is under way began.
    exporting: Mutex<Vec<(u64, Instant)>>,
    /// When the exporter's code got the thread that it has now: nanoseconds after `base`, or 0.
    /// What the exporter was given, of which the three above are over.
    handed: AtomicU64,
    observer: Observed,
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
            losses: Default::default(),
            told: AtomicU64::new(0),
            pending: AtomicU64::new(0),
            buffered: AtomicU64::new(0),
            left_by_others: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            sent_again: AtomicU64::new(0),
            lost_of_others: AtomicU64::new(0),
            damaged_bytes: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            route: OnceLock::new(),
            exporting: Mutex::default(),
            handed: AtomicU64::new(0),
            observer: Observed::default(),
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

    /// Notes that the exporter is given so many; [`book`](Self::book) says what became of them.
    pub(crate) fn hand(&self, count: u64) {
        self.handed.fetch_add(count, Relaxed);
    }

    /// How many the exporter has been given so far.
    #[cfg_attr(not(feature = "metrics"), allow(dead_code))]
    pub(crate) fn handed(&self) -> u64 {
        self.handed.load(Relaxed)
    }

    /// How many of what failed were lost for which reason.
    #[cfg_attr(not(feature = "metrics"), allow(dead_code))]
    pub(crate) fn lost(&self) -> Vec<(&'static str, u64)> {
        LOSSES.into_iter().zip(self.losses()).filter(|(_, count)| *count > 0).collect()
    }

    /// Says who wants to know how long exports take. The first one counts.
    #[cfg_attr(not(feature = "metrics"), allow(dead_code))]
    pub(crate) fn observe(&self, observer: Observer) {
        let _ = self.observer.0.set(observer);
    }

    /// Tells the observer that an export is over: once for each, whatever its attempts were, with the time from the first
    /// to the end of the last, and with why that one failed. What was never attempted is not told.
    pub(crate) fn attempted(&self, duration: Duration, error_type: Option<&str>) {
        self.tell_observer(Operation::Export, duration, error_type);
    }

    /// Tells the observer that a reader has collected what the exporter is to get.
    #[cfg_attr(not(feature = "metrics"), allow(dead_code))]
    pub(crate) fn collected(&self, duration: Duration, error_type: Option<&str>) {
        self.tell_observer(Operation::Collect, duration, error_type);
    }

    fn tell_observer(&self, operation: Operation, duration: Duration, error_type: Option<&str>) {
        if let Some(observer) = self.observer.0.get() {
            observer(operation, duration, error_type);
        }
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
                format!("{name}: an export succeeded after {recovered} attempts that had failed")
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

    /// An attempt has failed, and perhaps another will not.
    pub(crate) fn attempt_failed(&self, refused: &Refused) {
        let text = scrubbed(&refused.text).into_owned();
        let mut history = self.lock();
        history.failed_in_a_row += 1;
        history.last_error = Some((SystemTime::now(), text));
    }

    /// The same is sent again after a pause.
    pub(crate) fn will_retry(&self, refused: &Refused, pause: Duration) {
        self.retries.fetch_add(1, Relaxed);
        let name = &self.name;
        diagnostics::say(LogLevel::Warn, "Exporter.Export.Retried", name, || {
            format!("{name}: {}; it is sent again in {} ms", scrubbed(&refused.text), pause.as_millis())
        });
    }

    pub(crate) fn retries(&self) -> u64 {
        self.retries.load(Relaxed)
    }

    pub(crate) fn set_route(&self, route: &Arc<Route>) {
        // Once for each exporter.
        let _ = self.route.set(Arc::clone(route));
    }

    /// The receivers, if it has some of its own.
    pub(crate) fn route(&self) -> Option<&Route> {
        self.route.get().map(|route| &**route)
    }

    pub(crate) fn losses(&self) -> [u64; LOSSES.len()] {
        // In the order of the reasons.
        std::array::from_fn(|loss| self.losses[loss].load(Relaxed))
    }

    fn book_failure(&self, count: u64, failure: &Failure) {
        let text = failure.text();
        {
            let mut history = self.lock();
            let before = history.failed_in_a_row;
            if !matches!(failure, Failure::Shutdown(_)) {
                history.note(false);
            }
            // Its attempts were noted, or there was none.
            if matches!(failure, Failure::GivenUp { .. } | Failure::BacklogFull | Failure::Expired | Failure::Damaged) {
                history.failed_in_a_row = before;
            }
            history.last_error = Some((SystemTime::now(), text.clone()));
        }
        self.failed.fetch_add(count, Relaxed);
        self.losses[failure.loss()].fetch_add(count, Relaxed);
        let (name, signal) = (&self.name, self.signal);
        let is_said = diagnostics::say(LogLevel::Warn, failure.event(), name, || match count {
            0 => format!("{name}: {text}"),
            count => format!("{name}: {text}; {count} {signal} are lost"),
        });
        if is_said {
            self.told.fetch_add(count, Relaxed);
        }
    }

    /// Says at the end how many were lost, if that was not said of each.
    pub(crate) fn tell_rest(&self) {
        let (_, failed, _) = self.numbers();
        if failed <= self.told.load(Relaxed) {
            return;
        }
        let (name, signal) = (&self.name, self.signal);
        diagnostics::tell(LogLevel::Warn, "Exporter.Export.Lost", || {
            let reasons: Vec<_> = self.lost().iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            format!("{name}: {failed} {signal} were lost since the start: {}", reasons.join(", "))
        });
    }

    /// How many were exported, failed and were rejected.
    pub(crate) fn numbers(&self) -> (u64, u64, u64) {
        (self.exported.load(Acquire), self.failed.load(Relaxed), self.rejected.load(Relaxed))
    }

    /// Notes that an export is under way, until what comes back is dropped.
    pub(crate) fn exporting(&self) -> Under<'_> {
        let mut exporting = self.exporting.lock().unwrap_or_else(PoisonError::into_inner);
        let number = exporting.last().map_or(0, |(last, _)| last.wrapping_add(1));
        exporting.push((number, Instant::now()));
        Under { book: self, number }
    }

    /// Notes that the exporter's code has the thread, until what comes back is dropped.
    pub(crate) fn polling(&self) -> Since<'_> {
        Since::now(&self.polling, self.base)
    }

    /// How long the longest export that is under way has taken so far.
    pub(crate) fn busy_for(&self) -> Option<Duration> {
        let exporting = self.exporting.lock().unwrap_or_else(PoisonError::into_inner);
        exporting.iter().map(|(_, since)| since.elapsed()).max()
    }

    /// How long the exporter's code has kept its thread: the one that all exporters of spans and log records share, or the
    /// one of its reader.
    pub(crate) fn keeps_thread_for(&self) -> Option<Duration> {
        let since = self.polling.load(Relaxed);
        (since > 0).then(|| self.base.elapsed().saturating_sub(Duration::from_nanos(since)))
    }
}

/// Clears the note of an export.
pub(crate) struct Under<'a> {
    book: &'a Book,
    number: u64,
}

impl Drop for Under<'_> {
    fn drop(&mut self) {
        let mut exporting = self.book.exporting.lock().unwrap_or_else(PoisonError::into_inner);
        exporting.retain(|(number, _)| *number != self.number);
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
