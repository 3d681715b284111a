//! Batches that wait on disk until they have arrived: each is appended to a log first, and what is in the log is sent in
//! its order, one request at a time.

use super::{Job, routed};
use crate::diagnostics::{self, LogLevel};
use crate::export::buffer::{Log, Losses, Now, Record, Stored};
use crate::export::delivery::{Caught, Delivery, Format, Receiver, Stop, Turn, Turns, any, first_of};
use crate::export::{Accepted, Book, Failure, Signal, encode};
use opentelemetry::Context;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a record is tried at least before it is looked whether it has become too old.
const BUDGET: Duration = Duration::from_secs(60);
/// The pause after the log could not be read or written.
const PAUSE: Duration = Duration::from_secs(1);

/// An exporter with its log.
#[derive(Debug)]
pub(super) struct Buffered {
    pub(super) signal: Signal,
    pub(super) delivery: Arc<Delivery>,
    pub(super) log: Arc<Mutex<Log>>,
    pub(super) turns: Arc<Turns>,
    /// Known from the start: who has the log may keep it for long.
    pub(super) syncs_by_time: bool,
}

impl Buffered {
    fn book(&self) -> &Book {
        &self.delivery.book
    }

    /// Does something with the log on a thread where it may take long, and books what the log has lost.
    async fn with_log<T: Send + 'static>(&self, f: impl FnOnce(&mut Log) -> T + Send + 'static) -> Option<T> {
        self.with_log_then(f, |_, result| result).await
    }

    /// The same, and `then` with what came of it, as soon as the numbers of the log are known. What has to be booked is
    /// booked there: nobody may be left to wait for it here, and what is in the log would count twice, or not at all.
    async fn with_log_then<T: Send + 'static, R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Log) -> T + Send + 'static,
        then: impl FnOnce(&Book, T) -> R + Send + 'static,
    ) -> Option<R> {
        let (log, book) = (Arc::clone(&self.log), Arc::clone(&self.delivery.book));
        let done = tokio::task::spawn_blocking(move || {
            // A thread of its own: nothing that is done here is traced either.
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let result = f(&mut log);
            let waiting = log.waiting();
            // With the lock, so that of two threads the later one says what is there. What came is here before it is gone
            // elsewhere, and what went is elsewhere before it is gone here, for who waits until nothing is left.
            book.buffered.fetch_max(waiting.own_items, Release);
            book.left_by_others.fetch_max(waiting.earlier_items, Release);
            book_losses(&book, log.take_losses());
            let result = then(&book, result);
            book.buffered.store(waiting.own_items, Release);
            book.left_by_others.store(waiting.earlier_items, Release);
            result
        });
        match done.await {
            Ok(result) => Some(result),
            Err(error) if error.is_panic() => {
                self.say(LogLevel::Error, "Exporter.Buffer.Panicked", &"what keeps the disk buffer panicked");
                None
            }
            Err(_) => None,
        }
    }

    fn say(&self, level: LogLevel, event: &'static str, what: &dyn std::fmt::Display) {
        let name = &self.book().name;
        diagnostics::say(level, event, name, || format!("{name}: {what}"));
    }
}

fn book_losses(book: &Book, losses: Losses) {
    for (count, failure) in [(losses.expired_own, Failure::Expired), (losses.damaged_own, Failure::Damaged)] {
        if count > 0 {
            book.book(count, Err(failure));
        }
    }
    book.lost_of_others.fetch_add(losses.expired_earlier + losses.damaged_earlier, Relaxed);
    book.damaged_bytes.fetch_add(losses.damaged_bytes, Relaxed);
    for note in losses.notes {
        let name = &book.name;
        diagnostics::say(LogLevel::Warn, "Exporter.Buffer.Damaged", name, || format!("{name}: {note}"));
    }
}

pub(super) async fn work(buffered: Buffered, mut jobs: mpsc::UnboundedReceiver<Job>, stop: Stop) {
    let buffered = Arc::new(buffered);
    tokio::spawn(routed::widen(Arc::clone(&buffered.delivery), stop));
    tokio::spawn(send(Arc::clone(&buffered), buffered.turns.begin()));
    if buffered.syncs_by_time {
        tokio::spawn(sync(Arc::clone(&buffered)));
    }
    let formats = buffered.delivery.formats();
    while let Some(job) = jobs.recv().await {
        append(&buffered, &formats, job).await;
    }
}

