//! What each thread keeps: which span is active, scratch space, and the chunk its finished spans go to.

use super::QUEUE;
use super::adopted::Adopted;
use super::alive;
use super::ambient::NotLazy;
use super::begin::Begin;
use super::capture::Tap;
use super::counters::{COUNTERS, Counters};
use super::guard::{enabled, pointer, set_pointer};
use super::outbox::{Head, Outbox};
use super::panic::Said;
use super::shared::SharedSpan;
use super::undecided::Polls;
use super::{sampling, tail};
use crate::wire::Scratch;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether the active trace is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mode {
    /// No span of ours is active.
    Nothing,
    /// Internal synchronous spans are lazy.
    Recording,
    /// Every span is attached: there are no hooks, or the trace has a `tracestate`, which every record carries.
    RecordingAttached,
    Unsampled,
    /// Not recorded because the queue was half full when the trace began; its spans are counted.
    Refused,
}

impl Mode {
    #[inline(always)]
    pub(super) fn is_recording(self) -> bool {
        matches!(self, Self::Recording | Self::RecordingAttached)
    }
}

/// The span of ours that is active on a thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Active {
    pub(super) trace: (u64, u64),
    pub(super) span: u64,
    /// The span that is current for OpenTelemetry as far as we know: `span`, or an ancestor of it where that is lazy.
    pub(super) attached: u64,
    pub(super) mode: Mode,
}

impl Active {
    pub(super) fn trace_id(&self) -> TraceId {
        TraceId::from(u128::from(self.trace.0) << 64 | u128::from(self.trace.1))
    }

    /// Who the span is to others, with what they said of the trace.
    pub(super) fn span_context(&self, state: TraceState, flags: TraceFlags) -> SpanContext {
        let flags = flags.with_sampled(self.mode.is_recording());
        SpanContext::new(self.trace_id(), SpanId::from(self.span), flags, false, state)
    }
}

/// The same in cells, so that the hot path touches only what it needs.
#[derive(Debug)]
pub(super) struct ActiveCells {
    pub(super) trace: Cell<(u64, u64)>,
    pub(super) span: Cell<u64>,
    pub(super) attached: Cell<u64>,
    pub(super) mode: Cell<Mode>,
}

impl ActiveCells {
    pub(super) fn get(&self) -> Active {
        Active { trace: self.trace.get(), span: self.span.get(), attached: self.attached.get(), mode: self.mode.get() }
    }

    pub(super) fn set(&self, active: Active) {
        self.trace.set(active.trace);
        self.span.set(active.span);
        self.attached.set(active.attached);
        self.mode.set(active.mode);
    }
}

/// State of one thread. Other threads touch the atomics and what `outbox` shares; everything else is the owner's.
pub(super) struct Thread {
    pub(super) active: ActiveCells,
    pub(super) scratch: Scratch,
    /// The asynchronous span whose future is being polled right now, innermost.
    pub(super) polled: Cell<*const SharedSpan>,
    /// Open spans of annotated functions that somebody has a handle of.
    pub(super) adopted: Adopted,
    pub(super) not_lazy: NotLazy,
    /// How the spans begin that wait for the values of their attributes.
    pub(super) waiting: Waiting,
    /// First polls of futures whose spans wait for the same.
    pub(super) polls: Polls,
    /// Memory of spans of futures that have ended, for the next ones.
    kept: Cell<Vec<Arc<SharedSpan>>>,
    random: Cell<u64>,
    span_ids: Cell<u64>,
    /// Spans that began here, those that ended here, and those of traces that were refused. Only the owner writes.
    started: AtomicU64,
    ended: AtomicU64,
    refused: AtomicU64,
    pub(super) outbox: Outbox,
    /// The sampler that is installed, and the rules for traces that are over.
    pub(super) sampler: sampling::Mine,
    pub(super) tail: tail::Mine,
    pub(super) panics: Said,
    /// Set while somebody asks which span of ours a context holds; then the answer.
    pub(super) asked: Cell<Option<Option<Arc<SharedSpan>>>>,
    /// Whether it is the copy of a state of the process that this one was forked from.
    abandoned: Cell<bool>,
}

// SAFETY: another thread reaches a `Thread` through the registry only, and uses the atomics and `Outbox::collect` alone.
unsafe impl Send for Thread {}
// SAFETY: as above.
unsafe impl Sync for Thread {}

/// How the spans of annotated functions begin that wait for the values of their attributes, innermost last; `None` for those of
/// which nothing is said.
#[derive(Default)]
pub(super) struct Waiting(Cell<Vec<Option<Begin>>>);

