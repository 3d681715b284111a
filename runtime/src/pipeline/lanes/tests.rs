//! Lanes whose disk or receiver does what it should not.

use super::*;
use crate::clock::Clock;
use crate::config::DiskBuffer;
use crate::export::delivery::{Format, Sending};
use opentelemetry_sdk::Resource;
use std::sync::atomic::AtomicU64;
use tokio::sync::watch;

/// Takes nothing, and counts how often it was asked.
#[derive(Debug, Default)]
struct Overloaded(AtomicU64);

impl Receiver for Arc<Overloaded> {
    fn name(&self) -> String {
        "overloaded".to_owned()
    }

    fn format(&self) -> Format {
        Format::Protobuf
    }

    fn send(&self, _: Vec<u8>) -> Sending<'_> {
        self.0.fetch_add(1, Relaxed);
        let again = crate::export::Again::Later;
        let refused =
            crate::export::Refused { text: "not now".to_owned(), error_type: "503".to_owned(), again, is_answer: true };
        Box::pin(async move { Err(refused) })
    }
}

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("otelier-lanes-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn lane(receiver: &Arc<Overloaded>, retry: &Retry, log: Option<Log>, stop: Stop) -> (Arc<Lane>, Work) {
    let target = Target::Receivers(Signal::Spans, vec![Arc::new(Arc::clone(receiver))]);
    let book = Arc::new(Book::new("book", Signal::Spans, Duration::from_secs(30)));
    let (batching, breaker) = (&Batching::default(), &CircuitBreaker::never());
    open(Supplies { target, book, batching, retry, breaker, log, stop })
}

fn batch(spans: u64) -> Arc<Batch> {
    let resource = Arc::new(Resource::builder_empty().build());
    Arc::new(Batch { words: Vec::new(), spans, anchor: Clock::start().anchor(), resource })
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn what_a_disk_has_that_hangs_past_the_end_is_counted_once() {
    let folder = Folder::new("hangs");
    let log = Log::open(&DiskBuffer::in_directory(&folder.0), "spans-1").expect("it opens");
    let (_pipeline, stop) = watch::channel(None);
    let (lane, work) = lane(&Arc::default(), &Retry::default(), Some(log), Stop::new(stop.clone()));
    let Worker::Buffered(Buffered { log, .. }) = &work.target else { panic!("it has no log") };
    let log = Arc::clone(log);
    let hangs = log.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = runtime();
    runtime.spawn(work.run(Stop::new(stop)));
    lane.offer(&batch(3));
    runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
    runtime.shutdown_background();
    let numbers = || (lane.book.numbers().1, lane.book.pending.load(Relaxed), lane.book.buffered.load(Relaxed));
    assert_eq!(numbers(), (0, 3, 0), "failed, pending, on the disk");
    drop(hangs);
    until("it is on the disk", || numbers() == (0, 0, 3));
}

#[test]
fn a_record_whose_pauses_are_long_is_not_sent_without_any() {
    let folder = Folder::new("pauses");
    let log = Log::open(&DiskBuffer::in_directory(&folder.0), "spans-1").expect("it opens");
    let (_pipeline, stop) = watch::channel(None);
    let hour = Duration::from_secs(3600);
    let (receiver, retry) = (Arc::default(), Retry::default().with_backoff(99 * hour, 99 * hour));
    let (lane, work) = lane(&receiver, &retry, Some(log), Stop::new(stop.clone()));
    let runtime = runtime();
    runtime.spawn(work.run(Stop::new(stop)));
    lane.offer(&batch(3));
    runtime.block_on(async {
        while receiver.0.load(Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    });
    runtime.shutdown_background();
    assert_eq!(receiver.0.load(Relaxed), 1);
}

#[test]
fn many_small_batches_that_wait_take_no_more_memory_than_they_may() {
    let (_pipeline, stop) = watch::channel(None);
    let retry = Retry::default().with_max_pending_bytes(1 << 20);
    let (lane, _work) = lane(&Arc::default(), &retry, None, Stop::new(stop));
    (0..1000).for_each(|_| {
        lane.look_for_room(Why::Due);
        lane.offer(&batch(1));
    });
    // A batch of one span has no bytes worth counting here, but a task that waits has.
    assert_eq!((lane.book.pending.load(Relaxed), lane.book.numbers().1), (256, 744));
    assert_ne!(lane.room(), Room::Some);
}

#[test]
fn one_that_is_full_is_waited_for_a_second_and_then_not_before_half_of_it_is_gone() {
    let (_pipeline, stop) = watch::channel(None);
    let retry = Retry::default().with_max_pending_bytes(10 * TASK);
    let (lane, mut work) = lane(&Arc::default(), &retry, None, Stop::new(stop));
    (0..10).for_each(|_| lane.offer(&batch(3)));
    let Room::Until(until) = lane.room() else { panic!("it is full, and nobody has waited yet") };
    assert!(until <= Instant::now() + PATIENCE);
    lane.seen().full_since = Instant::now().checked_sub(PATIENCE);
    assert_eq!(lane.room(), Room::None);
    // One batch less, and one more.
    drop(work.jobs.try_recv());
    assert_eq!(lane.room(), Room::Some);
    lane.offer(&batch(3));
    assert_eq!(lane.room(), Room::None, "it has been too slow for too long");
    while lane.pending.load(Relaxed) > lane.room / 2 {
        drop(work.jobs.try_recv());
    }
    assert_eq!(lane.room(), Room::Some);
    lane.look_for_room(Why::Due);
    while lane.pending.load(Relaxed) < lane.room {
        lane.offer(&batch(3));
    }
    assert!(matches!(lane.room(), Room::Until(_)), "it is well again");
}
