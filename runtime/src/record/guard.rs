//! Open synchronous spans.

use super::chunk::Head;
use super::counters::{COUNTERS, Counters};
use super::outcome::Outcome;
use super::thread::{self, Active, Mode, Thread};
use super::{Callsite, flag, sampling};
use crate::attribute::{Slot, move_above};
use crate::clock;
use crate::wire::{self, Scratch, Writing};
use opentelemetry::trace::{SpanId, TraceContextExt};
use opentelemetry::{Context, ContextGuard};
use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

/// A span that begins: who it is and whom it belongs to.
pub(super) struct Start {
    pub(super) active: Active,
    pub(super) parent: u64,
    pub(super) flags: u8,
    pub(super) trace_state: Option<String>,
}

impl Start {
    /// Finds the parent and decides whether the span is recorded.
    ///
    /// `None` if there is nothing to open: telemetry is suppressed, or the parent is a span of ours that is not
    /// recorded, and so is current for OpenTelemetry already.
    #[inline]
    pub(super) fn find(thread: &Thread) -> Option<Self> {
        if thread.scratch.busy() {
            return None;
        }
        let known = thread.active.get();
        Context::map_current(|context| {
            if context.is_telemetry_suppressed() {
                return None;
            }
            let span = context.span();
            let parent = span.span_context();
            let state = parent.trace_state();
            // `TraceState` does not say whether it is empty, but the empty one equals the default.
            let trace_state = (*state != Default::default()).then(|| state.header());
            if known.mode != Mode::Nothing && parent.span_id() == SpanId::from(known.span) {
                return (known.mode == Mode::Recording).then(|| Self {
                    active: Active { span: thread.new_id(), ..known },
                    parent: known.span,
                    flags: 0,
                    trace_state,
                });
            }
            let (trace, parent_span, decision) = if parent.is_valid() {
                let trace = u128::from_be_bytes(parent.trace_id().to_bytes());
                let span = u64::from_be_bytes(parent.span_id().to_bytes());
                (((trace >> 64) as u64, trace as u64), span, Some(parent.is_sampled()))
            } else {
                ((thread.new_id(), thread.new_id()), 0, None)
            };
            let mode = if sampling::sampled(trace.1, decision) { Mode::Recording } else { Mode::Unsampled };
            Some(Self {
                active: Active { trace, span: thread.new_id(), mode },
                parent: parent_span,
                flags: if parent.is_remote() { flag::REMOTE_PARENT } else { 0 },
                trace_state,
            })
        })
    }
}

/// An open synchronous span, kept by the macro in a local variable: it never leaves its thread, and spans close in the
/// opposite order of their opening. Empty if nothing is recorded.
#[must_use = "the span ends when the guard is dropped"]
#[derive(Debug)]
pub struct Guard(Option<Open>);

struct Open {
    thread: &'static Thread,
    callsite: &'static Callsite,
    active: Active,
    parent: u64,
    start: u64,
    /// What was active before.
    before: Active,
    /// Where this span's items begin on the scratch.
    position: usize,
    depth: u32,
    flags: u8,
    panicking: bool,
    /// Items recorded while the top of the scratch was not this span's.
    late_items: Mutex<Vec<u64>>,
    has_late_items: Cell<bool>,
    _context: ContextGuard,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("callsite", &self.callsite.name).field("active", &self.active).finish()
    }
}

/// Opens a span. Costs one load while telemetry is off.
#[inline(always)]
pub fn enter(callsite: &'static Callsite) -> Guard {
    if !thread::enabled() {
        return Guard(None);
    }
    Guard::open(callsite)
}

impl Guard {
    #[inline(never)]
    fn open(callsite: &'static Callsite) -> Self {
        let Some(thread) = thread::current() else {
            Counters::add(&COUNTERS.thread_gone, 1);
            return Self(None);
        };
        let Some(start) = Start::find(thread) else { return Self(None) };
        let context = start.active.attach();
        let position = thread.scratch.position();
        if let Some(state) = &start.trace_state {
            thread.scratch.str(wire::TRACE_STATE, 0, state);
        }
        let depth = thread.scratch.descend();
        Self(Some(Open {
            thread,
            callsite,
            active: start.active,
            parent: start.parent,
            before: thread.active.replace(start.active),
            position,
            depth,
            flags: start.flags,
            panicking: std::thread::panicking(),
            late_items: Mutex::new(Vec::new()),
            has_late_items: Cell::new(false),
            _context: context,
            start: clock::now(),
        }))
    }

