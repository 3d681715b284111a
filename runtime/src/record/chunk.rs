//! Finished spans in memory: written by one thread, read by the collector at the same time.

use super::sync::{AtomicUsize, Ordering};
use super::words::Words;

/// Words before a record's items.
pub(crate) const HEAD_WORDS: usize = 8;
/// A thread's first chunk: 1 KiB, because many threads make few spans.
const FIRST_WORDS: usize = 128;
/// A busy thread's chunk: 64 KiB.
pub(crate) const FULL_WORDS: usize = 8 * 1024;

/// A stretch of memory to which one thread appends records.
///
/// The owner writes above `committed`, and moves `committed` up once records are whole; readers look only below it. So
/// both work without a lock. Who may replace or free the chunk is settled by [`super::outbox`].
pub(crate) struct Chunk {
    words: Words,
    committed: AtomicUsize,
}

impl Chunk {
    /// An empty chunk of this size, within limits, and with room for `words`.
    pub(crate) fn with_room_for(words: usize, size: usize) -> Self {
        let words = words.max(size.clamp(FIRST_WORDS, FULL_WORDS));
        Self { words: Words::new(words), committed: AtomicUsize::new(0) }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.words.len()
    }

    /// Writes a record, or another part of one, without committing it.
    ///
    /// # Safety
    ///
    /// Only the thread that owns the chunk may call this, with `at` not below what is committed, and room behind it.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, at: usize, words: &[u64]) {
        // SAFETY: the words above `committed` are the owner's alone, and the caller made sure of the room.
        unsafe { self.words.write(at, words) };
    }

    /// Shows everything below `to` to readers. For the owner only.
    #[inline(always)]
    pub(crate) fn commit(&self, to: usize) {
        self.committed.store(to, Ordering::Release);
    }

    /// Up to where readers may look.
    pub(crate) fn committed(&self) -> usize {
        self.committed.load(Ordering::Acquire)
    }

    /// The words from `from` to the end of what is committed. Nothing of it may be held back: see [`super::outbox`].
    pub(crate) fn read<R>(&self, from: usize, f: impl FnOnce(&[u64]) -> R) -> R {
        let to = self.committed();
        // SAFETY: words below `committed` are initialised and not written again while there are readers.
        unsafe { self.words.read(from.min(to), to, f) }
    }

    /// The words from `from` to `to`, which is not above what is committed.
    ///
    /// # Safety
    ///
    /// `committed` has shown the caller as much, and nobody writes these words during the call.
    pub(crate) unsafe fn read_to<R>(&self, from: usize, to: usize, f: impl FnOnce(&[u64]) -> R) -> R {
        // SAFETY: by the caller.
        unsafe { self.words.read(from.min(to), to, f) }
    }

    /// The words from `from` to `to`, committed or not.
    ///
    /// # Safety
    ///
    /// Only the owner may call this, and the words must have been written.
    pub(crate) unsafe fn read_own<R>(&self, from: usize, to: usize, f: impl FnOnce(&[u64]) -> R) -> R {
        // SAFETY: nobody but the owner writes.
        unsafe { self.words.read(from, to, f) }
    }

    /// Empties the chunk, for the next owner. Nobody may be reading.
    pub(crate) fn clear(&self) {
        self.committed.store(0, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunk").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