impl Waiting {
    pub(super) fn push(&self, begin: Option<Begin>) {
        let mut all = self.0.take();
        all.push(begin);
        self.0.set(all);
    }

    pub(super) fn pop(&self) -> Option<Begin> {
        let mut all = self.0.take();
        let last = all.pop().flatten();
        self.0.set(all);
        last
    }
}

/// Every thread that has made a span, and the numbers of those that are gone.
static THREADS: Mutex<Registry> =
    Mutex::new(Registry { threads: Vec::new(), gone: Totals::ZERO, before: Totals::ZERO });

pub(super) struct Registry {
    threads: Vec<Arc<Thread>>,
    gone: Totals,
    /// What had been counted when the pipeline started.
    before: Totals,
}

#[cfg(all(unix, not(miri)))]
impl Registry {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Thread> {
        self.threads.iter().map(|thread| &**thread)
    }

    /// Forgets every thread, in a process that does not have them, and gives the calling one, if it has a state, another:
    /// spans that are open on the old one are the parent's, and whoever ends them finds nothing that goes anywhere.
    pub(super) fn begin_anew(&mut self, seed: u64) {
        self.threads.clear();
        if let Some(old) = existing() {
            old.abandoned.set(true);
            let new = Arc::new(Thread::new());
            new.reseed(seed);
            self.threads.push(Arc::clone(&new));
            set_pointer(Arc::as_ptr(&new));
            // Open spans refer to the old one.
            let _ = OWNER.try_with(|owner| std::mem::forget(owner.0.replace(new)));
        }
        self.before = self.totals();
    }
}

/// Numbers of spans, over all threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) started: u64,
    pub(crate) ended: u64,
    pub(crate) refused: u64,
}

impl Totals {
    const ZERO: Self = Self { started: 0, ended: 0, refused: 0 };

    fn add<'a>(&mut self, threads: impl Iterator<Item = &'a Arc<Thread>> + Clone) {
        // What has ended began before, perhaps on another thread; so this order never shows more ended than begun.
        threads.clone().for_each(|thread| self.ended += thread.ended.load(Acquire));
        threads.clone().for_each(|thread| self.started += thread.started.load(Acquire));
        threads.for_each(|thread| self.refused += thread.refused.load(Relaxed));
    }
}

/// What had been counted when the pipeline started, and what has been now.
pub(crate) fn totals() -> (Totals, Totals) {
    let registry = threads();
    (registry.before, registry.totals())
}

/// Starts counting anew, for a new pipeline. Spans that are open already count as started.
pub(crate) fn begin_totals() {
    let mut registry = threads();
    registry.before = registry.totals();
}

impl Registry {
    fn totals(&self) -> Totals {
        let mut totals = self.gone;
        totals.ended += LOST_AT_END.load(Acquire);
        totals.add(self.threads.iter());
        totals.started += LOST_AT_START.load(Acquire);
        totals
    }
}

pub(super) fn threads() -> MutexGuard<'static, Registry> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// Set while the thread's state is being made, and for ever on threads that never make spans.
    static CLOSED: Cell<bool> = const { Cell::new(false) };
    static OWNER: Owner = Owner(RefCell::new(Thread::register()));
}

impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Thread").finish_non_exhaustive()
    }
}

struct Owner(RefCell<Arc<Thread>>);

impl Drop for Owner {
    fn drop(&mut self) {
        set_pointer(std::ptr::null());
        // The allocator may be traced, and must not make spans while the locks below are held.
        CLOSED.set(true);
        // In this order, so that the collector finds the spans in the queue at the latest when it no longer finds them here:
        // who waits for a scoped thread does not wait for this.
        let mine = self.0.get_mut();
        // SAFETY: this is the owner.
        unsafe { mine.outbox.close(&QUEUE) };
        let mut registry = threads();
        registry.gone.add([&*mine].into_iter());
        let at = registry.threads.iter().position(|thread| Arc::ptr_eq(thread, mine));
        let _thread = at.map(|at| registry.threads.swap_remove(at));
        drop(registry);
    }
}

/// The calling thread's state; `None` while the thread is ending, and where its state cannot be made.
///
/// The reference is only good on this thread: `Thread` is kept out of anything that is `Send`.
#[inline(always)]
pub(super) fn current() -> Option<&'static Thread> {
    let pointer = pointer();
    if pointer.is_null() {
        return register_current();
    }
    // SAFETY: `OWNER` holds the `Arc` until the thread ends, and takes the pointer back first. Spans that hold the
    // reference live on this thread's stack, which is gone by then.
    Some(unsafe { &*pointer })
}

