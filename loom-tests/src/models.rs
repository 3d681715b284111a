//! The models: an owner that records, and a collector that takes what it finds.

use crate::clock;
use crate::record::counters::COUNTERS;
use crate::record::outbox::{Fate, Outbox};
use crate::record::queue::Queue;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Longer than any model runs.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// Every interleaving.
const ALL: Option<usize> = None;

/// Runs a model in every interleaving, or in those with at most so many switches of threads that are not forced.
fn check(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    // The counters are the process's.
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    builder.max_branches = 100_000;
    builder.check(move || {
        COUNTERS.reset();
        model();
    });
}

/// What a thread and the collector share.
struct Shared {
    outbox: Outbox,
    queue: Queue,
}

// SAFETY: as in `runtime/src/record/thread.rs`: only the owner uses more than `collect`.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    fn new(max_bytes: usize, wake_at: u64) -> Arc<Self> {
        let queue = Queue::new();
        queue.open(max_bytes, wake_at);
        Arc::new(Self { outbox: Outbox::new(), queue })
    }

    /// Appends a record every word of which is its number; only the owner may.
    fn append(&self, number: u64, items: usize) {
        let mut head = [number; 8];
        head[0] = number | (8 + items as u64) << 32;
        let items = vec![number; items];
        // SAFETY: the caller is the owner, and there is room where the outbox says so.
        unsafe {
            if self.outbox.takes_at_once(items.len()) {
                self.outbox.append_at_once(head, &items);
            } else {
                self.outbox.append_slowly(head, &items, &self.queue).expect("the record is not too large");
            }
        }
    }

    fn close(&self) {
        // SAFETY: the caller is the owner.
        unsafe { self.outbox.close(&self.queue) };
    }
}

/// What the collector has found.
#[derive(Default)]
struct Found {
    numbers: Vec<u64>,
}

impl Found {
    /// Reads whole records, whose numbers grow.
    fn read(&mut self, mut words: &[u64]) -> u64 {
        let (mut count, mut last) = (0, 0);
        while let Some(&head) = words.first() {
            let (record, rest) = words.split_at((head >> 32) as usize);
            let number = u64::from(head as u32);
            assert!(record[1..].iter().all(|&word| word == number), "record {number} is torn");
            assert!(number > last, "{number} comes after {last}");
            self.numbers.push(number);
            (count, last, words) = (count + 1, number, rest);
        }
        count
    }

    fn drain_queue(&mut self, queue: &Queue) {
        while let Some(full) = queue.pop() {
            let spans = full.chunk.read(full.from, |words| self.read(words));
            assert_eq!(spans, full.spans, "a chunk holds as many spans as it says");
            queue.recycle(full.chunk);
        }
    }

    /// What the collector does when it takes everything, in the same order.
    fn take_everything(&mut self, shared: &Shared) {
        self.drain_queue(&shared.queue);
        shared.outbox.collect(0, |words| self.read(words));
        self.drain_queue(&shared.queue);
    }

    #[track_caller]
    fn expect(mut self, wanted: impl IntoIterator<Item = u64>) {
        self.numbers.sort_unstable();
        assert_eq!(self.numbers, Vec::from_iter(wanted));
    }
}

#[test]
fn every_record_arrives_once_while_chunks_change_hands() {
    check(ALL, || {
        let shared = Shared::new(1 << 20, 1024);
        let owner = Arc::clone(&shared);
        let owner = thread::spawn(move || {
            // The first chunk has room for two of them.
            (1..=3).for_each(|number| owner.append(number, 50));
        });
        let mut found = Found::default();
        found.take_everything(&shared);
        owner.join().expect("the owner ends");
        found.take_everything(&shared);
        found.expect(1..=3);
    });
}

#[test]
fn what_ended_before_a_flush_is_found_by_it() {
    for thread_ends in [false, true] {
        check(ALL, move || {
            let shared = Shared::new(1 << 20, 1024);
            let asked = Arc::new(AtomicBool::new(false));
            let owner = thread::spawn({
                let (shared, asked) = (Arc::clone(&shared), Arc::clone(&asked));
                move || {
                    shared.append(1, 50);
                    shared.append(2, 0);
                    asked.store(true, Ordering::Release);
                    // The chunk goes to the queue here, perhaps while the collector looks for it.
                    if thread_ends {
                        shared.close();
                    } else {
                        shared.append(3, 100);
                    }
                }
            });
            if asked.load(Ordering::Acquire) {
                let mut found = Found::default();
                found.take_everything(&shared);
                assert!(found.numbers.contains(&1) && found.numbers.contains(&2), "{:?}", found.numbers);
            }
            owner.join().expect("the owner ends");
        });
    }
}

