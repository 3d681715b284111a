//! A thread's finished spans on their way out: the chunk it writes to, and how that chunk changes hands.
//!
//! The owner appends without a lock. The lock is taken to replace the chunk, about once in 700 spans of a busy thread, and by the
//! collector to read. Records may be held back until a trace is decided; readers do not see them, and if the trace is not
//! kept, the write cursor is put back.

use super::chunk::{Chunk, FULL_WORDS, HEAD_WORDS};
use super::queue::{FullChunk, Queue};
use super::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::cell::Cell;
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
    /// Up to where records can be appended and committed at once: the chunk's capacity, or 0 while there is no chunk,
    /// records are held back, or every span has to end slowly.
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
    /// When the chunk was put in place.
    since: Cell<Option<Instant>>,
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
            since: Cell::new(None),
            shared: Mutex::new(Shared { chunk: None, read: 0, read_spans: 0 }),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_limit(&self) {
        self.limit.set(if self.held.get() || self.slow.get() { 0 } else { self.capacity.get() });
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

    /// The same, and nothing is held back.
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
        let chunk = unsafe { self.write(head, items) };
        if !self.held.get() {
            chunk.commit(self.at.get());
        }
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
        let hold = self.hold.replace(Hold { at: 0, spans: 0 });
        let hold = if self.held.get() { hold } else { Hold { at, spans } };
        let (kept_words, kept_spans) = (at - hold.at, spans - hold.spans);
        let wanted = words + kept_words;
        let mut shared = self.shared();
        let (read, read_spans) = (std::mem::take(&mut shared.read), std::mem::take(&mut shared.read_spans));
        let unread = hold.spans - read_spans;
        // A chunk that is filled within a second is followed by a larger one.
        let now = Instant::now();
        let is_busy = self.since.replace(Some(now)).is_none_or(|since| now - since < BUSY);
        let size = if is_busy { previous * 2 } else { previous };
        let new = || Arc::new(Chunk::with_room_for(wanted, size));
        // The old chunk goes to the queue still under the lock, so that the collector, which looks at threads first, finds it in
        // one of the places.
        let chunk = match shared.chunk.take() {
            Some(old) if kept_words > 0 => {
                let chunk = new();
                // SAFETY: this thread owns both, and has written these words of the old one.
                unsafe { old.read_own(hold.at, at, |words| chunk.write(0, words)) };
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

    /// Gives `f` what the collector has not read yet, and returns how many spans that were.
    pub(crate) fn collect(&self, f: impl FnOnce(&[u64]) -> u64) -> u64 {
        let mut shared = self.shared();
        let Some(chunk) = &shared.chunk else { return 0 };
        let (words, spans) = chunk.read(shared.read, |words| (words.len(), f(words)));
        shared.read += words;
        shared.read_spans += spans;
        spans
    }

    /// Shows `f` what the collector has not read yet, and leaves it to be read. For captures of tests.
    #[allow(dead_code)]
    pub(crate) fn peek(&self, f: impl FnOnce(&[u64])) {
        let shared = self.shared();
        if let Some(chunk) = &shared.chunk {
            chunk.read(shared.read, f);
        }
    }

    /// Whether records are held back.
    #[inline(always)]
    pub(crate) fn holds(&self) -> bool {
        self.held.get()
    }

    /// From now on records are held back, until [`release`](Self::release) or [`put_back`](Self::put_back).
    pub(crate) fn hold(&self) {
        self.hold.set(Hold { at: self.at.get(), spans: self.spans.get() });
        self.held.set(true);
        self.limit.set(0);
    }

    /// Whether so much is held back that it must be decided now.
    pub(crate) fn holds_too_much(&self) -> bool {
        self.held.get() && self.at.get() - self.hold.get().at > MAX_HELD_WORDS
    }

    /// Lets everything go that is held back.
    ///
    /// # Safety
    ///
    /// Only the owner may call this.
    pub(crate) unsafe fn release(&self) {
        let held = self.held.replace(false);
        self.set_limit();
        if held && self.capacity.get() > 0 {
            // SAFETY: the pointer is good, see the field.
            unsafe { (*self.chunk.get()).commit(self.at.get()) };
        }
    }

    /// Puts the write cursor back to where [`hold`](Self::hold) was called: what came since is forgotten, except for the
    /// records that `keep` wants. Returns how many were forgotten.
    ///
    /// # Safety
    ///
    /// Only the owner may call this.
    pub(crate) unsafe fn put_back(&self, keep: impl Fn(&[u64]) -> bool) -> u64 {
        let held = self.held.replace(false);
        self.set_limit();
        if !held || self.capacity.get() == 0 {
            return 0;
        }
        let hold = self.hold.get();
        // SAFETY: the pointer is good, see the field.
        let chunk = unsafe { &*self.chunk.get() };
        let (mut from, mut to, mut kept) = (hold.at, hold.at, 0);
        while from < self.at.get() {
            // SAFETY: the owner has written whole records from `hold.at` to `at`; the copy leaves the words it reads first.
            let words = unsafe {
                let words = chunk.read_own(from, from + 1, |head| (head[0] >> 32) as usize);
                if chunk.read_own(from, from + words, &keep) {
                    let record = chunk.read_own(from, from + words, <[u64]>::to_vec);
                    chunk.write(to, &record);
                    to += words;
                    kept += 1;
                }
                words
            };
            from += words;
        }
        let forgotten = self.spans.get() - hold.spans - kept;
        self.at.set(to);
        self.spans.set(hold.spans + kept);
        chunk.commit(to);
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
        let Shared { chunk, read, read_spans } = &mut *self.0;
        if let Some(chunk) = chunk {
            let (words, spans) = chunk.read(*read, |words| (words.len(), count_records(words)));
            *read += words;
            *read_spans += spans;
        }
    }
}

/// The first record of these words, without a look at what is in it, and what follows.
pub(crate) fn split_record(words: &[u64]) -> Option<(&[u64], &[u64])> {
    let length = (words.first()? >> 32).max(1) as usize;
    words.split_at_checked(length)
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
