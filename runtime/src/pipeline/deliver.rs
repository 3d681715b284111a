//! Each exporter's own row of batches: one that hangs or panics holds up no other for longer than one batch, and while the
//! pipeline ends for none.

use crate::clock;
use crate::export::{Accepted, Batch, Book, Exporter, Exporting, Failure, Signal, error_type};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

/// What is kept back of the time for a shutdown, so that the answer still reaches who waits for it.
pub(super) const RESERVE: Duration = Duration::from_millis(50);

/// When everything must be over; `None` while the pipeline runs.
pub(super) type Stop = watch::Receiver<Option<Instant>>;

/// Gone once a batch is exported everywhere.
pub(super) type Done = mpsc::Sender<()>;

struct Job {
    batch: Arc<Batch>,
    share: u64,
    done: Done,
}

/// An exporter with its row of batches.
#[derive(Debug)]
pub(super) struct Lane {
    exporter: Arc<dyn Exporter>,
    book: Arc<Book>,
    jobs: mpsc::UnboundedSender<Job>,
    worker: AbortHandle,
}

impl Lane {
    pub(super) fn open(
        exporter: Arc<dyn Exporter>,
        book: Arc<Book>,
        timeout: Duration,
        stop: Stop,
        runtime: &Runtime,
    ) -> Self {
        let (jobs, waiting) = mpsc::unbounded_channel();
        let worker = runtime.spawn(work(Arc::clone(&exporter), Arc::clone(&book), waiting, stop, timeout));
        Self { exporter, book, jobs, worker: worker.abort_handle() }
    }

    /// Puts the batch into the row, if it holds something for the exporter.
    pub(super) fn send(&self, batch: &Arc<Batch>, done: &Done) {
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
        let job = Job { batch: Arc::clone(batch), share, done: done.clone() };
        if self.jobs.send(job).is_err() {
            self.book.book(share, Err(Failure::Panicked("it takes no batches any more".to_owned())));
        }
    }

    /// Ends the exporter.
    pub(super) fn shutdown(&self, timeout: Duration) {
        let _polling = self.book.polling();
        let ended = catch_unwind(AssertUnwindSafe(|| self.exporter.shutdown(timeout)));
        let ended = ended.unwrap_or_else(|_| Err("the exporter panicked while it was shut down".to_owned()));
        if let Err(error) = ended {
            self.book.book(0, Err(Failure::Shutdown(error)));
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

async fn work(
    exporter: Arc<dyn Exporter>,
    book: Arc<Book>,
    mut jobs: mpsc::UnboundedReceiver<Job>,
    mut stop: Stop,
    timeout: Duration,
) {
    let mut cut_off = false;
    while let Some(Job { batch, share, done }) = jobs.recv().await {
        let result = if cut_off {
            Err(Failure::NotTried)
        } else {
            let (_exporting, begin) = (book.exporting(), Instant::now());
            let result = export(&*exporter, &book, &batch, timeout, &mut stop).await;
            book.attempted(begin.elapsed(), error_type(&result));
            result
        };
        cut_off |= result == Err(Failure::CutOff);
        book.book(share, result);
        drop(done);
    }
}

/// Exports one batch within its time, which a shutdown may cut short.
async fn export(
    exporter: &dyn Exporter,
    book: &Book,
    batch: &Batch,
    timeout: Duration,
    stop: &mut Stop,
) -> Result<Accepted, Failure> {
    let limit = clock::instant_after(timeout);
    let mut exporting = Caught { exporter, book, batch, future: None };
    let mut over = pin!(tokio::time::sleep_until(limit.into()));
    let mut stopping = pin!(async { stop.wait_for(Option::is_some).await.ok().and_then(|deadline| *deadline) });
    let (mut watched, mut cut_off) = (true, false);
    poll_fn(|cx| {
        // The exporter comes first: one that needs no time exports also when there is none.
        if let Poll::Ready(result) = Pin::new(&mut exporting).poll(cx) {
            return Poll::Ready(result);
        }
        if watched && let Poll::Ready(deadline) = stopping.as_mut().poll(cx) {
            watched = false;
            let ends = deadline.map(|deadline| deadline.checked_sub(RESERVE).unwrap_or(deadline));
            if let Some(ends) = ends.filter(|ends| *ends < limit) {
                cut_off = true;
                over.as_mut().reset(ends.into());
            }
        }
        let failure = |()| Err(if cut_off { Failure::CutOff } else { Failure::Timeout(timeout) });
        over.as_mut().poll(cx).map(failure)
    })
    .await
}

/// An export whose panics are failures, also while it is begun and while it is dropped.
struct Caught<'a> {
    exporter: &'a dyn Exporter,
    book: &'a Book,
    batch: &'a Batch,
    future: Option<Exporting<'a>>,
}

impl Future for Caught<'_> {
    type Output = Result<Accepted, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { exporter, book, batch, future } = &mut *self;
        let _polling = book.polling();
        let polled =
            catch_unwind(AssertUnwindSafe(|| future.get_or_insert_with(|| exporter.export(batch)).as_mut().poll(cx)));
        match polled {
            Ok(polled) => polled.map_err(Failure::Failed),
            Err(panic) => Poll::Ready(Err(Failure::of_panic(&*panic))),
        }
    }
}

impl Drop for Caught<'_> {
    fn drop(&mut self) {
        let _polling = self.book.polling();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.future.take())));
    }
}