#[test]
fn a_thread_that_ends_hands_over_what_is_left() {
    check(ALL, || {
        let shared = Shared::new(1 << 20, 1024);
        let owner = Arc::clone(&shared);
        let owner = thread::spawn(move || {
            owner.append(1, 0);
            owner.append(2, 120);
            owner.close();
        });
        let mut found = Found::default();
        found.take_everything(&shared);
        owner.join().expect("the owner ends");
        found.drain_queue(&shared.queue);
        found.expect(1..=2);
    });
}

#[test]
fn records_that_are_held_back_are_seen_when_they_are_released_and_not_before() {
    check(ALL, || {
        let shared = Shared::new(1 << 20, 1024);
        let released = Arc::new(AtomicBool::new(false));
        let owner = thread::spawn({
            let (shared, released) = (Arc::clone(&shared), Arc::clone(&released));
            move || {
                shared.append(1, 0);
                shared.outbox.hold(1);
                shared.append(2, 0);
                // What is held back moves to the next chunk.
                shared.append(3, 120);
                released.store(true, Ordering::Release);
                // SAFETY: this is the owner.
                unsafe { shared.outbox.release() };
                shared.append(4, 0);
            }
        });
        let mut found = Found::default();
        found.take_everything(&shared);
        let early = found.numbers.iter().any(|&number| number > 1);
        assert!(!early || released.load(Ordering::Acquire), "{:?} were held back", found.numbers);
        owner.join().expect("the owner ends");
        found.take_everything(&shared);
        found.expect(1..=4);
    });
}

#[test]
fn records_that_are_put_back_are_never_seen_and_their_place_is_used_again() {
    for moves in [false, true] {
        check(ALL, move || {
            let shared = Shared::new(1 << 20, 1024);
            let owner = Arc::clone(&shared);
            let owner = thread::spawn(move || {
                owner.append(1, 0);
                owner.outbox.hold(1);
                owner.append(2, 0);
                owner.append(3, if moves { 120 } else { 8 });
                owner.append(4, 0);
                // The second is of another trace, and shorter than what lay before it.
                // SAFETY: this is the owner.
                let forgotten = unsafe { owner.outbox.settle(|record| record[1] != 4, |_| Fate::Forgotten) };
                assert_eq!(forgotten, 2);
                owner.append(5, 0);
                owner.close();
            });
            let mut found = Found::default();
            found.take_everything(&shared);
            owner.join().expect("the owner ends");
            found.drain_queue(&shared.queue);
            found.expect([1, 4, 5]);
        });
    }
}

#[test]
fn records_that_are_held_back_are_changed_before_they_are_seen_or_taken_away_as_they_are() {
    // Whoever collects takes away what is held back, or does not.
    for steal in [0, 1] {
        check(ALL, move || {
            let shared = Shared::new(1 << 20, 1024);
            let owner = Arc::clone(&shared);
            let owner = thread::spawn(move || {
                owner.append(1, 0);
                owner.outbox.hold(1);
                owner.append(2, 0);
                owner.append(3, 0);
                let kept = Fate::Kept { bits: 1 << 31, mask: 1 << 30 };
                // SAFETY: this is the owner.
                unsafe { owner.outbox.settle(|_| true, |_| kept) };
                owner.append(4, 0);
            });
            let mut found = Heads::default();
            shared.outbox.collect(steal, |words| found.read(words));
            let early = found.0.clone();
            owner.join().expect("the owner ends");
            shared.outbox.collect(0, |words| found.read(words));
            let numbers: Vec<_> = found.0.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, [1, 2, 3, 4]);
            let was_kept: Vec<_> = found.0.iter().map(|(_, kept)| *kept).collect();
            // Either all of it was decided, or, where some was taken away before, nothing.
            let is_stolen = steal == 1 && early.iter().any(|(number, kept)| *number == 2 && !kept);
            assert_eq!(was_kept, [false, !is_stolen, !is_stolen, false], "{early:?}");
        });
    }
}

/// Numbers of records, and whether they bear the bit of those that were kept.
#[derive(Clone, Default)]
struct Heads(Vec<(u64, bool)>);

impl Heads {
    fn read(&mut self, mut words: &[u64]) -> u64 {
        let before = self.0.len();
        while let Some(&head) = words.first() {
            self.0.push((words[1], head & 1 << 31 != 0));
            words = &words[(head >> 32) as usize..];
        }
        (self.0.len() - before) as u64
    }
}