/// Puts a batch into the log; if the log does not take it, it is sent from memory.
async fn append(buffered: &Buffered, formats: &[Format], job: Job) {
    let (signal, formats, batch, items) = (buffered.signal, formats.to_vec(), Arc::clone(&job.batch), job.share);
    let append = move |log: &mut Log| {
        let append = || {
            let bodies: Vec<_> =
                formats.iter().map(|format| (*format as u8, encode(signal, *format, &batch))).collect();
            let bodies: Vec<_> = bodies.iter().map(|(format, body)| (*format, &body[..])).collect();
            log.append(&Record { items, bodies: &bodies }, &Now::here())
        };
        catch_unwind(AssertUnwindSafe(append))
    };
    // The batch goes along: a disk that hangs has it until it is known where it is.
    let appended = buffered.with_log_then(append, move |_, appended| match appended {
        Ok(Ok(())) => {
            job.leave_to_log();
            None
        }
        Ok(Err(error)) => Some((job, error.to_string())),
        Err(_) => Some((job, "writing to the disk buffer panicked".to_owned())),
    });
    if let Some(Some((job, error))) = appended.await {
        let what = format_args!("{error}; what does not fit waits in memory");
        buffered.say(LogLevel::Warn, "Exporter.Buffer.NotTaken", &what);
        tokio::spawn(routed::deliver(signal, Arc::clone(&buffered.delivery), job));
    }
}

/// Sends what is in the log, as long as the pipeline runs, and closes the log then.
async fn send(buffered: Arc<Buffered>, mut turn: Turn) {
    send_all(&buffered, &mut turn).await;
    // On its own thread, which is not waited for longer than there is time.
    let mut closed = pin!(buffered.with_log(Log::close));
    if let Some(Some(Err(error))) = first_of(closed.as_mut(), pin!(buffered.delivery.stop.over())).await {
        buffered.say(LogLevel::Warn, "Exporter.Buffer.NotSynced", &error);
    }
    let book = buffered.book();
    let left = book.buffered.load(Relaxed) + book.left_by_others.load(Relaxed);
    if left > 0 {
        // Once for each pipeline, so it needs no limit.
        diagnostics::tell(LogLevel::Info, "Exporter.Buffer.Left", || {
            format!("{}: {left} {} wait in the disk buffer for the next process", book.name, buffered.signal)
        });
    }
}

async fn send_all(buffered: &Buffered, turn: &mut Turn) {
    let mut has_told = false;
    loop {
        let flush = turn.flush();
        // Before the look into the log: what is appended behind it must not go unnoticed.
        let (changed, is_closed) = (buffered.turns.changed(), buffered.turns.is_closed());
        let (is_alone, is_last) = turn.is_alone(flush);
        let next = buffered.with_log(|log| log.next(&Now::here())).await;
        let next = next.unwrap_or_else(|| Err(io::Error::other("it panicked")));
        let left = buffered.book().left_by_others.load(Relaxed);
        if !std::mem::replace(&mut has_told, true) && left > 0 {
            let (count, signal) = (left, buffered.signal);
            let what = format!("{count} {signal} that an earlier process left in the disk buffer are sent first");
            buffered.say(LogLevel::Info, "Exporter.Buffer.Replayed", &what);
        }
        match next {
            Ok(Some(stored)) => {
                if !send_one(buffered, stored, turn).await {
                    return;
                }
            }
            Ok(None) => {
                let stop = &buffered.delivery.stop;
                if is_alone && is_closed {
                    return;
                }
                if is_last {
                    turn.settle(flush);
                }
                if stop.has_begun() {
                    any([&mut pin!(changed), &mut pin!(stop.over())]).await;
                } else {
                    let (mut later, mut hurried) = (pin!(tokio::time::sleep(BUDGET)), pin!(turn.hurried()));
                    any([&mut pin!(changed), &mut hurried, &mut pin!(stop.begun()), &mut later]).await;
                }
            }
            Err(error) => {
                buffered.say(LogLevel::Warn, "Exporter.Buffer.NotRead", &error);
                turn.settle(flush);
                any([&mut pin!(tokio::time::sleep(PAUSE)), &mut pin!(buffered.delivery.stop.over())]).await;
            }
        }
        if buffered.delivery.stop.is_over() {
            return;
        }
    }
}

