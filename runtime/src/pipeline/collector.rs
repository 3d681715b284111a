//! The thread that takes finished spans from everybody else and hands them to the exporters. It never waits for one: when
//! none has room, spans stay in the queue.

use super::drops::Drops;
use super::exporting::{Begun, Exporting};
use super::guard::Lease;
use super::lanes::{self, Lane, Room, Target, Why};
use super::load::Load;
use crate::clock::{self, Anchor, Clock};
use crate::config::{Batching, CircuitBreaker, Retry};
use crate::export::buffer::Log;
use crate::export::delivery::Stop;
use crate::export::{Batch, Book, Signal};
use crate::record::capture::Tap;
use crate::record::{self, Held, Holding, QUEUE};
use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(super) struct Collector {
    resource: Arc<Resource>,
    rows: Vec<Row>,
    clock: Clock,
    drops: Arc<Drops>,
    load: Load,
    /// Traces that are not decided yet.
    holding: Holding,
    /// Taken once for all batches that are exported together, so that their spans lie right beside each other.
    anchor: Option<Anchor>,
}

/// Exporters whose batches are the same.
struct Row {
    batching: Batching,
    lanes: Vec<Arc<Lane>>,
    /// Records that do not fill a batch yet.
    words: Vec<u64>,
    spans: u64,
    /// When what there is then is exported.
    schedule: Instant,
}

impl Row {
    fn new(batching: Batching) -> Self {
        let schedule = clock::instant_after(delay(&batching));
        Self { batching, lanes: Vec::new(), words: Vec::new(), spans: 0, schedule }
    }

    fn is_full(&self) -> bool {
        // Large spans make a batch sooner, or what waits here would be bounded by nothing but their number.
        let bytes = self.words.len() * 8;
        self.spans >= self.batching.max_export_batch_size as u64 || bytes >= self.batching.max_bytes()
    }
}

/// A flush for which not everything could be handed over yet.
struct Flushing {
    number: u64,
    /// How much of what was in the queue when it began is still there.
    chunks: usize,
    /// What waits for its next attempt may be in the way of what waits for room: whether it was tried.
    tried: Option<Arc<AtomicBool>>,
}

impl Flushing {
    /// Whether nothing is left to be done for it: all was taken, or there is no room although everything was tried.
    fn is_over(&mut self, taken: usize, exporting: &Exporting) -> bool {
        self.chunks = self.chunks.saturating_sub(taken).min(QUEUE.len());
        if self.chunks == 0 {
            return true;
        }
        let tried = self.tried.get_or_insert_with(|| exporting.try_all());
        tried.load(Relaxed) && taken == 0
    }
}

/// What was taken from the queue.
struct Drained {
    /// How many chunks.
    taken: usize,
    /// Whether that was all that was there.
    is_empty: bool,
}

/// How often spans are fetched for those who do not want to wait for them: waking more often would cost more than it shows.
const SOON: Duration = Duration::from_millis(10);

/// A thread that holds back a trace for longer hands it over.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

fn delay(batching: &Batching) -> Duration {
    if batching.schedule_delay.is_zero() { SOON } else { batching.schedule_delay }
}

/// An exporter, its numbers, its batching, and the log in which its batches wait, if they wait on disk.
pub(super) struct Supplied {
    pub(super) target: Target,
    pub(super) book: Arc<Book>,
    pub(super) batching: Batching,
    pub(super) log: Option<Log>,
}

/// What a collector needs that is not its own.
pub(super) struct Supplies {
    pub(super) batching: Batching,
    pub(super) retry: Retry,
    pub(super) breaker: CircuitBreaker,
    pub(super) resource: Arc<Resource>,
    pub(super) exporters: Vec<Supplied>,
    pub(super) stop: Stop,
    pub(super) drops: Arc<Drops>,
}

/// Says that the collector is gone, however it went.
struct Stopped(Arc<Lease>);

impl Drop for Stopped {
    fn drop(&mut self) {
        QUEUE.stopped();
        self.0.ended();
    }
}

