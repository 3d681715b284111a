//! Finished spans in memory: written by one thread, read by the collector at the same time.

use super::{Callsite, flag, view::SpanRecord};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Words before a record's items.
pub(super) const HEAD_WORDS: usize = 8;
/// A thread's first chunk: 1 KiB, because many threads make few spans.
const FIRST_WORDS: usize = 128;
/// A busy thread's chunk: 32 KiB.
const FULL_WORDS: usize = 4096;
/// The longest record that is accepted: 256 KiB.
pub(super) const MAX_RECORD_WORDS: usize = 32 * 1024;

/// Everything about a finished span but its items.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) callsite: &'static Callsite,
    pub(super) trace: (u64, u64),
    pub(super) span: u64,
    pub(super) parent: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) flags: u8,
}

/// A stretch of memory to which one thread appends records.
///
/// The owner writes above `committed`, and moves `committed` up once a record is whole; readers look only below it. So
/// both work without a lock. Who may replace or free the chunk is settled by [`super::thread`].
pub(crate) struct Chunk {
    words: Box<[UnsafeCell<MaybeUninit<u64>>]>,
    committed: AtomicUsize,
}

// SAFETY: `append` is called by the owning thread only and writes above `committed`; `read` looks below it after an
// acquiring load that pairs with the owner's releasing store.
unsafe impl Sync for Chunk {}

impl Chunk {
    pub(super) fn with_room_for(words: usize, previous: usize) -> Self {
        let words = words.max((previous * 2).clamp(FIRST_WORDS, FULL_WORDS));
        Self {
            words: (0..words).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect(),
            committed: AtomicUsize::new(0),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.words.len()
    }

    #[inline(always)]
    pub(super) fn has_room_for(&self, words: usize) -> bool {
        // Only the owner stores to `committed`, so it needs no ordering to read its own value.
        self.words.len() - self.committed.load(Ordering::Relaxed) >= words
    }

    /// Appends a record.
    ///
    /// # Safety
    ///
    /// Only the thread that owns the chunk may call this, and only after `has_room_for` said yes.
    #[inline(always)]
    pub(super) unsafe fn append(&self, head: &Head, items: &[u64]) {
        let at = self.committed.load(Ordering::Relaxed);
        let words = HEAD_WORDS + items.len();
        debug_assert!(self.has_room_for(words));
        let head = [
            u64::from(head.flags) | (words as u64) << 32,
            std::ptr::from_ref(head.callsite).expose_provenance() as u64,
            head.trace.0,
            head.trace.1,
            head.span,
            head.parent,
            head.start,
            head.end,
        ];
        // SAFETY: the caller made sure of the room, the words above `committed` are the owner's alone, and
        // `UnsafeCell<MaybeUninit<u64>>` has the layout of `u64`.
        unsafe {
            let to = self.words.as_ptr().cast::<u64>().cast_mut().add(at);
            std::ptr::copy_nonoverlapping(head.as_ptr(), to, HEAD_WORDS);
            std::ptr::copy_nonoverlapping(items.as_ptr(), to.add(HEAD_WORDS), items.len());
        }
        self.committed.store(at + words, Ordering::Release);
    }

    /// The records from word `from` to the end of what is committed.
    pub(crate) fn read(&self, from: usize) -> Records<'_> {
        let to = self.committed.load(Ordering::Acquire);
        // SAFETY: words below `committed` are initialised and never written again.
        let words = unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast::<u64>(), to) };
        Records(words.get(from..).unwrap_or_default())
    }
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunk").field("capacity", &self.capacity()).field("committed", &self.committed).finish()
    }
}

/// Reads records until the words end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records<'a>(&'a [u64]);

impl<'a> Records<'a> {
    /// How many words there are.
    pub(crate) fn words(&self) -> usize {
        self.0.len()
    }

    /// The records as plain words, to be kept and given to [`Records::from_words`] later.
    pub(crate) fn as_words(&self) -> &'a [u64] {
        self.0
    }

    /// Reads words that [`as_words`](Self::as_words) gave.
    pub(crate) fn from_words(words: &'a [u64]) -> Self {
        Self(words)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = SpanRecord<'a>;

    #[inline]
    fn next(&mut self) -> Option<SpanRecord<'a>> {
        let words = (*self.0.first()? >> 32) as usize;
        let (record, rest) = self.0.split_at_checked(words)?;
        self.0 = rest;
        let (head, items) = record.split_at_checked(HEAD_WORDS)?;
        let callsite = std::ptr::with_exposed_provenance::<Callsite>(head[1] as usize);
        Some(SpanRecord {
            // SAFETY: `append` stored the address of a `&'static Callsite` in this word, exposing its provenance.
            callsite: unsafe { &*callsite },
            trace_id: u128::from(head[2]) << 64 | u128::from(head[3]),
            span_id: head[4],
            parent_span_id: head[5],
            start: head[6],
            end: head[7],
            flags: head[0] as u8 & (flag::REMOTE_PARENT | flag::PANIC),
            items,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier_spec::Kind;

    static SITE: Callsite = Callsite { name: "test", named: false, kind: Kind::Internal, schema: None, keys: &[] };

    fn head(span: u64) -> Head {
        Head { callsite: &SITE, trace: (1, 2), span, parent: 0, start: 10, end: 20, flags: flag::PANIC }
    }

    #[test]
    fn records_read_back_as_appended() {
        let chunk = Chunk::with_room_for(0, 0);
        // SAFETY: this thread owns the chunk, which has room for 128 words.
        unsafe {
            chunk.append(&head(7), &[1, 2, 3]);
            chunk.append(&head(8), &[]);
        }
        let read: Vec<_> = chunk.read(0).map(|record| (record.span_id, record.items.len(), record.flags)).collect();
        assert_eq!(read, [(7, 3, flag::PANIC), (8, 0, flag::PANIC)]);
        assert_eq!(chunk.read(HEAD_WORDS + 3).count(), 1);
        assert_eq!(chunk.read(1000).count(), 0);
    }

    #[test]
    fn chunks_grow_up_to_a_limit_and_fit_what_is_asked() {
        assert_eq!(Chunk::with_room_for(0, 0).capacity(), 128);
        assert_eq!(Chunk::with_room_for(0, 128).capacity(), 256);
        assert_eq!(Chunk::with_room_for(0, 4096).capacity(), 4096);
        assert_eq!(Chunk::with_room_for(5000, 128).capacity(), 5000);
    }

    #[test]
    fn a_reader_sees_whole_records_while_the_owner_writes() {
        let chunk = Chunk::with_room_for(4096, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut span = 1;
                while chunk.has_room_for(HEAD_WORDS + 2) {
                    // SAFETY: only this thread appends.
                    unsafe { chunk.append(&head(span), &[span, span]) };
                    span += 1;
                }
            });
            let mut from = 0;
            let mut next = 1;
            while next < 400 {
                let records = chunk.read(from);
                from += records.words();
                for record in records {
                    assert_eq!((record.span_id, record.items), (next, [next, next].as_slice()));
                    next += 1;
                }
            }
        });
    }
}
