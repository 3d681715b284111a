//! Each exporter's own row of batches, so that one that is slow, hangs or panics holds up no other.

mod buffered;
mod direct;
mod routed;
#[cfg(test)]
mod tests;

use crate::config::{Batching, CircuitBreaker, Retry};
use crate::export::buffer::Log;
use crate::export::delivery::{self, Delivery, Receiver, Stop, Turn, Turns};
use crate::export::{Accepted, Batch, Book, Exporter, Failure, Signal};
use crate::record::QUEUE;
use buffered::Buffered;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What a batch takes besides itself while it waits to be sent again: mostly its task.
const TASK: usize = 4 << 10;

/// Why a batch is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It is full, or it is time.
    Due,
    /// Somebody flushes: for what threads have there is as much room again.
    Flush,
    /// The pipeline ends. What is left is no more than what the queue and the threads held.
    End,
}

/// What takes batches.
#[derive(Debug)]
pub(super) enum Target {
    /// An exporter that does everything itself, one batch at a time.
    Direct(Arc<dyn Exporter>),
    /// Receivers of encoded requests, of which the first that works gets each.
    Receivers(Signal, Vec<Arc<dyn Receiver>>),
}

impl Target {
    /// The name in [`Stats`](crate::Stats).
    pub(super) fn name(&self) -> String {
        match self {
            Self::Direct(exporter) => exporter.name(),
            Self::Receivers(_, receivers) => delivery::name(receivers),
        }
    }

    pub(super) fn signal(&self) -> Signal {
        match self {
            Self::Direct(exporter) => exporter.signal(),
            Self::Receivers(signal, _) => *signal,
        }
    }
}

/// The collector's side of an exporter.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) book: Arc<Book>,
    pub(super) turns: Arc<Turns>,
    /// Bytes of batches that wait here, and how many may.
    pending: AtomicUsize,
    room: usize,
    /// What the collector made of it when it last looked.
    seen: Mutex<Seen>,
    /// What each takes beside its records.
    each: usize,
    jobs: mpsc::UnboundedSender<Job>,
}

/// What the collector knows of a lane.
#[derive(Debug, Default)]
struct Seen {
    /// It has no room for what comes next.
    is_closed: bool,
    /// Since when it has had none.
    full_since: Option<Instant>,
    /// It had none for so long that others do not wait for it any more.
    is_given_up: bool,
}

/// How long others wait for an exporter without room: one that works has some again soon.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether an exporter takes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Some,
    /// Perhaps soon; others wait until then.
    Until(Instant),
    None,
}

/// The side of the export thread.
#[derive(Debug)]
pub(super) struct Work {
    lane: Arc<Lane>,
    target: Worker,
    jobs: mpsc::UnboundedReceiver<Job>,
}

#[derive(Debug)]
enum Worker {
    Direct(Arc<dyn Exporter>, Duration),
    Routed(Signal, Arc<Delivery>),
    Buffered(Buffered),
}

/// One batch for one exporter. Dropped without having been booked, it counts as not tried.
#[derive(Debug)]
struct Job {
    batch: Arc<Batch>,
    share: u64,
    lane: Arc<Lane>,
    turn: Turn,
    is_booked: bool,
}

/// What a lane is made of.
pub(super) struct Supplies<'a> {
    pub(super) target: Target,
    pub(super) book: Arc<Book>,
    pub(super) batching: &'a Batching,
    pub(super) retry: &'a Retry,
    pub(super) breaker: &'a CircuitBreaker,
    /// Where batches for receivers wait, if not in memory.
    pub(super) log: Option<Log>,
    pub(super) stop: Stop,
}

/// Both sides of a lane.
pub(super) fn open(supplies: Supplies<'_>) -> (Arc<Lane>, Work) {
    let Supplies { target, book, batching, retry, breaker, log, stop } = supplies;
    let (sender, jobs) = mpsc::unbounded_channel();
    // Where nothing is sent again, what waits for its turn needs no more room than the queue.
    let (room, each) = match &target {
        Target::Receivers(..) if !retry.max_elapsed.is_zero() => (retry.max_pending_bytes, TASK),
        Target::Receivers(..) | Target::Direct(_) => (batching.max_bytes(), 0),
    };
    let lane = Arc::new(Lane {
        book: Arc::clone(&book),
        turns: Arc::new(Turns::new()),
        pending: AtomicUsize::new(0),
        room: room.max(1),
        seen: Mutex::default(),
        each,
        jobs: sender,
    });
    let target = match target {
        Target::Direct(exporter) => Worker::Direct(exporter, batching.export_timeout),
        Target::Receivers(signal, receivers) => {
            let delivery = Arc::new(Delivery::new(receivers, retry, breaker, book, stop));
            match log {
                Some(log) => {
                    let syncs_by_time = log.syncs_by_time();
                    let (log, turns) = (Arc::new(Mutex::new(log)), Arc::clone(&lane.turns));
                    Worker::Buffered(Buffered { signal, delivery, log, turns, syncs_by_time })
                }
                None => Worker::Routed(signal, delivery),
            }
        }
    };
    let work = Work { lane: Arc::clone(&lane), target, jobs };
    (lane, work)
}

