//! What each thread keeps: which span is active, scratch space, and the chunk its finished spans go to.

use super::chunk::{Chunk, HEAD_WORDS, Head, MAX_RECORD_WORDS, Records};
use super::counters::{COUNTERS, Counters};
use super::future::AsyncSpan;
use super::queue::{FullChunk, QUEUE};
use crate::wire::Scratch;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId};
use opentelemetry::{Context, ContextGuard};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether a pipeline runs; the only thing an annotated function looks at when telemetry is off.
pub(super) static ENABLED: AtomicBool = AtomicBool::new(false);

pub(crate) fn set_enabled(enabled: bool) {
    ENABLED.store(enabled, Ordering::Release);
}

#[inline(always)]
pub(super) fn enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

/// Whether the active trace is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// No span of ours is active.
    Nothing,
    Recording,
    Unsampled,
}

/// The span of ours that is active on a thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Active {
    pub(super) trace: (u64, u64),
    pub(super) span: u64,
    pub(super) mode: Mode,
}

impl Active {
    pub(super) const NOTHING: Self = Self { trace: (0, 0), span: 0, mode: Mode::Nothing };

    /// Makes the span current for OpenTelemetry too, so that spans made with its API become children.
    pub(super) fn context(&self) -> Context {
        let flags = if self.mode == Mode::Recording { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
        Context::map_current(|current| {
            let state = current.span().span_context().trace_state().clone();
            let trace = TraceId::from(u128::from(self.trace.0) << 64 | u128::from(self.trace.1));
            let span = SpanContext::new(trace, SpanId::from(self.span), flags, false, state);
            current.with_remote_span_context(span)
        })
    }

    pub(super) fn attach(&self) -> ContextGuard {
        self.context().attach()
    }
}

/// State of one thread. Everything but `shared` is touched by the owner only.
pub(super) struct Thread {
    pub(super) active: Cell<Active>,
    pub(super) scratch: Scratch,
    /// The asynchronous span whose future is being polled right now, innermost.
    pub(super) polled: Cell<*const AsyncSpan>,
    random: Cell<u64>,
    /// The chunk in `shared`. Only the owner replaces that one, so the pointer stays good between its own calls.
    chunk: Cell<*const Chunk>,
    /// Spans in the chunk.
    spans: Cell<u64>,
    shared: Mutex<Shared>,
}

// SAFETY: another thread reaches a `Thread` through the registry only, and uses `shared` alone, which is a mutex.
unsafe impl Send for Thread {}
// SAFETY: as above.
unsafe impl Sync for Thread {}

struct Shared {
    chunk: Arc<Chunk>,
    /// How far the collector has read.
    read: usize,
    read_spans: u64,
}

static THREADS: Mutex<Vec<Arc<Thread>>> = Mutex::new(Vec::new());

fn threads() -> MutexGuard<'static, Vec<Arc<Thread>>> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static POINTER: Cell<*const Thread> = const { Cell::new(std::ptr::null()) };
    static OWNER: Owner = Owner(Thread::register());
}

struct Owner(Arc<Thread>);

impl Drop for Owner {
    fn drop(&mut self) {
        POINTER.set(std::ptr::null());
        // In this order, so that the collector finds the spans in the queue at the latest when it no longer finds them here:
        // who waits for a scoped thread does not wait for this.
        self.0.hand_over(0);
        threads().retain(|thread| !Arc::ptr_eq(thread, &self.0));
    }
}

/// The calling thread's state; `None` while the thread is ending.
///
/// The reference is only good on this thread: `Thread` is kept out of anything that is `Send`.
#[inline(always)]
pub(super) fn current() -> Option<&'static Thread> {
    let pointer = POINTER.get();
    if pointer.is_null() {
        return register_current();
    }
    // SAFETY: `OWNER` holds the `Arc` until the thread ends, and takes the pointer back first. Spans that hold the
    // reference live on this thread's stack, which is gone by then.
    Some(unsafe { &*pointer })
}

