//! Counts allocations: of the calling thread, and of all threads. Off while something is timed, where it costs a relaxed
//! load for each allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Sub;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The system's allocator, counted.
pub(crate) struct Counting;

static ON: AtomicBool = AtomicBool::new(false);
static EVERYBODY: (AtomicU64, AtomicU64) = (AtomicU64::new(0), AtomicU64::new(0));

thread_local! {
    static MINE: Cell<Allocated> = const { Cell::new(Allocated { times: 0, bytes: 0 }) };
}

/// How often, and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allocated {
    pub(crate) times: u64,
    pub(crate) bytes: u64,
}

impl Sub for Allocated {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { times: self.times - earlier.times, bytes: self.bytes - earlier.bytes }
    }
}

/// Starts or stops counting.
pub(crate) fn count(on: bool) {
    ON.store(on, Relaxed);
}

/// What this thread has allocated while counting was on.
pub(crate) fn mine() -> Allocated {
    MINE.get()
}

/// What all threads have allocated while counting was on.
pub(crate) fn everybodys() -> Allocated {
    Allocated { times: EVERYBODY.0.load(Relaxed), bytes: EVERYBODY.1.load(Relaxed) }
}

/// Gives this thread's allocator free blocks of every small size, as it has in a program that has run for a while.
///
/// Without them glibc can get into a state that it does not leave: it takes a block of the next larger size for want of the
/// right one, and puts it back where it will not look for it, so that every allocation takes its slow path, 260 instructions
/// more. Whether that happens depends on what was allocated long before, so the same span has two prices. Limits need one;
/// comparisons do without this, because it makes others dearer (fastrace's S6 by a fifth).
pub(crate) fn settle() {
    const BLOCKS: usize = 7;
    for size in (32..=1024).step_by(16) {
        // Eight bytes are glibc's.
        let blocks: [Vec<u8>; BLOCKS] = std::array::from_fn(|_| Vec::with_capacity(size - 8));
        drop(std::hint::black_box(blocks));
    }
}

#[inline]
fn add(bytes: usize) {
    if ON.load(Relaxed) {
        let bytes = bytes as u64;
        EVERYBODY.0.fetch_add(1, Relaxed);
        EVERYBODY.1.fetch_add(bytes, Relaxed);
        // A thread that is being torn down has no counter any more.
        let _ = MINE.try_with(|mine| {
            let Allocated { times, bytes: before } = mine.get();
            mine.set(Allocated { times: times + 1, bytes: before + bytes });
        });
    }
}

// SAFETY: everything is the system allocator's; counting touches no memory of its callers and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}
