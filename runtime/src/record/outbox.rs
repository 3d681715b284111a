//! A thread's finished spans on their way out: the chunk it writes to, and how that chunk changes hands.
//!
//! The owner appends without a lock. The lock is taken to replace the chunk, about once in 700 spans of a busy thread, and by the
//! collector to read. Records may be held back until a trace is decided: they are committed as all others are, but readers look
//! only up to where they begin. If the trace is not kept, the write cursor is put back. Both happen under the lock, once for a
//! trace, so that holding back costs a record nothing.
//!
//! A reader may take away what is held back before it is decided; then it is for whoever collects to decide.

use super::chunk::{Chunk, FULL_WORDS, HEAD_WORDS};
use super::queue::{FullChunk, Queue};
use super::sync::{Arc, AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError};
use std::cell::Cell;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

/// A thread that fills its chunk in less than this gets a larger one.
const BUSY: Duration = Duration::from_secs(1);

/// The longest record that is accepted: 256 KiB.
pub(crate) const MAX_RECORD_WORDS: usize = 32 * 1024;
/// The most that is held back for a trace that is not decided: 512 KiB.
pub(crate) const MAX_HELD_WORDS: usize = 64 * 1024;

/// The first words of a record: its length in the upper half of the first, then what [`super::view`] reads.
pub(crate) type Head = [u64; HEAD_WORDS];

/// Why a record was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// What one thread has finished. Everything but `shared` is touched by the owner only.
pub(crate) struct Outbox {
    /// The chunk in `shared`. Only the owner replaces that one, so the pointer stays good between its own calls.
    chunk: Cell<*const Chunk>,
    /// Up to where records can be appended and committed at once: the chunk's capacity, less while records are held back, or 0
    /// while there is no chunk or every span has to end slowly.
    limit: Cell<usize>,
    /// The chunk's capacity; 0 while there is none.
    capacity: Cell<usize>,
    /// Where the next record goes.
    at: Cell<usize>,
    /// Records in the chunk, held ones included.
    spans: Cell<u64>,
    held: Cell<bool>,
    slow: Cell<bool>,
    hold: Cell<Hold>,
    /// Where in the chunk readers have to stop, because records are held back from there on. Lowered by the owner before it
    /// commits the first of them, and raised under the lock.
    stop: AtomicUsize,
    /// When the owner began to hold records back, in ticks.
    since: AtomicU64,
    /// When the chunk was put in place.
    replaced: Cell<Option<Instant>>,
    shared: Mutex<Shared>,
}

/// Where the records that are held back begin.
#[derive(Clone, Copy, Debug)]
struct Hold {
    at: usize,
    spans: u64,
}

struct Shared {
    chunk: Option<Arc<Chunk>>,
    /// How far the collector has read.
    read: usize,
    read_spans: u64,
    /// Whether what is held back now was taken away, in part or as a whole.
    is_stolen: bool,
}

/// In place of a stop: nothing is held back.
const NO_STOP: usize = usize::MAX;