    #[inline(always)]
    fn recording(&self) -> Option<&Open> {
        self.0.as_ref().filter(|open| open.active.mode == Mode::Recording)
    }

    /// Whether anything is recorded.
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.recording().is_some()
    }

    /// The place for the value of the attribute with this index; `None` if nothing is recorded.
    #[inline]
    pub fn slot(&self, index: u16) -> Option<Slot<'_>> {
        self.recording().map(|open| open.slot(index))
    }

    /// Starts an event named by the key with this index; `None` if nothing is recorded.
    pub fn event(&self, index: u16) -> Option<EventWriter<'_>> {
        let open = self.recording()?;
        Some(EventWriter::new(&open.thread.scratch, index, open.elsewhere()))
    }

    /// Records what the function returned.
    #[inline]
    pub fn outcome(&self, outcome: Outcome<'_>) {
        if !outcome.is_good()
            && let Some(open) = self.recording()
        {
            open.fail(outcome);
        }
    }
}

impl Open {
    /// The list items go to, if the top of the scratch belongs to somebody else: a span inside this one that is still open,
    /// or an item that is being written.
    #[inline]
    fn elsewhere(&self) -> Option<&Mutex<Vec<u64>>> {
        if self.thread.scratch.depth() != self.depth {
            self.has_late_items.set(true);
            return Some(&self.late_items);
        }
        if self.has_late_items.get() {
            self.take_back();
        }
        None
    }

    /// Puts what was kept aside where it belongs in time: before whatever comes now.
    #[cold]
    fn take_back(&self) {
        self.has_late_items.set(false);
        let mut late = self.late_items.lock().unwrap_or_else(PoisonError::into_inner);
        self.thread.scratch.extend(&late);
        late.clear();
    }

    #[inline]
    fn slot(&self, index: u16) -> Slot<'_> {
        match self.elsewhere() {
            None => Slot::new(&self.thread.scratch, index),
            Some(items) => Slot::elsewhere(&self.thread.scratch, index, items),
        }
    }

    #[cold]
    fn fail(&self, outcome: Outcome<'_>) {
        let scratch = &self.thread.scratch;
        let elsewhere = self.elsewhere();
        let position = scratch.position();
        outcome.write(scratch);
        if let Some(items) = elsewhere {
            move_above(scratch, position, items);
        }
    }

    #[inline]
    fn record(&mut self, end: u64) {
        let thread = self.thread;
        if self.has_late_items.get() {
            self.take_back();
        }
        let panicked = !self.panicking && std::thread::panicking();
        let head = Head {
            callsite: self.callsite,
            trace: self.active.trace,
            span: self.active.span,
            parent: self.parent,
            start: self.start,
            end,
            flags: self.flags | if panicked { flag::PANIC } else { 0 },
        };
        thread.scratch.above(self.position, |items| thread.finish(&head, items));
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let end = clock::now();
        if self.active.mode == Mode::Recording {
            self.record(end);
        }
        self.thread.scratch.truncate(self.position);
        self.thread.scratch.ascend();
        self.thread.active.set(self.before);
    }
}

/// An event under construction; it is complete when dropped.
#[derive(Debug)]
pub struct EventWriter<'a> {
    scratch: &'a Scratch,
    position: usize,
    item: Option<Writing<'a>>,
    elsewhere: Option<&'a Mutex<Vec<u64>>>,
}

impl<'a> EventWriter<'a> {
    pub(super) fn new(scratch: &'a Scratch, index: u16, elsewhere: Option<&'a Mutex<Vec<u64>>>) -> Self {
        let position = scratch.position();
        let item = scratch.begin(wire::EVENT, index);
        scratch.push(clock::now());
        Self { scratch, position, item: Some(item), elsewhere }
    }

    /// Always: an event is only begun on a span that is recorded.
    pub fn is_recording(&self) -> bool {
        true
    }

    /// The place for the value of the event's attribute with this index; there always is one.
    pub fn slot(&self, index: u16) -> Option<Slot<'_>> {
        Some(Slot::new(self.scratch, index))
    }
}

impl Drop for EventWriter<'_> {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            item.finish_words();
        }
        if let Some(items) = self.elsewhere {
            move_above(self.scratch, self.position, items);
        }
    }
}