#[cold]
#[inline(never)]
fn register_current() -> Option<&'static Thread> {
    // A thread's locals end in the opposite order of their beginning. OpenTelemetry's begins first, so that it is there for
    // as long as ours is; if it is gone already, which only a panic tells, there is no place for spans any more.
    std::panic::catch_unwind(|| Context::map_current(|_| ())).ok()?;
    let pointer = OWNER.try_with(|owner| Arc::as_ptr(&owner.0)).ok()?;
    POINTER.set(pointer);
    // SAFETY: as in `current`.
    Some(unsafe { &*pointer })
}

impl Thread {
    fn register() -> Arc<Self> {
        use std::hash::{BuildHasher, RandomState};
        let chunk = Arc::new(Chunk::with_room_for(0, 0));
        let thread = Arc::new(Self {
            active: Cell::new(Active::NOTHING),
            scratch: Scratch::new(),
            polled: Cell::new(std::ptr::null()),
            random: Cell::new(RandomState::new().hash_one(std::thread::current().id())),
            chunk: Cell::new(Arc::as_ptr(&chunk)),
            spans: Cell::new(0),
            shared: Mutex::new(Shared { chunk, read: 0, read_spans: 0 }),
        });
        threads().push(Arc::clone(&thread));
        thread
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A random number that is not zero (wyrand).
    #[inline(always)]
    pub(super) fn new_id(&self) -> u64 {
        let random = self.random.get().wrapping_add(0x2d35_8dcc_aa6c_78a5);
        self.random.set(random);
        let product = u128::from(random).wrapping_mul(u128::from(random ^ 0x8bb8_4b93_962e_acc9));
        let id = (product >> 64) as u64 ^ product as u64;
        id | u64::from(id == 0)
    }

    /// Appends a finished span to the chunk.
    #[inline]
    pub(super) fn finish(&self, head: &Head, items: &[u64]) {
        let words = HEAD_WORDS + items.len();
        if !enabled() {
            Counters::add(&COUNTERS.after_shutdown, 1);
            return;
        }
        // SAFETY: the pointer is good, see the field.
        if !unsafe { &*self.chunk.get() }.has_room_for(words) {
            if words > MAX_RECORD_WORDS {
                Counters::add(&COUNTERS.too_large, 1);
                return;
            }
            self.hand_over(words);
        }
        // SAFETY: this is the owning thread, and there is room now.
        unsafe { (*self.chunk.get()).append(head, items) };
        self.spans.set(self.spans.get() + 1);
    }

    /// Puts a new chunk in place and sends the old one to the queue.
    #[cold]
    #[inline(never)]
    fn hand_over(&self, words: usize) {
        // SAFETY: the pointer is good, see the field.
        let previous = unsafe { &*self.chunk.get() }.capacity();
        let chunk = Arc::new(Chunk::with_room_for(words, previous));
        self.chunk.set(Arc::as_ptr(&chunk));
        let mut shared = self.shared();
        let old = std::mem::replace(&mut *shared, Shared { chunk, read: 0, read_spans: 0 });
        let spans = self.spans.take() - old.read_spans;
        if spans > 0 {
            // Still under the lock, so that the collector, which looks at threads first, finds the chunk in one of the places.
            QUEUE.push(FullChunk { chunk: old.chunk, from: old.read, spans });
        }
    }
}

/// Gives `f` what every thread has finished since the last call, without waiting for any of them.
pub(crate) fn collect_from_threads(mut f: impl FnMut(Records<'_>)) {
    let threads: Vec<_> = threads().clone();
    for thread in threads {
        let mut shared = thread.shared();
        let records = shared.chunk.read(shared.read);
        let (words, spans) = (records.words(), records.count() as u64);
        if spans > 0 {
            f(records);
        }
        shared.read += words;
        shared.read_spans += spans;
    }
}