/// What becomes of the records that are held back of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They are shown to readers, with these bits in place of those of `mask` in their first words.
    Kept { bits: u64, mask: u64 },
    /// They are shown as they are.
    Undecided,
    /// They are forgotten.
    Forgotten,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self {
            chunk: Cell::new(std::ptr::null()),
            limit: Cell::new(0),
            capacity: Cell::new(0),
            at: Cell::new(0),
            spans: Cell::new(0),
            held: Cell::new(false),
            slow: Cell::new(false),
            hold: Cell::new(Hold { at: 0, spans: 0 }),
            stop: AtomicUsize::new(NO_STOP),
            since: AtomicU64::new(0),
            replaced: Cell::new(None),
            shared: Mutex::new(Shared { chunk: None, read: 0, read_spans: 0, is_stolen: false }),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_limit(&self) {
        // What is beyond comes by the slow way, which finds that too much is held back.
        let most = if self.held.get() { self.hold.get().at + MAX_HELD_WORDS } else { usize::MAX };
        self.limit.set(if self.slow.get() { 0 } else { self.capacity.get().min(most) });
    }

    /// Says whether nothing is taken at once, so that every span comes by the slow way.
    pub(crate) fn go_slowly(&self, slow: bool) {
        self.slow.set(slow);
        self.set_limit();
    }

    /// Whether a record with this many words of items goes in without the lock.
    fn has_room_for(&self, items: usize) -> bool {
        self.at.get() + items + HEAD_WORDS <= self.capacity.get()
    }

    /// The same, and the span need not end slowly.
    #[inline(always)]
    pub(crate) fn takes_at_once(&self, items: usize) -> bool {
        self.at.get() + items + HEAD_WORDS <= self.limit.get()
    }

    /// Appends a record.
    ///
    /// # Safety
    ///
    /// Only the owner may call this, and only where `takes_at_once` says yes.
    #[inline(always)]
    pub(crate) unsafe fn append_at_once(&self, head: Head, items: &[u64]) {
        // SAFETY: as the caller says.
        unsafe { self.write(head, items).commit(self.at.get()) };
    }

    /// Writes a record, and returns the chunk in which it is not committed yet.
    ///
    /// # Safety
    ///
    /// Only the owner may call this, and only where `has_room_for` says yes.
    #[inline(always)]
    unsafe fn write(&self, head: Head, items: &[u64]) -> &Chunk {
        let at = self.at.get();
        // SAFETY: the chunk is the owner's, there is room, and `at` is not below what is committed.
        let chunk = unsafe { &*self.chunk.get() };
        // SAFETY: as above.
        unsafe {
            chunk.write(at, &head);
            if !items.is_empty() {
                chunk.write(at + HEAD_WORDS, items);
            }
        }
        self.at.set(at + HEAD_WORDS + items.len());
        self.spans.set(self.spans.get() + 1);
        chunk
    }

    /// Appends a record that does not fit into the chunk.
    ///
    /// # Safety
    ///
    /// Only the owner may call this.
    pub(crate) unsafe fn append_slowly(&self, head: Head, items: &[u64], queue: &Queue) -> Result<(), TooLarge> {
        let words = HEAD_WORDS + items.len();
        if words > MAX_RECORD_WORDS {
            return Err(TooLarge);
        }
        if !self.has_room_for(items.len()) {
            // SAFETY: the caller is the owner.
            unsafe { self.replace(words, queue) };
        }
        // SAFETY: the caller is the owner, and there is room now.
        unsafe { self.write(head, items).commit(self.at.get()) };
        Ok(())
    }

    /// Changes the chunk if it is nearly full, at a moment when that keeps nobody waiting.
    ///
    /// # Safety
    ///
    /// Only the owner may call this.
    #[inline]
    pub(crate) unsafe fn change_early(&self, queue: &Queue) {
        if self.at.get() > self.limit.get() / 4 * 3 && !self.held.get() {
            // SAFETY: the caller is the owner.
            unsafe { self.replace(0, queue) };
        }
    }

    /// Puts another chunk in place and sends the old one to the queue. What is held back moves along.
    ///
    /// # Safety
    ///
    /// Only the owner may call this.
    unsafe fn replace(&self, words: usize, queue: &Queue) {
        // Whatever the allocator does, the cells must not say that there is room in a chunk that is gone.
        self.limit.set(0);
        let (previous, at, spans) = (self.capacity.take(), self.at.take(), self.spans.take());
        let mut shared = self.shared();
        let hold = self.hold.replace(Hold { at: 0, spans: 0 });
        // What was taken away does not come along.
        let is_held = self.held.get() && !shared.is_stolen;
        let hold = if is_held { hold } else { Hold { at, spans } };
        let (kept_words, kept_spans) = (at - hold.at, spans - hold.spans);
        // What is held back is copied, so there has to be room for as much again, or every record would copy it once more.
        let wanted = words + kept_words + kept_words.min(MAX_HELD_WORDS.saturating_sub(kept_words));
        let (read, read_spans) = (std::mem::take(&mut shared.read), std::mem::take(&mut shared.read_spans));
        let unread = hold.spans - read_spans;
        // A chunk that is filled within a second is followed by a larger one.
        let now = Instant::now();
        let is_busy = self.replaced.replace(Some(now)).is_none_or(|since| now - since < BUSY);
        let size = if is_busy { previous * 2 } else { previous };
        let new = || Arc::new(Chunk::with_room_for(wanted, size));
        // The old chunk goes to the queue still under the lock, so that the collector, which looks at threads first, finds it in
        // one of the places.
        let chunk = match shared.chunk.take() {
            Some(old) if kept_words > 0 => {
                let chunk = new();
                // SAFETY: this thread owns both, and has written these words of the old one.
                unsafe { old.read_own(hold.at, at, |words| chunk.write(0, words)) };
                // Whoever gets the old one reads all of it.
                old.commit(hold.at);
                chunk.commit(kept_words);
                if unread > 0 {
                    queue.push(FullChunk { chunk: old, from: read, spans: unread });
                }
                chunk
            }
            Some(old) if unread > 0 => {
                let full = FullChunk { chunk: old, from: read, spans: unread };
                if size >= FULL_WORDS {
                    queue.exchange(full, wanted)
                } else {
                    queue.push(full);
                    None
                }
                .unwrap_or_else(new)
            }
            // Nobody needs what is in it.
            Some(old) if previous >= FULL_WORDS.max(wanted) => {
                old.clear();
                old
            }
            _ => new(),
        };
        self.chunk.set(Arc::as_ptr(&chunk));
        self.at.set(kept_words);
        self.spans.set(kept_spans);
        self.capacity.set(chunk.capacity());
        self.set_limit();
        if self.held.get() {
            self.stop.store(0, Ordering::Relaxed);
        }
        shared.chunk = Some(chunk);
    }

    /// Sends what there is to the queue, because the thread ends.
    ///
    /// # Safety
    ///
    /// Only the owner may call this.
    pub(crate) unsafe fn close(&self, queue: &Queue) {
        // SAFETY: the caller is the owner.
        unsafe { self.release() };
        self.limit.set(0);
        self.capacity.set(0);
        let (spans, _) = (self.spans.take(), self.at.take());
        let mut shared = self.shared();
        let (from, read_spans) = (std::mem::take(&mut shared.read), std::mem::take(&mut shared.read_spans));
        if let Some(chunk) = shared.chunk.take().filter(|_| spans > read_spans) {
            queue.push(FullChunk { chunk, from, spans: spans - read_spans });
        }
    }

    /// Keeps the collector and the owner from exchanging chunks.
    #[cfg_attr(any(not(unix), miri), allow(dead_code))]
    pub(crate) fn lock(&self) -> OutboxLock<'_> {
        OutboxLock(self.shared())
    }

    /// Takes nothing at once any more, and holds nothing back. For the owner only.
    #[cfg_attr(any(not(unix), miri), allow(dead_code))]
    pub(crate) fn abandon(&self) {
        self.limit.set(0);
        self.capacity.set(0);
        self.held.set(false);
    }

    /// Gives `f` what the collector has not read yet, and returns how many spans that were. What is held back since `steal` or
    /// longer, in ticks, is taken away, too.
    pub(crate) fn collect(&self, steal: u64, f: impl FnOnce(&[u64]) -> u64) -> u64 {
        let mut shared = self.shared();
        let Shared { chunk: Some(chunk), read, read_spans, is_stolen } = &mut *shared else { return 0 };
        let to = self.readable(chunk, *is_stolen, Some(steal));
        *is_stolen |= to.1;
        // SAFETY: the owner writes above what is committed. What is held back it changes under the lock, and `to` is not
        // within that, unless it was taken away; then it is not changed any more.
        let (words, spans) = unsafe { chunk.read_to(*read, to.0, |words| (words.len(), f(words))) };
        *read += words;
        *read_spans += spans;
        spans
    }

    /// Up to where the chunk can be read, and whether that takes away what is held back.
    fn readable(&self, chunk: &Chunk, is_stolen: bool, steal: Option<u64>) -> (usize, bool) {
        // In this order: whoever sees a record that is held back sees the stop, which was there before.
        let committed = chunk.committed();
        let stop = self.stop.load(Ordering::Relaxed);
        if stop >= committed || is_stolen {
            return (committed, false);
        }
        let steals = steal.is_some_and(|steal| self.since.load(Ordering::Relaxed) <= steal);
        (if steals { committed } else { stop }, steals)
    }

    /// Shows `f` what the collector has not read yet, and leaves it to be read. For captures of tests.
    #[allow(dead_code)]
    pub(crate) fn peek(&self, f: impl FnOnce(&[u64])) {
        let shared = self.shared();
        if let Some(chunk) = &shared.chunk {
            let (to, _) = self.readable(chunk, shared.is_stolen, None);
            // SAFETY: as in `collect`.
            unsafe { chunk.read_to(shared.read, to, f) };
        }
    }

    /// How large the chunk is. For tests.
    #[cfg(test)]
    #[allow(dead_code)]
    pub(crate) fn capacity(&self) -> usize {
        self.capacity.get()
    }

    /// Whether records are held back.
    #[inline(always)]
    pub(crate) fn holds(&self) -> bool {
        self.held.get()
    }

    /// From now on records are held back, until they are [settled](Self::settle). `now` in ticks.
    pub(crate) fn hold(&self, now: u64) {
        self.hold.set(Hold { at: self.at.get(), spans: self.spans.get() });
        self.held.set(true);
        self.since.store(now, Ordering::Relaxed);
        self.stop.store(self.at.get(), Ordering::Relaxed);
        self.set_limit();
    }

    /// Whether so much is held back that the thread must let it go.
    pub(crate) fn holds_too_much(&self) -> bool {
        self.held.get() && self.at.get() - self.hold.get().at > MAX_HELD_WORDS
    }

    /// Lets everything go that is held back, undecided.
    ///
    /// # Safety
    ///
    /// Only the owner may call this.
    pub(crate) unsafe fn release(&self) {
        if self.held.get() {
            // SAFETY: by the caller.
            unsafe { self.settle(|_| false, |_| Fate::Undecided) };
        }
    }

    /// Ends the holding back: `decide` looks at all records, and says what becomes of those that `is_its` wants; others are shown
    /// to readers as they are. Returns how many were forgotten. What was taken away stays so, and what came since is shown.
    ///
    /// # Safety
    ///
    /// Only the owner may call this, and neither function may come back here.
    pub(crate) unsafe fn settle(&self, is_its: impl Fn(&[u64]) -> bool, decide: impl FnOnce(&[u64]) -> Fate) -> u64 {
        let mut shared = self.shared();
        let is_stolen = std::mem::take(&mut shared.is_stolen);
        let (held, hold) = (self.held.replace(false), self.hold.get());
        let mut forgotten = 0;
        if held && !is_stolen && self.capacity.get() > 0 {
            // SAFETY: the pointer is good, see the field.
            let chunk = unsafe { &*self.chunk.get() };
            // SAFETY: the owner has written whole records from `hold.at` to `at`.
            let fate = unsafe { chunk.read_own(hold.at, self.at.get(), decide) };
            // SAFETY: by the caller; nobody reads these words before the lock is open.
            forgotten = unsafe { self.apply(chunk, hold, fate, is_its) };
        }
        self.stop.store(NO_STOP, Ordering::Relaxed);
        self.set_limit();
        forgotten
    }

    /// Changes or forgets the records from `hold` on that `is_its` wants; how many were forgotten.
    ///
    /// # Safety
    ///
    /// Only the owner may call this, while nobody reads there.
    unsafe fn apply(&self, chunk: &Chunk, hold: Hold, fate: Fate, is_its: impl Fn(&[u64]) -> bool) -> u64 {
        let (mut from, mut to, mut forgotten) = (hold.at, hold.at, 0);
        // SAFETY: the owner has written whole records from `hold.at` to `end`, each with a head.
        let look = |at| unsafe { chunk.read_own(at, at + HEAD_WORDS, |head| (head[0], is_its(head))) };
        let end = self.at.get();
        match fate {
            Fate::Undecided => {}
            Fate::Kept { bits, mask } => {
                while from < end {
                    let (first, is_its) = look(from);
                    if is_its {
                        // SAFETY: this is the owner, and nobody reads there.
                        unsafe { chunk.write(from, &[first & !mask | bits]) };
                    }
                    from += length_of(first);
                }
            }
            Fate::Forgotten => {
                while from < end {
                    let (first, is_its) = look(from);
                    let words = length_of(first);
                    if is_its {
                        forgotten += 1;
                    } else {
                        // SAFETY: as above; the copy leaves the words it reads first.
                        unsafe {
                            let record = chunk.read_own(from, from + words, <[u64]>::to_vec);
                            chunk.write(to, &record);
                        }
                        to += words;
                    }
                    from += words;
                }
                self.at.set(to);
                self.spans.set(self.spans.get() - forgotten);
                chunk.commit(to);
            }
        }
        forgotten
    }
}

