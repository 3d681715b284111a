//! What became of the spans, in numbers.

use crate::export::delivery::{MemberNumbers, Route};
use crate::export::{Book, BreakerState, LOSSES, Signal};
use crate::record::{self, COUNTERS};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

/// What became of the spans since the pipeline started.
///
/// Once everything is flushed, and for each exporter of spans:
/// `started = open + dropped() + exported + failed + rejected + pending + buffered`. While spans are on their way, what is
/// missing is in the queue, and what has just arrived may still be `pending`, too. Once the pipeline has ended, nothing is pending but what a disk has that hangs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Spans that began: those that are recorded, and those of traces that were refused. Spans that the sampler did not want
    /// are no spans here.
    pub started: u64,
    /// Spans that have begun and not ended. After a shutdown they will not be exported any more.
    pub open: u64,
    /// Not recorded because their trace began while the queue was more than half full, so that the traces that were
    /// exported are whole.
    pub dropped_refused: u64,
    /// Dropped because the queue was full: the exporters were slower than the application.
    pub dropped_queue_full: u64,
    /// Dropped because one span was larger than 256 KiB.
    pub dropped_too_large: u64,
    /// Ended after the pipeline was shut down.
    pub dropped_after_shutdown: u64,
    /// Made or ended while their thread was already being torn down.
    pub dropped_thread_gone: u64,
    /// Made by a traced allocator while it worked for us.
    pub dropped_in_allocator: u64,
    /// Of traces that [tail sampling](crate::config::TailSampling) did not keep.
    pub dropped_by_tail_sampling: u64,
    /// Traces that tail sampling decided before they were over, because those that it held back took too much memory.
    pub tail_overflows: u64,
    /// The exporters of spans, in the order they were configured, after them those of log records, and then those of metrics.
    pub exporters: Vec<ExporterStats>,
}

/// What became of the spans, the log records or the data points of metrics that were handed to one exporter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExporterStats {
    /// The exporter: its type's name, or `otlp` with protocol and endpoint.
    pub name: String,
    /// What it sends, and what the numbers below count.
    pub signal: Signal,
    /// Spans, log records or data points that arrived.
    pub exported: u64,
    /// Those that are lost: their export failed for good. [`lost`](Self::lost) says why.
    pub failed: u64,
    /// Those that the receiver refused although it took their batch.
    pub rejected: u64,
    /// Those that wait in memory, be it for their first attempt or for another. Of metrics none: what a reader has collected
    /// is not kept for later.
    pub pending: u64,
    /// Those that wait in the [disk buffer](crate::config::DiskBuffer), without what earlier processes left there. They are
    /// still there when the process has ended.
    pub buffered: u64,
    /// Those that earlier processes left in the disk buffer, and that arrived now; they are not among `exported`.
    pub replayed: u64,
    /// Those that earlier processes left in the disk buffer, and that still wait.
    pub left_by_others: u64,
    /// Those that earlier processes left in the disk buffer, and that are lost: refused, rejected, expired, damaged, or
    /// stored in an encoding that the exporter does not send any more.
    pub lost_of_others: u64,
    /// Bytes in the disk buffer that could not be read as anything.
    pub damaged_bytes: u64,
    /// Those that may have arrived twice, because a process ended while they were on their way; they are counted where they
    /// arrived, too.
    pub sent_again: u64,
    /// How often no receiver could take a batch that is then sent again. The one for which it waits now is among them.
    pub retries: u64,
    /// How many of `failed` were lost for each reason: `refused` by the receiver for good; `timeout`, of exporters that
    /// are not sent to again; `shut_down`, because there was no time for them any more; `panicked`; `backlog_full`, without
    /// room to wait; `given_up`, with their [retries](crate::config::Retry) used up; `expired` in the disk buffer; `damaged` there.
    pub lost: Vec<(&'static str, u64)>,
    /// The receivers, if it sends by OTLP or to Zipkin, in the order in which they are preferred.
    pub receivers: Vec<ReceiverStats>,
    /// How often another of the receivers took over.
    pub switches: u64,
    /// The latest failure or refusal, as a sentence.
    pub last_error: Option<String>,
}

/// What became of what was sent to one receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiverStats {
    /// Its protocol and endpoint.
    pub name: String,
    /// Whether everything is sent to it.
    pub breaker: BreakerState,
    /// Spans, log records or data points that it took.
    pub exported: u64,
    /// Requests that were sent to it.
    pub attempts: u64,
    /// Those of them that failed or were refused.
    pub failed_attempts: u64,
    /// Whether it is the one that took something last.
    pub is_current: bool,
}

