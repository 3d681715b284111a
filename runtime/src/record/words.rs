//! Memory that one thread writes while others read what it has finished.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

/// A stretch of words of fixed length, uninitialised at first.
pub(crate) struct Words(Box<[UnsafeCell<MaybeUninit<u64>>]>);

// SAFETY: `write` and `read` leave it to their callers that nobody reads what is being written.
unsafe impl Sync for Words {}

impl Words {
    pub(crate) fn new(length: usize) -> Self {
        let words = Box::<[UnsafeCell<MaybeUninit<u64>>]>::new_uninit_slice(length);
        // SAFETY: a cell of memory that need not be initialised needs no initialisation.
        Self(unsafe { words.assume_init() })
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// # Safety
    ///
    /// `at + words.len()` is at most the length, and no other call reads or writes these words at the same time.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, at: usize, words: &[u64]) {
        debug_assert!(at + words.len() <= self.0.len());
        // SAFETY: the caller keeps within the memory and alone; a cell of a `MaybeUninit<u64>` has the layout of a `u64`.
        unsafe {
            let to = self.0.as_ptr().cast::<u64>().cast_mut().add(at);
            std::ptr::copy_nonoverlapping(words.as_ptr(), to, words.len());
        }
    }

    /// # Safety
    ///
    /// The words from `from` to `to` have been written, and nobody writes them during the call.
    #[inline(always)]
    pub(crate) unsafe fn read<R>(&self, from: usize, to: usize, f: impl FnOnce(&[u64]) -> R) -> R {
        debug_assert!(from <= to && to <= self.0.len());
        // SAFETY: the caller made sure that the words are initialised and stay as they are.
        f(unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<u64>().add(from), to - from) })
    }
}