/// Sends one record. `false` once the pipeline has no time for more.
async fn send_one(buffered: &Buffered, stored: Stored, turn: &mut Turn) -> bool {
    let Stored { items, bodies, is_own, maybe_sent, position } = stored;
    let request = |receiver: &dyn Receiver| {
        let format = receiver.format() as u8;
        bodies.iter().find(|(stored, _)| *stored == format).map(|(_, body)| body.clone())
    };
    let (delivery, request) = (&buffered.delivery, &request);
    // The next attempt after it comes without a pause, so there must have been one.
    let budget = BUDGET.max(delivery.retry.max_backoff.saturating_mul(2));
    let result =
        Caught::new(buffered.book(), || Box::pin(delivery.deliver(items, request, turn, budget))).await.flatten();
    match &result {
        Ok(_) | Err(Failure::Failed(_) | Failure::Panicked(_)) => {}
        // It stays where it is. One that was not sent cannot arrive twice.
        Err(Failure::NotTried | Failure::GivenUp { may_have_arrived: false, .. }) => {
            buffered.with_log(move |log| log.put_back(position)).await;
            return !buffered.delivery.stop.has_begun();
        }
        Err(_) => return !buffered.delivery.stop.has_begun(),
    }
    let acknowledge = move |log: &mut Log| log.acknowledge(position);
    let acknowledged = buffered.with_log_then(acknowledge, move |book, acknowledged| {
        if maybe_sent && result.is_ok() {
            book.sent_again.fetch_add(items, Relaxed);
        }
        // What was removed from under the log is counted as lost there already.
        let is_counted = matches!(acknowledged, Ok(false));
        if is_own && !is_counted {
            book.book(items, result);
        } else if !is_own {
            of_others(book, items, result);
        }
        acknowledged
    });
    let Some(acknowledged) = acknowledged.await else { return false };
    if let Err(error) = acknowledged {
        let what =
            format_args!("it could not be written down that a batch has arrived, so it may arrive twice: {error}");
        buffered.say(LogLevel::Warn, "Exporter.Buffer.NotAcknowledged", &what);
    }
    true
}

/// Books what became of a batch of an earlier process.
fn of_others(book: &Book, items: u64, result: Result<Accepted, Failure>) {
    match result {
        Ok(Accepted { rejected, message }) => {
            let rejected = rejected.min(items);
            book.replayed.fetch_add(items - rejected, Relaxed);
            book.lost_of_others.fetch_add(rejected, Relaxed);
            book.book(0, Ok(Accepted { rejected: 0, message }));
        }
        Err(failure) => {
            book.lost_of_others.fetch_add(items, Relaxed);
            book.book(0, Err(failure));
            let (name, signal) = (&book.name, book.signal);
            diagnostics::say(LogLevel::Warn, "Exporter.Buffer.Lost", name, || {
                format!("{name}: {items} {signal} that an earlier process left are lost")
            });
        }
    }
}

/// Forces to the disk what was written, as often as the settings ask for it.
async fn sync(buffered: Arc<Buffered>) {
    loop {
        let changed = buffered.turns.changed();
        let Some((due, next)) = buffered
            .with_log(|log| {
                let now = Now::here();
                (log.due_sync(&now), log.next_sync_in(&now))
            })
            .await
        else {
            return;
        };
        if let Some(due) = due {
            // Without the log's lock: a disk may take seconds for it.
            if let Ok(Err(error)) = tokio::task::spawn_blocking(move || due.sync()).await {
                buffered.say(LogLevel::Warn, "Exporter.Buffer.NotSynced", &error);
            }
            continue;
        }
        match next {
            Some(pause) => tokio::time::sleep(pause).await,
            None => changed.await,
        }
    }
}
