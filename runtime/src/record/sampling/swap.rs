//! A value that is exchanged while threads read it, without a lock.
//!
//! A reader says that it reads before it looks at the pointer. Who exchanges the pointer lets go of what was there before as
//! soon as nobody says so: all these accesses have one order, so a reader that is not counted yet will find the new pointer.
//! As long as somebody reads, the old value waits for the next exchange.
//!
//! To say so costs every thread a write to the same line of memory. So who reads often [keeps](Swap::get) the value, and asks
//! each time whether it [is still the one](Swap::is_current): that is a read of a line that nobody writes.
//!
//! No lock is waited for, neither here nor in the child of a fork, where a thread that has just read is gone for good: old
//! values wait there for ever.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Acquire, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

pub(in crate::record) struct Swap<T: 'static> {
    /// Of an `Arc`, or null.
    current: AtomicPtr<T>,
    readers: AtomicUsize,
    /// What was exchanged while somebody was reading.
    old: Mutex<Vec<Old<T>>>,
}

/// A value that nobody finds any more, but somebody may still be reading.
struct Old<T>(*mut T);

// SAFETY: it is only ever let go of, and only where an `Arc` of `T` may be.
unsafe impl<T: Send + Sync> Send for Old<T> {}

impl<T> Old<T> {
    /// # Safety
    ///
    /// It came from an `Arc`, and nobody reads it here.
    unsafe fn into_arc(self) -> Arc<T> {
        // SAFETY: by the caller.
        unsafe { Arc::from_raw(self.0) }
    }
}

struct Reading<'a>(&'a AtomicUsize);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl<T: Send + Sync> Swap<T> {
    pub(in crate::record) const fn new() -> Self {
        Self { current: AtomicPtr::new(null_mut()), readers: AtomicUsize::new(0), old: Mutex::new(Vec::new()) }
    }

    /// The value that is there; `None` if there has never been one.
    pub(in crate::record) fn get(&self) -> Option<Arc<T>> {
        self.readers.fetch_add(1, SeqCst);
        let _reading = Reading(&self.readers);
        let current = self.current.load(SeqCst);
        // SAFETY: the pointer is null or of an `Arc` that lives: it is let go of only after it was exchanged, and while nobody
        // is counted who may have found it; this reader was counted before it looked.
        (!current.is_null()).then(|| unsafe {
            Arc::increment_strong_count(current);
            Arc::from_raw(current)
        })
    }

    /// Whether that is the value that is there. Who has it keeps its place in memory from being another's.
    #[inline]
    pub(in crate::record) fn is_current(&self, value: &Arc<T>) -> bool {
        std::ptr::eq(self.current.load(Acquire), Arc::as_ptr(value))
    }

    /// Runs `f` on the value that is there; `None` if there has never been one.
    pub(in crate::record) fn with<R>(&self, f: impl FnOnce(&T) -> R) -> Option<R> {
        self.get().map(|value| f(&value))
    }

    /// Puts another value there; returns what nobody finds any more. Whoever calls lets go of that, where they hold no lock:
    /// what ends may call whatever it likes.
    #[must_use = "what is let go of here may call anything"]
    pub(in crate::record) fn set(&self, new: T) -> Vec<Arc<T>> {
        let old = Old(self.current.swap(Arc::into_raw(Arc::new(new)).cast_mut(), SeqCst));
        // Somebody else who exchanges one at this moment, or did so when the process was forked, is not waited for: then this
        // value is never freed.
        let Ok(mut waiting) = self.old.try_lock() else { return Vec::new() };
        if !old.0.is_null() {
            waiting.push(old);
        }
        // What waits was exchanged before this, so nobody who is counted later has found it.
        if self.readers.load(SeqCst) > 0 {
            return Vec::new();
        }
        let free = std::mem::take(&mut *waiting);
        // SAFETY: `set` has made all of them from `Arc`s; and see `get`.
        free.into_iter().map(|old| unsafe { old.into_arc() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    /// Says when it is freed, and is not what it was afterwards.
    struct Counted {
        first: u64,
        second: u64,
        freed: Arc<AtomicUsize>,
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            (self.first, self.second) = (0, 1);
            self.freed.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn nobody_reads_what_was_freed_and_everything_old_is_freed() {
        const VALUES: u64 = if cfg!(miri) { 40 } else { 20_000 };
        let swap = Arc::new(Swap::new());
        let (freed, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        assert!(swap.with(|_: &Counted| ()).is_none(), "nothing was put there");
        let readers: Vec<_> = (0..3)
            .map(|number| {
                let (swap, stop) = (Arc::clone(&swap), Arc::clone(&stop));
                std::thread::spawn(move || {
                    let (mut last, mut kept) = (0, None);
                    while !stop.load(Relaxed) {
                        // One of them keeps what it has for as long as it is the current one.
                        kept = kept.filter(|kept| number == 0 && swap.is_current(kept)).or_else(|| swap.get());
                        let seen = kept.as_ref().map(|value: &Arc<Counted>| {
                            assert_eq!(value.first, value.second, "it is whole");
                            value.first
                        });
                        assert!(seen.is_none_or(|seen| seen >= last), "what was seen once is not undone");
                        last = seen.unwrap_or(last);
                    }
                })
            })
            .collect();
        for number in 0..VALUES {
            drop(swap.set(Counted { first: number, second: number, freed: Arc::clone(&freed) }));
        }
        stop.store(true, Relaxed);
        for reader in readers {
            reader.join().expect("no reader sees half a value");
        }
        drop(swap.set(Counted { first: VALUES, second: VALUES, freed: Arc::clone(&freed) }));
        assert_eq!(freed.load(Relaxed) as u64, VALUES, "all but the last");
        // For Miri, which wants to see everything freed.
        // SAFETY: the pointer came from an `Arc`, and nobody reads any more.
        drop(unsafe { Old(swap.current.load(SeqCst)).into_arc() });
    }

    #[test]
    fn a_value_may_be_exchanged_by_who_reads_it() {
        let swap = Swap::new();
        drop(swap.set(vec![1]));
        let seen = swap.with(|value| {
            drop(swap.set(vec![2]));
            value.clone()
        });
        assert_eq!((seen, swap.with(Clone::clone)), (Some(vec![1]), Some(vec![2])));
        drop(swap.set(Vec::new()));
        assert!(swap.old.lock().expect("no panic").is_empty(), "the old ones are gone");
        // SAFETY: as above.
        drop(unsafe { Old(swap.current.load(SeqCst)).into_arc() });
    }

    #[test]
    fn who_keeps_a_value_learns_that_it_is_old_and_may_still_use_it() {
        let swap = Swap::new();
        drop(swap.set(1));
        let kept = swap.get().expect("there is one");
        assert!(swap.is_current(&kept));
        drop(swap.set(1));
        assert!(!swap.is_current(&kept), "an equal one is another");
        assert_eq!((*kept, Arc::strong_count(&kept)), (1, 1), "nobody else keeps it");
        // SAFETY: as above.
        drop(unsafe { Old(swap.current.load(SeqCst)).into_arc() });
    }

    #[test]
    fn a_reader_that_panics_reads_no_more() {
        let swap = Swap::new();
        drop(swap.set(1));
        let panicked =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| swap.with(|_| panic!("a sampler's own"))));
        assert!(panicked.is_err());
        drop(swap.set(2));
        assert!(swap.old.lock().expect("no panic").is_empty());
        // SAFETY: as above.
        drop(unsafe { Old(swap.current.load(SeqCst)).into_arc() });
    }
}
