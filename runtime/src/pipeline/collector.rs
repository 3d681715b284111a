//! The thread that takes finished spans from everybody else and hands them to the exporters.

use super::guard::Lease;
use super::stats::Destination;
use crate::clock::{self, Anchor, Clock};
use crate::config::Batching;
use crate::export::{Accepted, Batch};
use crate::record::capture::Tap;
use crate::record::{self, QUEUE};
use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

pub(super) struct Collector {
    batching: Batching,
    resource: Arc<Resource>,
    destinations: Arc<[Destination]>,
    clock: Clock,
    /// Records that do not fill a batch yet.
    words: Vec<u64>,
    spans: u64,
    /// When everything must be over, once the pipeline shuts down.
    deadline: Option<Instant>,
    lease: Arc<Lease>,
    /// Taken once for all batches that are exported together, so that their spans lie right beside each other.
    anchor: Option<Anchor>,
}

/// Says that the collector is gone, however it went.
struct Stopped(Arc<Lease>);

impl Drop for Stopped {
    fn drop(&mut self) {
        QUEUE.stopped();
        self.0.ended();
    }
}

impl Collector {
    pub(super) fn new(
        batching: Batching,
        resource: Arc<Resource>,
        destinations: Arc<[Destination]>,
        lease: Arc<Lease>,
    ) -> Self {
        let clock = Clock::start();
        Self {
            batching,
            resource,
            destinations,
            clock,
            words: Vec::new(),
            spans: 0,
            deadline: None,
            lease,
            anchor: None,
        }
    }

    pub(super) fn spawn(self) -> io::Result<JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("otelier-collector".to_owned()).spawn(move || {
            self.run(&runtime);
            // Looking a name up cannot be stopped; dropping the runtime would wait for it, past every deadline.
            runtime.shutdown_background();
        })
    }

    fn run(mut self, runtime: &Runtime) {
        record::never_here();
        let _stopped = Stopped(Arc::clone(&self.lease));
        // Nothing that exporters do is traced, or exporting would make spans to export.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let mut schedule = clock::instant_after(self.batching.schedule_delay);
        loop {
            let wake = QUEUE.wait(schedule);
            self.deadline = wake.stop;
            self.anchor = None;
            let now = Instant::now();
            // A full batch in the queue is exported at once; idle threads' spans wait for the schedule.
            let everything = now >= schedule || wake.stop.is_some() || wake.flush.is_some();
            self.drain_queue(runtime);
            if everything {
                schedule = clock::instant_after(self.batching.schedule_delay);
                self.drain_threads(runtime);
                self.export(runtime);
                wake.flush.into_iter().for_each(|flush| QUEUE.flushed(flush));
            }
            if wake.stop.is_some() {
                break;
            }
        }
        let left = self.time_left(Duration::from_secs(1));
        for destination in &*self.destinations {
            // An exporter that panics takes nobody else with it.
            let ended = catch_unwind(AssertUnwindSafe(|| destination.exporter.shutdown(left)));
            if let Err(error) = ended.unwrap_or_else(|_| Err("the exporter panicked while it was shut down".to_owned()))
            {
                destination.book(0, Err(error));
            }
        }
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
        // A little is kept back, so that the answer still reaches who waits for the shutdown.
        const RESERVE: Duration = Duration::from_millis(50);
        match self.deadline {
            Some(deadline) => usual.min(deadline.saturating_duration_since(Instant::now()).saturating_sub(RESERVE)),
            None => usual,
        }
    }

    /// Sends the batch to every exporter at the same time, and waits for all.
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
        let timeout = self.time_left(self.batching.export_timeout);
        let results = runtime.block_on(send(&self.destinations, &batch, timeout));
        for (number, share, result) in results {
            self.destinations[number].book(share, result);
        }
    }
}

/// What each exporter, by its number, made of so many spans or log records of the batch. One that has nothing to send is
/// left out.
async fn send(
    destinations: &[Destination],
    batch: &Arc<Batch>,
    timeout: Duration,
) -> Vec<(usize, u64, Result<Accepted, String>)> {
    let mut sending = JoinSet::new();
    let mut number_of = std::collections::HashMap::new();
    for (number, destination) in destinations.iter().enumerate() {
        let share = destination.share(batch);
        if share == 0 {
            continue;
        }
        let (exporter, batch) = (Arc::clone(&destination.exporter), Arc::clone(batch));
        let task = sending.spawn(async move {
            let result = tokio::time::timeout(timeout, exporter.export(&batch)).await;
            result.unwrap_or_else(|_| Err(format!("the export took longer than {timeout:?}")))
        });
        number_of.insert(task.id(), (number, share));
    }
    let mut results = Vec::with_capacity(destinations.len());
    while let Some(joined) = sending.join_next_with_id().await {
        // An exporter that panics has failed, and takes nobody else with it.
        let (id, result) = match joined {
            Ok((id, result)) => (id, result),
            Err(error) => (error.id(), Err(format!("the exporter panicked: {error}"))),
        };
        results.extend(number_of.get(&id).map(|(number, share)| (*number, *share, result)));
    }
    results
}
