//! The thread that takes finished spans from everybody else and hands them to the exporters.

use super::deliver::{Lane, RESERVE, Stop};
use super::drops::Drops;
use super::guard::Lease;
use super::load::Load;
use crate::clock::{self, Anchor, Clock};
use crate::config::Batching;
use crate::export::{Batch, Book, Exporter};
use crate::record::capture::Tap;
use crate::record::{self, QUEUE};
use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

pub(super) struct Collector {
    resource: Arc<Resource>,
    rows: Vec<Row>,
    clock: Clock,
    /// When everything must be over, once the pipeline shuts down.
    stop: Stop,
    /// Batches that were still on their way when the shutdown began, or that it put on their way.
    on_the_way: Vec<mpsc::Receiver<()>>,
    drops: Arc<Drops>,
    load: Load,
    /// Taken once for all batches that are exported together, so that their spans lie right beside each other.
    anchor: Option<Anchor>,
}

/// Exporters whose batches are the same.
struct Row {
    batching: Batching,
    lanes: Vec<Lane>,
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

/// How often spans are fetched for those who do not want to wait for them: waking more often would cost more than it shows.
const SOON: Duration = Duration::from_millis(10);

fn delay(batching: &Batching) -> Duration {
    if batching.schedule_delay.is_zero() { SOON } else { batching.schedule_delay }
}

/// An exporter, its numbers and its batching.
pub(super) type Supplied = (Arc<dyn Exporter>, Arc<Book>, Batching);

/// What a collector needs that is not its own.
pub(super) struct Supplies {
    pub(super) batching: Batching,
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

/// A runtime whose end nobody waits for: looking a name up cannot be stopped, and would be waited for past every deadline.
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// Starts the thread.
pub(super) fn spawn(supplies: Supplies, lease: Arc<Lease>) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("otelier-collector".to_owned()).spawn(move || {
        // Ends last, after the exporters: the place is not free while one of them hangs.
        let _stopped = Stopped(lease);
        let background = Background(Some(runtime));
        if let Some(runtime) = &background.0 {
            Collector::new(supplies, runtime).run(runtime);
        }
    })
}

impl Collector {
    fn new(supplies: Supplies, runtime: &Runtime) -> Self {
        let Supplies { batching, resource, exporters, stop, drops } = supplies;
        // Without an exporter spans are fetched all the same, and counted.
        let mut rows = vec![Row::new(batching)];
        for (exporter, book, batching) in exporters {
            let lane = Lane::open(exporter, book, batching.export_timeout, stop.clone(), runtime);
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
        Self {
            resource,
            rows,
            clock: Clock::start(),
            stop,
            on_the_way: Vec::new(),
            drops,
            load: Load::new(),
            anchor: None,
        }
    }

    fn run(mut self, runtime: &Runtime) {
        record::never_here();
        // Nothing that exporters do is traced, or exporting would make spans to export.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        loop {
            let schedules = self.rows.iter().map(|row| row.schedule).chain(self.load.next());
            let wake = QUEUE.wait(schedules.min().unwrap_or_else(Instant::now));
            self.anchor = None;
            let now = Instant::now();
            // A full batch in the queue is exported at once; idle threads' spans wait for the schedule.
            let all = wake.stop.is_some() || wake.flush.is_some();
            let due: Vec<usize> = (0..self.rows.len()).filter(|row| all || self.rows[*row].schedule <= now).collect();
            self.drain_queue(runtime);
            if !due.is_empty() {
                for row in &due {
                    self.rows[*row].schedule = clock::instant_after(delay(&self.rows[*row].batching));
                }
                self.drain_threads(runtime);
                due.into_iter().for_each(|row| self.export(row, runtime));
                if wake.stop.is_some() {
                    self.finish(runtime);
                }
                // What a shutdown has interrupted is not flushed yet; the next round does that.
                if self.on_the_way.is_empty() {
                    wake.flush.into_iter().for_each(|flush| QUEUE.flushed(flush));
                }
                self.drops.look(true);
            } else {
                self.drops.look(false);
            }
            if wake.stop.is_some() {
                break;
            }
        }
        for lane in self.rows.iter().flat_map(|row| &row.lanes) {
            lane.shutdown(self.time_left(Duration::from_secs(1)));
        }
        self.drops.tell_rest();
    }

    fn drain_queue(&mut self, runtime: &Runtime) {
        loop {
            // In here, because under an overload this may have no end.
            self.load.look();
            // A statement of its own, so that the tap is not open while a batch is exported.
            let popped = Tap::open().pop();
            let Some(full) = popped else { break };
            full.chunk.read(full.from, |words| self.take(words, runtime));
            QUEUE.recycle(full.chunk);
        }
    }

    fn drain_threads(&mut self, runtime: &Runtime) {
        // Threads are held up only while their words are copied, not while they are exported.
        let mut words = Vec::new();
        {
            let mut tap = Tap::open();
            record::collect_from_threads(|new| {
                tap.words(new);
                words.extend_from_slice(new);
                record::count_records(new)
            });
        }
        // A thread may have handed over a chunk in between; its spans are older than what it has now.
        self.drain_queue(runtime);
        self.take(&words, runtime);
    }

    /// Adds records to the batches, and exports each whenever it is full.
    fn take(&mut self, mut words: &[u64], runtime: &Runtime) {
        while let Some((record, rest)) = record::split_record(words) {
            words = rest;
            for number in 0..self.rows.len() {
                let row = &mut self.rows[number];
                row.words.extend_from_slice(record);
                row.spans += 1;
                if row.is_full() {
                    self.export(number, runtime);
                }
            }
        }
    }

    /// How long something that usually takes `usual` may take now.
    fn time_left(&self, usual: Duration) -> Duration {
        match *self.stop.borrow() {
            Some(deadline) => usual.min(deadline.saturating_duration_since(Instant::now()).saturating_sub(RESERVE)),
            None => usual,
        }
    }

    /// Sends a row's batch to each of its exporters at the same time, and waits for all, unless the pipeline shuts down.
    fn export(&mut self, row: usize, runtime: &Runtime) {
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
        let (done, mut all_done) = mpsc::channel(1);
        row.lanes.iter().for_each(|lane| lane.send(&batch, &done));
        drop((batch, done));
        // An exporter that hangs must not use up the time of the others: from the shutdown on nobody is waited for until
        // everybody has everything. That is no more than what the queue and the threads held.
        let stop = &mut self.stop;
        let is_done = runtime.block_on(async {
            let mut stopping = std::pin::pin!(stop.wait_for(Option::is_some));
            std::future::poll_fn(|cx| {
                if all_done.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(true);
                }
                stopping.as_mut().poll(cx).map(|_| false)
            })
            .await
        });
        if !is_done {
            self.on_the_way.push(all_done);
        }
    }

    /// Waits for the batches that are on their way, until the time is over.
    fn finish(&mut self, runtime: &Runtime) {
        // The exporters are cut off before; what they do then still has to be booked.
        let ends = self.stop.borrow().map(|deadline| deadline.checked_sub(RESERVE / 2).unwrap_or(deadline));
        let waiting = std::mem::take(&mut self.on_the_way);
        runtime.block_on(async move {
            for mut all_done in waiting {
                match ends {
                    Some(ends) => _ = tokio::time::timeout_at(ends.into(), all_done.recv()).await,
                    None => _ = all_done.recv().await,
                }
            }
        });
    }
}
