//! Exporters that do everything themselves: one batch at a time, each within its time.

use super::Job;
use crate::clock;
use crate::export::delivery::{Caught, Stop};
use crate::export::{Accepted, Batch, Book, Exporter, Failure, error_type};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

pub(super) async fn work(
    exporter: Arc<dyn Exporter>,
    book: &Book,
    mut jobs: mpsc::UnboundedReceiver<Job>,
    stop: Stop,
    timeout: Duration,
) {
    let mut cut_off = false;
    while let Some(job) = jobs.recv().await {
        let result = if cut_off {
            Err(Failure::NotTried)
        } else {
            let _exporting = book.exporting();
            let begun = Instant::now();
            let result = export(&*exporter, book, &job.batch, timeout, &stop).await;
            book.attempted(begun.elapsed(), error_type(&result));
            result
        };
        cut_off |= result == Err(Failure::CutOff);
        job.book(result);
    }
}

/// Exports one batch within its time, which a shutdown may cut short.
async fn export(
    exporter: &dyn Exporter,
    book: &Book,
    batch: &Batch,
    timeout: Duration,
    stop: &Stop,
) -> Result<Accepted, Failure> {
    let limit = clock::instant_after(timeout);
    let mut exporting = pin!(Caught::new(book, || exporter.export(batch)));
    let mut late = pin!(tokio::time::sleep_until(limit.into()));
    let mut over = pin!(stop.over());
    std::future::poll_fn(|cx| {
        // The exporter comes first: one that needs no time exports also when there is none.
        if let Poll::Ready(result) = exporting.as_mut().poll(cx) {
            return Poll::Ready(result.and_then(|result| result.map_err(Failure::Failed)));
        }
        if over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(Failure::CutOff));
        }
        late.as_mut().poll(cx).map(|()| Err(Failure::Timeout(timeout)))
    })
    .await
}