/// The calling thread's state if it has one.
pub(super) fn existing() -> Option<&'static Thread> {
    // SAFETY: as in `current`.
    unsafe { pointer().as_ref() }
}

/// Counts a span that could not begin because `current` gave nothing.
#[cold]
pub(super) fn lost_at_start() {
    // The collector's own thread makes no spans, and is not worth a number.
    if !COLLECTOR.get() {
        LOST_AT_START.fetch_add(1, Release);
        lost_at_end();
    }
}

/// Counts a span that began before `current` gave nothing.
#[cold]
pub(super) fn lost_at_end() {
    LOST_AT_END.fetch_add(1, Release);
    Counters::add(&COUNTERS.thread_gone, 1);
}

/// What the two functions above counted. Not in the registry: a traced allocator may come here while that is locked, by the
/// thread itself or by one that waits for a lock which this thread holds.
static LOST_AT_START: AtomicU64 = AtomicU64::new(0);
static LOST_AT_END: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static COLLECTOR: Cell<bool> = const { Cell::new(false) };
}

/// Says that the calling thread never makes spans.
pub(crate) fn never_here() {
    COLLECTOR.set(true);
    CLOSED.set(true);
}

#[cold]
#[inline(never)]
fn register_current() -> Option<&'static Thread> {
    if CLOSED.replace(true) {
        return None;
    }
    // A thread's locals end in the opposite order of their beginning. OpenTelemetry's begins first, so that it is there for
    // as long as ours is; if it is gone already, which only a panic tells, there is no place for spans any more.
    if !alive::begin() {
        return None;
    }
    let pointer = OWNER.try_with(|owner| Arc::as_ptr(&owner.0.borrow())).ok()?;
    set_pointer(pointer);
    CLOSED.set(false);
    // SAFETY: as in `current`.
    Some(unsafe { &*pointer })
}

/// Adds one to a number that only the calling thread writes.
#[inline(always)]
fn count(number: &AtomicU64) {
    number.store(number.load(Relaxed) + 1, Release);
}

impl Thread {
    fn register() -> Arc<Self> {
        let thread = Arc::new(Self::new());
        threads().threads.push(Arc::clone(&thread));
        thread
    }

    fn new() -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self {
            active: ActiveCells {
                trace: Cell::new((0, 0)),
                span: Cell::new(0),
                attached: Cell::new(0),
                mode: Cell::new(Mode::Nothing),
            },
            scratch: Scratch::new(),
            polled: Cell::new(std::ptr::null()),
            adopted: Adopted::default(),
            not_lazy: NotLazy::default(),
            waiting: Waiting::default(),
            polls: Polls::default(),
            kept: Cell::new(Vec::new()),
            random: Cell::new(RandomState::new().hash_one(std::thread::current().id())),
            span_ids: Cell::new(RandomState::new().hash_one(std::thread::current().id())),
            started: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            outbox: Outbox::new(),
            sampler: sampling::Mine::default(),
            tail: tail::Mine::default(),
            panics: Said::default(),
            asked: Cell::new(None),
            abandoned: Cell::new(false),
        }
    }

    /// The next span id: a Weyl sequence from a random start, mixed one to one. So ids of a thread never repeat, two threads
    /// meet with a probability of the spans they make over 2^64, and 0 comes once in 2^64.
    #[inline(always)]
    pub(super) fn new_span_id(&self) -> u64 {
        let next = self.span_ids.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.span_ids.set(next);
        next ^ next >> 32
    }

    /// A random number that is not zero (wyrand).
    pub(super) fn random(&self) -> u64 {
        let random = self.random.get().wrapping_add(0x2d35_8dcc_aa6c_78a5);
        self.random.set(random);
        let product = u128::from(random).wrapping_mul(u128::from(random ^ 0x8bb8_4b93_962e_acc9));
        let id = (product >> 64) as u64 ^ product as u64;
        id | u64::from(id == 0)
    }

    /// Continues with other random numbers than the process this one is a copy of.
    #[cfg(all(unix, not(miri)))]
    pub(super) fn reseed(&self, seed: u64) {
        let mixed = u128::from(self.random.get() ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        self.random.set((mixed >> 64) as u64 ^ mixed as u64);
        self.span_ids.set(self.random());
    }

    /// Keeps the memory of a span that has ended, unless somebody still has it.
    pub(super) fn keep(&self, mut span: Arc<SharedSpan>) {
        const MOST: usize = 16;
        let mut kept = self.kept.take();
        if kept.len() < MOST && SharedSpan::is_reusable(&mut span) {
            kept.push(span);
        }
        self.kept.set(kept);
    }

    /// Memory that was kept.
    #[inline]
    pub(super) fn take_kept(&self) -> Option<Arc<SharedSpan>> {
        let mut kept = self.kept.take();
        let span = kept.pop();
        self.kept.set(kept);
        span
    }

    /// Counts a span that begins.
    #[inline(always)]
    pub(super) fn started(&self) {
        count(&self.started);
    }

    /// Counts a span that ends without a record.
    pub(super) fn ended(&self) {
        count(&self.ended);
    }

    /// Counts a span of a refused trace.
    #[inline(always)]
    pub(super) fn refused(&self) {
        count(&self.refused);
    }

    /// Appends a finished span to the chunk, where the outbox takes it at once. After a shutdown it stays there, and is
    /// counted by whoever looks.
    ///
    /// # Safety
    ///
    /// Only for the thread's own spans, on that thread, and only where `takes_at_once` said yes.
    #[inline(always)]
    pub(super) unsafe fn finish_at_once(&self, head: Head, items: &[u64]) {
        count(&self.ended);
        // SAFETY: the caller is the owner, and there is room.
        unsafe { self.outbox.append_at_once(head, items) };
    }

    /// Appends a finished span to the chunk.
    ///
    /// # Safety
    ///
    /// Only on the thread itself.
    pub(super) unsafe fn finish(&self, head: Head, items: &[u64]) {
        if self.outbox.takes_at_once(items.len()) {
            // SAFETY: the caller is the owner, and there is room.
            unsafe { self.finish_at_once(head, items) };
        } else {
            count(&self.ended);
            // SAFETY: the caller is the owner.
            unsafe { self.finish_slowly(head, items) };
        }
    }

    /// # Safety
    ///
    /// As for `finish`.
    #[cold]
    #[inline(never)]
    unsafe fn finish_slowly(&self, head: Head, items: &[u64]) {
        if self.abandoned.get() {
            return;
        }
        if !enabled() {
            Counters::add(&COUNTERS.after_shutdown, 1);
            return;
        }
        // SAFETY: the caller is the owner.
        let appended = self.scratch.while_busy(|| unsafe { self.outbox.append_slowly(head, items, &QUEUE) });
        if appended.is_err() {
            Counters::add(&COUNTERS.too_large, 1);
        }
        if self.outbox.holds_too_much() {
            // The thread that collects goes on with it.
            // SAFETY: the caller is the owner.
            self.scratch.while_busy(|| unsafe { self.outbox.release() });
        }
    }
}

