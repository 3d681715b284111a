//! Full chunks on their way to the collector, and the bell that wakes it.

use super::chunk::{Chunk, FULL_WORDS};
use super::counters::{COUNTERS, Counters};
use super::sync::{Arc, AtomicBool, Condvar, Mutex, MutexGuard, Ordering, PoisonError};
use crate::clock;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many empty chunks are kept for the next thread that needs one: memory that is warm already.
const SPARES: usize = 4;

/// A chunk nobody writes to any more.
#[derive(Debug)]
pub(crate) struct FullChunk {
    pub(crate) chunk: Arc<Chunk>,
    /// The first word the collector has not read yet.
    pub(crate) from: usize,
    /// How many spans lie from there on.
    pub(crate) spans: u64,
}

impl FullChunk {
    fn bytes(&self) -> usize {
        self.chunk.capacity() * 8
    }
}

#[derive(Debug)]
struct State {
    chunks: VecDeque<FullChunk>,
    spares: Vec<Arc<Chunk>>,
    bytes: usize,
    spans: u64,
    max_bytes: usize,
    /// Whether chunks are taken also when there is no room.
    unbounded: bool,
    wake_at: u64,
    flush_asked: u64,
    flush_begun: u64,
    flush_done: u64,
    /// Whether an exporter has room again that had none.
    has_room: bool,
    stop: Option<Instant>,
    stopped: bool,
}

/// The bounded queue between the threads that make spans and the collector.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Whether half of the room is taken.
    pressed: AtomicBool,
    /// Rung when the collector has something to do.
    bell: Condvar,
    /// Rung when the collector has done it.
    done: Condvar,
}

/// Why the collector woke up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wake {
    /// The flush that somebody waits for.
    pub(crate) flush: Option<u64>,
    /// Set when the pipeline shuts down: everything must be over by then.
    pub(crate) stop: Option<Instant>,
}

impl State {
    /// Whether the collector is to come for the chunks: there are enough spans, or a quarter of the room is taken.
    fn is_due(&self) -> bool {
        self.spans >= self.wake_at || self.bytes > self.max_bytes / 4
    }
}