impl Lane {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for a batch.
    pub(super) fn room(&self) -> Room {
        let (pending, mut seen) = (self.pending.load(Relaxed), self.seen());
        if pending < self.room {
            seen.full_since = None;
            // One that has just got rid of a single batch is not well yet.
            seen.is_given_up &= pending > self.room / 2;
            return Room::Some;
        }
        let until = *seen.full_since.get_or_insert_with(Instant::now) + PATIENCE;
        seen.is_given_up |= until <= Instant::now();
        if seen.is_given_up { Room::None } else { Room::Until(until) }
    }

    /// Decides whether it takes what is handed over from now on.
    pub(super) fn look_for_room(&self, why: Why) {
        let room = match why {
            Why::Due => self.room,
            Why::Flush => self.room.saturating_mul(2),
            Why::End => usize::MAX,
        };
        self.seen().is_closed = self.pending.load(Relaxed) >= room;
    }

    /// Hands the batch over, if it holds something for the exporter; one that had no room loses it.
    pub(super) fn offer(self: &Arc<Self>, batch: &Arc<Batch>) {
        let share = match self.book.signal {
            Signal::Spans => batch.spans,
            Signal::Logs => batch.log_records(),
            // Metrics are read and exported on threads of their own.
            Signal::Metrics => 0,
        };
        if share == 0 {
            return;
        }
        self.book.hand(share);
        if self.seen().is_closed {
            self.book.book(share, Err(Failure::BacklogFull));
            return;
        }
        self.pending.fetch_add(batch.bytes() + self.each, Relaxed);
        self.book.pending.fetch_add(share, Relaxed);
        let job =
            Job { batch: Arc::clone(batch), share, lane: Arc::clone(self), turn: self.turns.begin(), is_booked: false };
        // If nobody takes it, it is booked where it is dropped.
        let _ = self.jobs.send(job);
    }
}

impl Job {
    fn book(mut self, result: Result<Accepted, Failure>) {
        self.is_booked = true;
        self.lane.book.book(self.share, result);
    }
}

impl Job {
    /// The batch is in the disk buffer, and counted there.
    fn leave_to_log(mut self) {
        self.is_booked = true;
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let lane = &self.lane;
        if !self.is_booked {
            lane.book.book(self.share, Err(Failure::NotTried));
        }
        // After it was booked, for who waits until nothing is pending.
        lane.book.pending.fetch_sub(self.share, Release);
        let bytes = self.batch.bytes() + lane.each;
        let before = lane.pending.fetch_sub(bytes, Relaxed);
        if before >= lane.room && before - bytes < lane.room {
            QUEUE.has_room_again();
        }
    }
}

impl Work {
    /// Takes batches until the pipeline has ended; then ends the exporter. To be polled on the export thread.
    pub(super) async fn run(self, stop: Stop) {
        let Self { lane, target, jobs } = self;
        match target {
            Worker::Direct(exporter, timeout) => direct::work(exporter, &lane.book, jobs, stop, timeout).await,
            Worker::Routed(signal, delivery) => routed::work(signal, delivery, jobs, stop).await,
            Worker::Buffered(buffered) => buffered::work(buffered, jobs, stop).await,
        }
    }

    /// Whether it has a disk buffer.
    pub(super) fn has_log(&self) -> bool {
        matches!(self.target, Worker::Buffered(_))
    }

    /// The exporter that has to be told of the end.
    pub(super) fn exporter(&self) -> Option<(Arc<dyn Exporter>, Arc<Book>)> {
        match &self.target {
            Worker::Direct(exporter, _) => Some((Arc::clone(exporter), Arc::clone(&self.lane.book))),
            Worker::Routed(..) | Worker::Buffered(_) => None,
        }
    }
}
