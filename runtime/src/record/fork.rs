//! What happens to the recording path in the child of a `fork`.
//!
//! The child has a copy of everything but only one thread: no collector, and locks that other threads may have held. So
//! the locks are taken before the fork and released on both sides, recording stops in the child, what its threads had
//! recorded is forgotten (the parent exports it), and its random numbers start anew. A pipeline that is started in the
//! child records again.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static FORKS: AtomicU64 = AtomicU64::new(0);

/// How many forks lie between this process and the first one that watched.
pub(crate) fn forks() -> u64 {
    FORKS.load(Relaxed)
}

/// From now on `in_child` is called in the child of every fork, after the recording path has been put in order.
pub(crate) fn watch_forks(in_child: fn()) {
    #[cfg(all(unix, not(miri)))]
    unix::watch(in_child);
    let _ = in_child;
}

#[cfg(all(unix, not(miri)))]
mod unix {
    use super::FORKS;
    #[cfg(feature = "testing")]
    use crate::record::capture::{self, Captures};
    use crate::record::guard::store_policy;
    use crate::record::outbox::OutboxLock;
    use crate::record::queue::QueueLock;
    use crate::record::thread::{self, Registry, Thread};
    use crate::record::{Policy, QUEUE};
    use std::cell::RefCell;
    use std::ffi::c_int;
    use std::sync::atomic::Ordering::Relaxed;
    use std::sync::{MutexGuard, OnceLock};

    unsafe extern "C" {
        fn pthread_atfork(
            prepare: Option<unsafe extern "C" fn()>,
            parent: Option<unsafe extern "C" fn()>,
            child: Option<unsafe extern "C" fn()>,
        ) -> c_int;
    }

    static IN_CHILD: OnceLock<fn()> = OnceLock::new();

    pub(super) fn watch(in_child: fn()) {
        if IN_CHILD.set(in_child).is_ok() {
            // If there is no memory for the handlers, forks go unnoticed as they would without them.
            // SAFETY: the handlers are functions of this program that stay where they are.
            let _ = unsafe { pthread_atfork(Some(prepare), Some(parent), Some(child)) };
        }
    }

    /// In the opposite order of their taking, which is the one used elsewhere: captures, registry, outbox, queue.
    struct Locks {
        queue: QueueLock<'static>,
        outboxes: Vec<OutboxLock<'static>>,
        registry: MutexGuard<'static, Registry>,
        #[cfg(feature = "testing")]
        captures: MutexGuard<'static, Captures>,
    }

    thread_local! {
        static LOCKS: RefCell<Option<Locks>> = const { RefCell::new(None) };
    }

    /// Runs `f` while the allocator, which may be traced, makes no spans.
    fn quietly(f: impl FnOnce()) {
        match thread::existing() {
            Some(thread) => thread.scratch.while_busy(f),
            None => f(),
        }
    }

    unsafe extern "C" fn prepare() {
        quietly(|| {
            #[cfg(feature = "testing")]
            let captures = capture::lock();
            let registry = thread::threads();
            let outboxes = registry.iter().map(|thread| {
                // SAFETY: the registry keeps the thread's state, and nobody takes it out while it is locked; `Locks` drops
                // the registry's lock last.
                let thread: &'static Thread = unsafe { &*std::ptr::from_ref(thread) };
                thread.outbox.lock()
            });
            let outboxes = outboxes.collect();
            let locks = Locks {
                queue: QUEUE.lock(),
                outboxes,
                registry,
                #[cfg(feature = "testing")]
                captures,
            };
            let _ = LOCKS.try_with(|held| held.replace(Some(locks)));
        });
    }

    unsafe extern "C" fn parent() {
        quietly(|| drop(LOCKS.try_with(RefCell::take)));
    }

    unsafe extern "C" fn child() {
        FORKS.fetch_add(1, Relaxed);
        store_policy(Policy::Off);
        quietly(|| {
            let Ok(Some(locks)) = LOCKS.try_with(RefCell::take) else { return };
            #[cfg(feature = "testing")]
            let mut locks = locks;
            #[cfg(feature = "testing")]
            locks.captures.forget();
            let Locks { mut queue, mut outboxes, mut registry, .. } = locks;
            queue.forget();
            outboxes.iter_mut().for_each(OutboxLock::forget);
            if let Some(thread) = thread::existing() {
                thread.outbox.abandon();
            }
            drop((queue, outboxes));
            registry.begin_anew(u64::from(std::process::id()) << 32 ^ crate::clock::now());
        });
        if let Some(in_child) = IN_CHILD.get() {
            in_child();
        }
    }
}