#[test]
fn a_full_queue_drops_whole_chunks_and_counts_their_records() {
    check(Some(6), || {
        // There is room for one chunk of 128 words, in which two of the records lie.
        let shared = Shared::new(1024, 1024);
        let owners = [1, 11].map(|first| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let own = Shared { outbox: Outbox::new(), queue: Queue::new() };
                for number in first..first + 3 {
                    let mut head = [number; 8];
                    head[0] = number | 60 << 32;
                    // SAFETY: this is the owner.
                    let appended = unsafe { own.outbox.append_slowly(head, &[number; 52], &shared.queue) };
                    appended.expect("the record is not too large");
                }
                // SAFETY: this is the owner.
                unsafe { own.outbox.close(&shared.queue) };
            })
        });
        let mut found = Found::default();
        found.drain_queue(&shared.queue);
        for owner in owners {
            owner.join().expect("the owner ends");
        }
        found.drain_queue(&shared.queue);
        let dropped = COUNTERS.queue_full.load(Relaxed);
        let unique: BTreeSet<_> = found.numbers.iter().collect();
        assert_eq!(unique.len(), found.numbers.len(), "{:?}", found.numbers);
        assert_eq!(found.numbers.len() as u64 + dropped, 6, "{:?} were found", found.numbers);
        assert!(!shared.queue.is_pressed(), "an empty queue has room");
    });
}

/// Records so long that the second chunk has the full size, and one of them fills half of it.
const LONG: usize = 3000;

#[test]
fn a_chunk_that_was_read_is_written_again_by_the_next_owner_that_needs_one() {
    check(Some(6), || {
        let shared = Shared::new(1 << 20, 1024);
        let owner = Arc::clone(&shared);
        let owner = thread::spawn(move || (1..=4).for_each(|number| owner.append(number, LONG)));
        let mut found = Found::default();
        found.drain_queue(&shared.queue);
        found.take_everything(&shared);
        owner.join().expect("the owner ends");
        found.take_everything(&shared);
        found.expect(1..=4);
    });
}

#[test]
fn a_spare_chunk_goes_from_one_thread_to_another() {
    check(Some(4), || {
        let shared = Shared::new(1 << 20, 1024);
        let owners = [1, 11].map(|first| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let outbox = Outbox::new();
                for number in first..first + 3 {
                    let mut head = [number; 8];
                    head[0] = number | (8 + LONG as u64) << 32;
                    // SAFETY: this is the owner.
                    let appended = unsafe { outbox.append_slowly(head, &[number; LONG], &shared.queue) };
                    appended.expect("the record is not too large");
                }
                // SAFETY: this is the owner.
                unsafe { outbox.close(&shared.queue) };
            })
        });
        let mut found = Found::default();
        found.drain_queue(&shared.queue);
        for owner in owners {
            owner.join().expect("the owner ends");
        }
        found.drain_queue(&shared.queue);
        found.expect([1, 2, 3, 11, 12, 13]);
    });
}

#[test]
fn whoever_waits_for_a_flush_and_for_the_end_is_woken() {
    check(ALL, || {
        let shared = Shared::new(1 << 20, 1024);
        let collector = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let mut found = Found::default();
                let never = clock::instant_after(NEVER);
                loop {
                    let wake = shared.queue.wait(never, true, false);
                    found.take_everything(&shared);
                    wake.flush.into_iter().for_each(|flush| shared.queue.flushed(flush));
                    if wake.stop.is_some() {
                        shared.queue.stopped();
                        return found;
                    }
                }
            }
        });
        shared.append(1, 0);
        assert!(shared.queue.flush(NEVER));
        shared.append(2, 0);
        shared.queue.stop(clock::instant_after(NEVER));
        assert!(shared.queue.wait_stopped(clock::instant_after(NEVER)));
        collector.join().expect("the collector ends").expect(1..=2);
    });
}

#[test]
fn two_threads_that_flush_are_both_woken() {
    check(Some(4), || {
        let shared = Shared::new(1 << 20, 1024);
        let collector = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let never = clock::instant_after(NEVER);
                // Two flushes may become one, and the last one asked for is the second.
                loop {
                    let flush = shared.queue.wait(never, true, false).flush.expect("only a flush wakes the collector");
                    shared.queue.flushed(flush);
                    if flush == 2 {
                        return;
                    }
                }
            }
        });
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || assert!(shared.queue.flush(NEVER))
        });
        assert!(shared.queue.flush(NEVER));
        other.join().expect("the other flush ends");
        collector.join().expect("the collector ends");
    });
}

#[test]
fn a_queue_with_enough_spans_wakes_the_collector() {
    check(ALL, || {
        let shared = Shared::new(1 << 20, 2);
        let owner = Arc::clone(&shared);
        let owner = thread::spawn(move || (1..=3).for_each(|number| owner.append(number, 50)));
        // Without the bell this would be a deadlock. The third record waits for the schedule.
        let _ = shared.queue.wait(clock::instant_after(NEVER), true, false);
        let mut found = Found::default();
        found.drain_queue(&shared.queue);
        found.expect(1..=2);
        owner.join().expect("the owner ends");
    });
}