impl Stats {
    /// Spans that began and ended and were handed to no exporter.
    pub fn dropped(&self) -> u64 {
        self.dropped_refused
            + self.dropped_queue_full
            + self.dropped_too_large
            + self.dropped_after_shutdown
            + self.dropped_thread_gone
            + self.dropped_in_allocator
            + self.dropped_by_tail_sampling
    }
}

impl fmt::Display for Stats {
    /// One line a destination: `otlp http/protobuf http://localhost:4318/v1/traces: 41 exported`, for log records
    /// `otlp http/protobuf http://localhost:4318/v1/logs: 2 log records exported`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, exporter) in self.exporters.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {} ", exporter.name, exporter.exported)?;
            if exporter.signal != Signal::Spans {
                write!(f, "{} ", exporter.signal)?;
            }
            f.write_str("exported")?;
            for (count, what) in [
                (exporter.failed, "failed"),
                (exporter.rejected, "rejected"),
                (exporter.pending, "pending"),
                (exporter.buffered, "buffered on disk"),
                (exporter.replayed, "of earlier processes exported"),
                (exporter.left_by_others, "of earlier processes buffered on disk"),
                (exporter.lost_of_others, "of earlier processes lost"),
            ] {
                if count > 0 {
                    write!(f, ", {count} {what}")?;
                }
            }
            if let Some(error) = &exporter.last_error {
                write!(f, ": {error}")?;
            }
        }
        let lost = self.dropped() - self.dropped_by_tail_sampling;
        if lost > 0 {
            write!(f, "\n{lost} spans dropped before export")?;
        }
        Ok(())
    }
}

/// Not everything was handed to the exporters in time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimedOut {
    /// How long was waited.
    pub after: Duration,
    /// What had become of the spans by then.
    pub stats: Box<Stats>,
    /// What was not handed over: `spans`, or `metrics` if it was only these.
    pub(super) what: &'static str,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the exporters did not take all {} within {:?}", self.what, self.after)
    }
}

impl std::error::Error for TimedOut {}

impl ExporterStats {
    pub(crate) fn of(book: &Book) -> Self {
        // First: what does not wait any more is in one of the other numbers already.
        let (pending, buffered) = (book.pending.load(Acquire), book.buffered.load(Acquire));
        let left_by_others = book.left_by_others.load(Acquire);
        let (exported, failed, rejected) = book.numbers();
        let last_error = book.history().last_error.map(|(_, text)| text);
        let lost = LOSSES.into_iter().zip(book.losses()).filter(|(_, count)| *count > 0).collect();
        Self {
            name: book.name.clone(),
            signal: book.signal,
            exported,
            failed,
            rejected,
            pending,
            buffered,
            replayed: book.replayed.load(Relaxed),
            left_by_others,
            lost_of_others: book.lost_of_others.load(Relaxed),
            damaged_bytes: book.damaged_bytes.load(Relaxed),
            sent_again: book.sent_again.load(Relaxed),
            retries: book.retries(),
            lost,
            receivers: book
                .route()
                .map(Route::numbers)
                .unwrap_or_default()
                .into_iter()
                .map(ReceiverStats::of)
                .collect(),
            switches: book.route().map_or(0, Route::switches),
            last_error,
        }
    }
}

impl ReceiverStats {
    fn of(member: MemberNumbers) -> Self {
        let MemberNumbers { name, state, exported, attempts, failed_attempts, is_current } = member;
        Self { name, breaker: state, exported, attempts, failed_attempts, is_current }
    }
}

pub(super) fn stats(books: &[Arc<Book>]) -> Stats {
    // Before the numbers of the threads, so that never more was exported than has ended.
    let mut exporters: Vec<_> = books.iter().map(|book| ExporterStats::of(book)).collect();
    exporters.sort_by_key(|exporter| exporter.signal != Signal::Spans);
    let (before, totals) = record::totals();
    let refused = totals.refused - before.refused;
    Stats {
        started: totals.started - before.ended + refused,
        open: totals.started.saturating_sub(totals.ended),
        dropped_refused: refused,
        dropped_queue_full: COUNTERS.queue_full.load(Relaxed),
        dropped_too_large: COUNTERS.too_large.load(Relaxed),
        dropped_after_shutdown: COUNTERS.after_shutdown.load(Relaxed),
        dropped_thread_gone: COUNTERS.thread_gone.load(Relaxed),
        dropped_in_allocator: COUNTERS.allocator.load(Relaxed),
        dropped_by_tail_sampling: COUNTERS.tail.load(Relaxed),
        tail_overflows: COUNTERS.tail_overflow.load(Relaxed),
        exporters,
    }
}