/// See [`Outbox::lock`].
#[cfg_attr(any(not(unix), miri), allow(dead_code))]
pub(crate) struct OutboxLock<'a>(MutexGuard<'a, Shared>);

impl OutboxLock<'_> {
    /// Treats what is there as read.
    #[cfg_attr(any(not(unix), miri), allow(dead_code))]
    pub(crate) fn forget(&mut self) {
        let Shared { chunk, read, read_spans, .. } = &mut *self.0;
        if let Some(chunk) = chunk {
            let (words, spans) = chunk.read(*read, |words| (words.len(), count_records(words)));
            *read += words;
            *read_spans += spans;
        }
    }
}

/// The first record of these words, without a look at what is in it, and what follows.
#[inline]
pub(crate) fn split_record(words: &[u64]) -> Option<(&[u64], &[u64])> {
    words.split_at_checked(length_of(*words.first()?))
}

/// How many words a record has that begins with this one.
#[inline]
pub(crate) fn length_of(first: u64) -> usize {
    (first >> 32).max(1) as usize
}

/// How many records these words hold.
pub(crate) fn count_records(words: &[u64]) -> u64 {
    std::iter::successors(split_record(words), |(_, rest)| split_record(rest)).count() as u64
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("at", &self.at).field("spans", &self.spans).finish_non_exhaustive()
    }
}