/// Gives `f` what every thread has finished since the last call, without waiting for any of them; `f` returns how many
/// spans that were.
///
/// What a thread has held back since `steal`, in ticks, or longer is taken, too.
pub(crate) fn collect_from_threads(steal: u64, mut f: impl FnMut(&[u64]) -> u64) -> u64 {
    // Or the allocator, if it is traced, would do it while the list is locked.
    let _ = current();
    let threads: Vec<_> = threads().threads.clone();
    threads.iter().map(|thread| thread.outbox.collect(steal, &mut f)).sum()
}

/// Shows `f` what every thread has finished since the last collection, and leaves it where it is.
#[cfg(feature = "testing")]
pub(super) fn peek_at_threads(mut f: impl FnMut(&[u64])) {
    let _ = current();
    let threads: Vec<_> = threads().threads.clone();
    threads.iter().for_each(|thread| thread.outbox.peek(&mut f));
}

/// Counts what ended after the shutdown, and forgets it.
pub(crate) fn discard_ended() {
    let ended = quietly(|| {
        let mut tap = Tap::open();
        let lying = forget_ended(&mut tap);
        lying + std::iter::from_fn(|| tap.pop()).map(|full| full.spans).sum::<u64>()
    });
    Counters::add(&COUNTERS.after_shutdown, ended);
}

/// Opens the queue for a new pipeline; what ended after the last one belongs to nobody but captures.
pub(crate) fn open_queue(max_bytes: usize, wake_at: u64) {
    super::tail::forget();
    quietly(|| {
        let mut tap = Tap::open();
        forget_ended(&mut tap);
        for full in QUEUE.open(max_bytes, wake_at) {
            full.chunk.read(full.from, |words| tap.words(words));
        }
    });
}

/// How many spans lie with the threads; they are shown to nobody else.
fn forget_ended(tap: &mut Tap) -> u64 {
    collect_from_threads(u64::MAX, |words| {
        tap.words(words);
        super::outbox::count_records(words)
    })
}

/// Runs `f` while the allocator, which may be traced, makes no spans.
pub(super) fn quietly<R>(f: impl FnOnce() -> R) -> R {
    match current() {
        Some(thread) => thread.scratch.while_busy(f),
        None => f(),
    }
}
