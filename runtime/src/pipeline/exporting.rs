//! The thread on which exporters run. Its runtime turns all the time, so connections are looked after also while no spans
//! come, and the collector never waits for an exporter.

use super::lanes::{Lane, Work};
use crate::export::delivery::{RESERVE, Stop};
use crate::export::{Book, Exporter, Failure};
use crate::record::{self, QUEUE};
use opentelemetry::Context;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// What the collector asks for.
#[derive(Debug)]
enum Command {
    /// Everything that was handed over is to be tried, and the flush then to be reported.
    Flush(u64),
    /// Everything that was handed over is to be tried, and this is to be set then, for the collector, which is to be woken.
    Try(Arc<AtomicBool>),
    /// There will be no more batches.
    Finish,
}

/// The collector's handle of the thread.
#[derive(Debug)]
pub(super) struct Exporting {
    commands: mpsc::UnboundedSender<Command>,
    thread: JoinHandle<()>,
}

/// Dropped by a thread that has begun.
///
/// The standard library takes a lock of its own where threads begin, and not for a fork: a program that forks right after it
/// has started telemetry could get a child in which no thread can start. So who starts a thread waits until it runs.
pub(super) struct Begun(#[allow(dead_code)] std::sync::mpsc::Sender<()>);

/// The other end.
pub(super) struct HasBegun(std::sync::mpsc::Receiver<()>);

impl Begun {
    pub(super) fn new() -> (Self, HasBegun) {
        let (begun, has_begun) = std::sync::mpsc::channel();
        (Self(begun), HasBegun(has_begun))
    }
}

impl HasBegun {
    pub(super) fn wait(self) {
        // Nothing depends on it; a machine that is so slow is not waited for.
        let _ = self.0.recv_timeout(Duration::from_secs(1));
    }
}

/// A runtime whose end nobody waits for: looking a name up cannot be stopped, and would be waited for past every deadline.
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

impl Exporting {
    /// Starts the thread.
    pub(super) fn start(lanes: Vec<Arc<Lane>>, work: Vec<Work>, stop: Stop) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // The threads on which it waits for disks and names are ours, too.
            .on_thread_start(record::never_here)
            .build()?;
        let (commands, asked) = mpsc::unbounded_channel();
        let (begun, has_begun) = Begun::new();
        let thread = std::thread::Builder::new().name("otelier-export".to_owned()).spawn(move || {
            drop(begun);
            record::never_here();
            // Nothing that exporters do is traced, or exporting would make spans to export.
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            let exporters: Vec<_> = work.iter().filter_map(Work::exporter).collect();
            let has_log = work.iter().any(Work::has_log);
            let mut background = Background(Some(runtime));
            if let Some(runtime) = &background.0 {
                work.into_iter().for_each(|work| drop(runtime.spawn(work.run(stop.clone()))));
                runtime.block_on(run(&lanes, asked, &stop));
                let left = stop.end().map(|end| end.saturating_duration_since(Instant::now()));
                let left = left.unwrap_or(Duration::MAX).min(Duration::from_secs(1));
                let _entered = runtime.enter();
                exporters.iter().for_each(|(exporter, book)| shutdown(&**exporter, book, left));
            }
            lanes.iter().for_each(|lane| lane.book.tell_rest());
            if has_log {
                // Whoever still has the log has its lock: the next pipeline would begin another one, and not find at once
                // what is in this. A disk that hangs is not waited for.
                let left = stop.end().map(|end| (end + RESERVE).saturating_duration_since(Instant::now()) / 2);
                let left = left.unwrap_or(Duration::MAX).min(Duration::from_secs(1));
                background.0.take().into_iter().for_each(|runtime| runtime.shutdown_timeout(left));
            }
        })?;
        has_begun.wait();
        Ok(Self { commands, thread })
    }

    /// Asks for everything that was handed over to be tried at once; `flush` is then reported to the queue.
    pub(super) fn flush(&self, flush: u64) {
        // If nobody is there, nobody will report it, and who waits learns that the collector has ended.
        let _ = self.commands.send(Command::Flush(flush));
    }

    /// Asks for everything that was handed over to be tried at once; what comes back is set when it was, and the collector woken.
    pub(super) fn try_all(&self) -> Arc<AtomicBool> {
        let tried = Arc::new(AtomicBool::new(false));
        let _ = self.commands.send(Command::Try(Arc::clone(&tried)));
        tried
    }

    /// Whether the thread has ended although nobody asked it to.
    pub(super) fn is_gone(&self) -> bool {
        self.thread.is_finished()
    }

    /// Says that there are no more batches, and waits until what there is was exported or the time is over.
    pub(super) fn finish(self) {
        let _ = self.commands.send(Command::Finish);
        // If it panicked, there is nothing more to learn from it.
        let _ = self.thread.join();
    }
}

async fn run(lanes: &[Arc<Lane>], mut asked: mpsc::UnboundedReceiver<Command>, stop: &Stop) {
    loop {
        match asked.recv().await {
            Some(Command::Try(tried)) => {
                let lanes = lanes.to_vec();
                tokio::spawn(async move {
                    flush(lanes).await;
                    tried.store(true, Relaxed);
                    QUEUE.has_room_again();
                });
            }
            Some(Command::Flush(number)) => {
                let lanes = lanes.to_vec();
                tokio::spawn(async move {
                    flush(lanes).await;
                    QUEUE.flushed(number);
                });
            }
            Some(Command::Finish) | None => break,
        }
    }
    lanes.iter().for_each(|lane| lane.turns.close());
    let all_over = async {
        for lane in lanes {
            lane.turns.all_over().await;
        }
    };
    match stop.end() {
        // The exporters are cut off before; what they do then still has to be booked.
        Some(end) => _ = tokio::time::timeout_at((end + RESERVE / 2).into(), all_over).await,
        None => all_over.await,
    }
}

/// Lets all exporters try what they have, all at once.
async fn flush(lanes: Vec<Arc<Lane>>) {
    let flushes: Vec<_> = lanes.into_iter().map(|lane| tokio::spawn(async move { lane.turns.flush().await })).collect();
    for flush in flushes {
        let _ = flush.await;
    }
}

/// Ends an exporter.
fn shutdown(exporter: &dyn Exporter, book: &Book, timeout: Duration) {
    let _polling = book.polling();
    let ended = catch_unwind(AssertUnwindSafe(|| exporter.shutdown(timeout)));
    let ended = ended.unwrap_or_else(|_| Err("the exporter panicked while it was shut down".to_owned()));
    if let Err(error) = ended {
        book.book(0, Err(Failure::Shutdown(error)));
    }
}