/// Starts the thread, and the one on which exporters run.
pub(super) fn spawn(supplies: Supplies, lease: Arc<Lease>) -> io::Result<JoinHandle<()>> {
    let Supplies { batching, retry, breaker, resource, exporters, stop, drops } = supplies;
    // Without an exporter spans are fetched all the same, and counted.
    let mut rows = vec![Row::new(batching)];
    let (mut all, mut work) = (Vec::new(), Vec::new());
    for Supplied { target, book, batching, log } in exporters {
        let (retry, breaker, stop) = (&retry, &breaker, stop.clone());
        let (lane, its) = lanes::open(lanes::Supplies { target, book, batching: &batching, retry, breaker, log, stop });
        all.push(Arc::clone(&lane));
        work.push(its);
        match rows.iter_mut().find(|row| row.batching == batching) {
            Some(row) => row.lanes.push(lane),
            None => {
                let mut row = Row::new(batching);
                row.lanes.push(lane);
                rows.push(row);
            }
        }
    }
    if rows.len() > 1 {
        rows.retain(|row| !row.lanes.is_empty());
    }
    let books = all.iter().map(|lane| Arc::clone(&lane.book)).collect();
    let exporting = Exporting::start(all, work, stop)?;
    let (begun, has_begun) = Begun::new();
    let thread = std::thread::Builder::new().name("otelier-collector".to_owned()).spawn(move || {
        drop(begun);
        // Ends last, after the exporters: the place is not free while one of them hangs.
        let _stopped = Stopped(lease);
        let (clock, load) = (Clock::start(), Load::new(books));
        let holding = Holding::default();
        Collector { resource, rows, clock, drops, load, holding, anchor: None }.run(exporting);
    })?;
    has_begun.wait();
    Ok(thread)
}

impl Collector {
    fn run(mut self, exporting: Exporting) {
        record::never_here();
        // Sinks and samplers of the user run here; nothing they do is traced.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let mut flushing = None::<Flushing>;
        loop {
            let (has_room, patience) = self.room();
            let schedules = self.rows.iter().map(|row| row.schedule).chain(self.load.next()).chain(patience);
            let schedule = schedules.min().unwrap_or_else(Instant::now);
            let wake = QUEUE.wait(schedule, has_room, flushing.is_some());
            self.anchor = None;
            let now = Instant::now();
            if let Some(number) = wake.flush {
                flushing = Some(Flushing { number, chunks: QUEUE.len(), tried: None });
            }
            let why = match (wake.stop, &flushing) {
                (Some(_), _) => Why::End,
                (None, Some(_)) => Why::Flush,
                (None, None) => Why::Due,
            };
            // A full batch in the queue is exported at once; idle threads' spans wait for the schedule.
            let all = why != Why::Due;
            let due: Vec<usize> = (0..self.rows.len()).filter(|row| all || self.rows[*row].schedule <= now).collect();
            let Drained { taken, .. } = self.drain_queue(why);
            if self.holding.is_pressed() && self.room().0 {
                self.drain_threads(why);
            }
            for row in &due {
                self.rows[*row].schedule = clock::instant_after(delay(&self.rows[*row].batching));
            }
            let is_over = flushing.as_mut().is_some_and(|flushing| flushing.is_over(taken, &exporting));
            // Without room spans stay where they are: the queue then refuses traces as wholes, and counts.
            if !due.is_empty() && (why == Why::End || is_over || self.room().0) {
                self.drain_threads(why);
                self.holding.look(now, why == Why::End);
                self.take_released();
                due.iter().for_each(|row| self.export(*row));
            }
            // Before whoever waits for a flush goes on, and may change the level.
            record::tell_refusals();
            if let Some(flushing) = flushing.take_if(|_| is_over || why == Why::End) {
                exporting.flush(flushing.number);
            }
            self.drops.look(!due.is_empty());
            if wake.stop.is_some() || exporting.is_gone() {
                break;
            }
        }
        exporting.finish();
        self.drops.tell_rest();
    }

    /// Whether there is room for what comes next, and if not, how long to wait for it at most. One exporter that has none for
    /// long must not keep others from what they have room for.
    fn room(&self) -> (bool, Option<Instant>) {
        let mut until = None::<Instant>;
        // Log records are made of spans; exporters that get few of them always have room.
        let (mut has_spans, mut has_room, mut are_there) = (false, [false; 2], false);
        for lane in self.rows.iter().flat_map(|row| &row.lanes) {
            let is_of_spans = lane.book.signal == Signal::Spans;
            has_spans |= is_of_spans;
            are_there = true;
            match lane.room() {
                Room::Some => has_room[usize::from(is_of_spans)] = true,
                Room::Until(end) => until = Some(until.map_or(end, |until| until.max(end))),
                Room::None => {}
            }
        }
        (!are_there || until.is_none() && has_room[usize::from(has_spans)], until)
    }