impl Queue {
    pub(crate) fn new() -> Self {
        let state = State {
            chunks: VecDeque::new(),
            spares: Vec::new(),
            bytes: 0,
            spans: 0,
            max_bytes: 1 << 20,
            unbounded: false,
            wake_at: 1024,
            flush_asked: 0,
            flush_begun: 0,
            flush_done: 0,
            has_room: false,
            stop: None,
            stopped: false,
        };
        Self { state: Mutex::new(state), pressed: AtomicBool::new(false), bell: Condvar::new(), done: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No foreign code runs under this lock, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Empties the queue and sets its limits, for a new pipeline; what was in it.
    pub(crate) fn open(&self, max_bytes: usize, wake_at: u64) -> VecDeque<FullChunk> {
        let mut state = self.state();
        // Freed when the lock is released: the allocator may be traced.
        let (chunks, _spares) = (std::mem::take(&mut state.chunks), std::mem::take(&mut state.spares));
        state.bytes = 0;
        state.spans = 0;
        state.max_bytes = max_bytes;
        state.wake_at = wake_at;
        state.flush_begun = state.flush_asked;
        state.flush_done = state.flush_asked;
        state.has_room = false;
        state.stop = None;
        state.stopped = false;
        self.pressed.store(false, Ordering::Relaxed);
        drop(state);
        chunks
    }

    /// Says whether chunks are taken also when there is no room. For captures of tests.
    #[allow(dead_code)]
    pub(crate) fn set_unbounded(&self, unbounded: bool) {
        self.state().unbounded = unbounded;
    }

    /// Shows `f` what waits here, and leaves it. For captures of tests.
    #[allow(dead_code)]
    pub(crate) fn peek(&self, mut f: impl FnMut(&[u64])) {
        self.state().chunks.iter().for_each(|full| full.chunk.read(full.from, &mut f));
    }

    /// Keeps everybody from putting chunks in or taking them out.
    #[cfg_attr(any(not(unix), miri), allow(dead_code))]
    pub(crate) fn lock(&self) -> QueueLock<'_> {
        QueueLock { state: self.state(), pressed: &self.pressed }
    }

    /// Whether half of the queue is taken: a trace that began now might not find room for all of its spans.
    #[inline]
    pub(crate) fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::Relaxed)
    }

    /// How many bytes wait here, how many there is room for, and how many spans it is.
    pub(crate) fn fill(&self) -> (usize, usize, u64) {
        let state = self.state();
        (state.bytes, state.max_bytes, state.spans)
    }

    /// How many chunks wait here.
    pub(crate) fn len(&self) -> usize {
        self.state().chunks.len()
    }

    /// Takes a chunk, or drops it and counts its spans if the queue is full. Never waits for the collector.
    pub(crate) fn push(&self, full: FullChunk) {
        self.exchange(full, usize::MAX);
    }

    /// The same, and gives an empty chunk for it if there is one of full size and it has room for `words`.
    pub(crate) fn exchange(&self, full: FullChunk, words: usize) -> Option<Arc<Chunk>> {
        let mut state = self.state();
        if state.bytes + full.bytes() > state.max_bytes && !state.chunks.is_empty() && !state.unbounded {
            drop(state);
            Counters::add(&COUNTERS.queue_full, full.spans);
            full.chunk.clear();
            return Some(full.chunk).filter(|chunk| chunk.capacity() >= words.max(FULL_WORDS));
        }
        let spare = if words <= FULL_WORDS { state.spares.pop() } else { None };
        let was_due = state.is_due();
        state.bytes += full.bytes();
        state.spans += full.spans;
        state.chunks.push_back(full);
        self.pressed.store(state.bytes > state.max_bytes / 2, Ordering::Relaxed);
        let is_due = !was_due && state.is_due();
        drop(state);
        if is_due {
            self.bell.notify_one();
        }
        spare
    }

    /// The oldest chunk.
    pub(crate) fn pop(&self) -> Option<FullChunk> {
        let mut state = self.state();
        let full = state.chunks.pop_front()?;
        state.bytes -= full.bytes();
        state.spans -= full.spans;
        self.pressed.store(state.bytes > state.max_bytes / 2, Ordering::Relaxed);
        Some(full)
    }

    /// Keeps a chunk that has been read for the next thread that needs one.
    pub(crate) fn recycle(&self, mut chunk: Arc<Chunk>) {
        if chunk.capacity() != FULL_WORDS || Arc::get_mut(&mut chunk).is_none() {
            return;
        }
        chunk.clear();
        let mut state = self.state();
        if state.spares.len() < SPARES {
            state.spares.push(chunk);
        }
    }

    /// Waits until there is work, at most until `schedule`. Without room at the exporters, chunks are no work; who is `flushing`
    /// comes as soon as there is room. Every flush is given out once.
    pub(crate) fn wait(&self, schedule: Instant, has_room: bool, flushing: bool) -> Wake {
        let mut state = self.state();
        let mut has_room = has_room;
        loop {
            let now = Instant::now();
            let flush = (state.flush_asked > state.flush_begun).then_some(state.flush_asked);
            has_room |= std::mem::take(&mut state.has_room);
            if (has_room && (flushing || state.is_due())) || flush.is_some() || state.stop.is_some() || now >= schedule
            {
                state.flush_begun = state.flush_asked;
                return Wake { flush, stop: state.stop };
            }
            state = self.bell.wait_timeout(state, schedule - now).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Says that everything up to this flush was tried by the exporters.
    pub(crate) fn flushed(&self, flush: u64) {
        let mut state = self.state();
        state.flush_done = state.flush_done.max(flush);
        drop(state);
        self.done.notify_all();
    }

    /// Wakes a collector that waits for room: an exporter has some again, or what it waits with was tried.
    #[allow(dead_code)]
    pub(crate) fn has_room_again(&self) {
        self.state().has_room = true;
        self.bell.notify_one();
    }

    /// Says that the collector is gone.
    pub(crate) fn stopped(&self) {
        self.state().stopped = true;
        self.done.notify_all();
    }

    /// Asks for a flush and waits for it. `false` if the time was too short.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        let deadline = clock::instant_after(timeout);
        let mut state = self.state();
        state.flush_asked += 1;
        let mine = state.flush_asked;
        self.bell.notify_one();
        self.wait_done(state, deadline, |state| state.flush_done >= mine || state.stopped)
    }

    /// Asks the collector to export what is left by the deadline, and to end.
    pub(crate) fn stop(&self, deadline: Instant) {
        self.state().stop = Some(deadline);
        self.bell.notify_one();
    }

    /// Waits for the collector's end. `false` if the time was too short.
    pub(crate) fn wait_stopped(&self, deadline: Instant) -> bool {
        self.wait_done(self.state(), deadline, |state| state.stopped)
    }

    fn wait_done(&self, mut state: MutexGuard<'_, State>, deadline: Instant, done: impl Fn(&State) -> bool) -> bool {
        while !done(&state) {
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return false;
            };
            state = self.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// See [`Queue::lock`].
#[cfg_attr(any(not(unix), miri), allow(dead_code))]
pub(crate) struct QueueLock<'a> {
    state: MutexGuard<'a, State>,
    pressed: &'a AtomicBool,
}

impl QueueLock<'_> {
    /// Empties the queue, for a process without a collector: who waits for one need not.
    #[cfg_attr(any(not(unix), miri), allow(dead_code))]
    pub(crate) fn forget(&mut self) {
        self.state.chunks.clear();
        self.state.bytes = 0;
        self.state.spans = 0;
        self.state.stopped = true;
        self.pressed.store(false, Ordering::Relaxed);
    }
}
