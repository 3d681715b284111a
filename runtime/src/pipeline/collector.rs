//! The thread that takes finished spans from everybody else and hands them to the exporters.

use super::deliver::{Lane, RESERVE, Stop};
use super::drops::Drops;
use super::guard::Lease;
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
    batching: Batching,
    resource: Arc<Resource>,
    lanes: Vec<Lane>,
    clock: Clock,
    /// Records that do not fill a batch yet.
    words: Vec<u64>,
    spans: u64,
    /// When everything must be over, once the pipeline shuts down.
    stop: Stop,
    /// Batches that were still on their way when the shutdown began, or that it put on their way.
    on_the_way: Vec<mpsc::Receiver<()>>,
    drops: Arc<Drops>,
    /// Taken once for all batches that are exported together, so that their spans lie right beside each other.
    anchor: Option<Anchor>,
}

/// What a collector needs that is not its own.
pub(super) struct Supplies {
    pub(super) batching: Batching,
    pub(super) resource: Arc<Resource>,
    pub(super) exporters: Vec<(Arc<dyn Exporter>, Arc<Book>)>,
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
        let open = |(exporter, book)| Lane::open(exporter, book, batching.export_timeout, stop.clone(), runtime);
        Self {
            lanes: exporters.into_iter().map(open).collect(),
            batching,
            resource,
            clock: Clock::start(),
            words: Vec::new(),
            spans: 0,
            stop,
            on_the_way: Vec::new(),
            drops,
            anchor: None,
        }
    }

    fn run(mut self, runtime: &Runtime) {
        record::never_here();
        // Nothing that exporters do is traced, or exporting would make spans to export.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let mut schedule = clock::instant_after(self.batching.schedule_delay);
        loop {
            let wake = QUEUE.wait(schedule);
            self.anchor = None;
            let now = Instant::now();
            // A full batch in the queue is exported at once; idle threads' spans wait for the schedule.
            let everything = now >= schedule || wake.stop.is_some() || wake.flush.is_some();
            self.drain_queue(runtime);
            if everything {
                schedule = clock::instant_after(self.batching.schedule_delay);
                self.drain_threads(runtime);
                self.export(runtime);
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
        for lane in &self.lanes {
            lane.shutdown(self.time_left(Duration::from_secs(1)));
        }
        self.drops.tell_rest();
    }

    fn drain_queue(&mut self, runtime: &Runtime) {
        loop {
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

    /// Adds records to the batch, and exports it whenever it is full.
    fn take(&mut self, mut words: &[u64], runtime: &Runtime) {
        while let Some((record, rest)) = record::split_record(words) {
            words = rest;
            self.words.extend_from_slice(record);
            self.spans += 1;
            // Large spans make a batch sooner, or what waits here would be bounded by nothing but their number.
            let bytes = self.words.len() * 8;
            if self.spans >= self.batching.max_export_batch_size as u64 || bytes >= self.batching.max_bytes() {
                self.export(runtime);
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

    /// Sends the batch to every exporter at the same time, and waits for all, unless the pipeline shuts down.
    fn export(&mut self, runtime: &Runtime) {
        if self.spans == 0 {
            return;
        }
        let batch = Arc::new(Batch {
            words: std::mem::take(&mut self.words),
            spans: std::mem::take(&mut self.spans),
            anchor: *self.anchor.get_or_insert_with(|| self.clock.anchor()),
            resource: Arc::clone(&self.resource),
        });
        let (done, mut all_done) = mpsc::channel(1);
        self.lanes.iter().for_each(|lane| lane.send(&batch, &done));
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