    /// Decides who gets the next batches: what is taken together goes to all who have room for the first of it.
    fn look_for_room(&self, why: Why) {
        self.rows.iter().flat_map(|row| &row.lanes).for_each(|lane| lane.look_for_room(why));
    }

    /// Takes what is in the queue now, as long as there is room; at the end in any case. Not what comes while it does, which
    /// under an overload would have no end.
    fn drain_queue(&mut self, why: Why) -> Drained {
        self.load.look();
        let there = QUEUE.len();
        for taken in 0..there {
            if why != Why::End && !self.room().0 {
                return Drained { taken, is_empty: false };
            }
            self.look_for_room(why);
            // In here, too, because this may take long.
            self.load.look();
            // A statement of its own, so that the tap is not open while a batch is exported.
            let popped = Tap::open().pop();
            let Some(full) = popped else { return Drained { taken, is_empty: true } };
            full.chunk.read(full.from, |words| self.take(words));
            QUEUE.recycle(full.chunk);
        }
        Drained { taken: there, is_empty: true }
    }

    fn drain_threads(&mut self, why: Why) {
        self.drain_threads_once(why);
        if self.holding.awaits_others() {
            // A span that ended before its trace did lies with a thread that was looked at earlier, or not at all.
            let ended = self.holding.ended();
            // Or it is in the queue, for which there was no room: then the trace waits.
            if self.drain_threads_once(why) {
                self.holding.decide_ended(ended, Instant::now());
                self.take_released();
            }
        }
    }

    /// Whether all of the queue was taken, too.
    fn drain_threads_once(&mut self, why: Why) -> bool {
        // What a thread holds back for longer might be in the way of other traces, and of those that a flush is for.
        let steal = match why {
            Why::Due => clock::now().saturating_sub(clock::ticks_in(LONGEST_HOLD)),
            Why::Flush | Why::End => u64::MAX,
        };
        // Threads are held up only while their words are copied, not while they are exported.
        let mut words = Vec::new();
        {
            let mut tap = Tap::open();
            record::collect_from_threads(steal, |new| {
                tap.words(new);
                words.extend_from_slice(new);
                record::count_records(new)
            });
        }
        // A thread may have handed over a chunk in between; its spans are older than what it has now.
        let is_empty = self.drain_queue(why).is_empty;
        self.look_for_room(why);
        self.take(&words);
        is_empty
    }

    /// Adds records to the batches, and exports each whenever it is full.
    fn take(&mut self, mut words: &[u64]) {
        self.load.saw(words);
        let now = Instant::now();
        while let Some((record, rest)) = record::split_record(words) {
            words = rest;
            if self.holding.take(record, now) == Held::Not {
                self.add(record);
            }
        }
        self.take_released();
    }

    /// Adds what tail sampling has let go.
    fn take_released(&mut self) {
        let released = self.holding.released();
        let mut words = &released[..];
        while let Some((record, rest)) = record::split_record(words) {
            words = rest;
            self.add(record);
        }
    }

    fn add(&mut self, record: &[u64]) {
        for number in 0..self.rows.len() {
            let row = &mut self.rows[number];
            row.words.extend_from_slice(record);
            row.spans += 1;
            if row.is_full() {
                self.export(number);
            }
        }
    }

    /// Hands a row's batch to each of its exporters.
    fn export(&mut self, row: usize) {
        let row = &mut self.rows[row];
        if row.spans == 0 {
            return;
        }
        let batch = Arc::new(Batch {
            words: std::mem::take(&mut row.words),
            spans: std::mem::take(&mut row.spans),
            anchor: *self.anchor.get_or_insert_with(|| self.clock.anchor()),
            resource: Arc::clone(&self.resource),
        });
        row.lanes.iter().for_each(|lane| lane.offer(&batch));
    }
}
