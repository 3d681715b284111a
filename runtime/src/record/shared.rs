//! Open spans that do not stay on one thread's stack: those of futures, of the manual API, and of OpenTelemetry's API.

use super::fork::forks;
use super::guard::enabled;
use super::limits::New;
use super::outcome::{Failure, Outcome};
use super::sampling::{Given, Who};
use super::start::Start;
use super::thread::{self, Active, Mode, Thread};
use super::view::{LINK_IS_REMOTE, head};
use super::watch::{self, Watch};
use super::{Callsite, flag, limits, panic, tail};
use crate::attribute::{AnyAttribute, AttributeSink, KeyedTarget, Slot, SpanAttributes, Target};
use crate::clock;
use crate::relation::Links;
use crate::wire::{self, Scratch};
use opentelemetry::trace::{Link, SpanContext};
use opentelemetry::{Context, KeyValue};
use otelier_spec::Kind;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An open span that threads may share. Also what OpenTelemetry reaches of a synchronous span that is attached.
#[derive(Debug)]
pub(crate) struct SharedSpan {
    callsite: &'static Callsite,
    pub(super) active: Active,
    parent: u64,
    start: u64,
    flags: AtomicU8,
    /// What the record says besides.
    bits: u64,
    /// The process it belongs to: in the child of a fork it is a copy, perhaps locked for good.
    forks: u64,
    items: Mutex<Items>,
    pub(super) context: OwnContext,
}

/// The context that makes a span current. It holds the span, so whoever puts it here has to take it away.
#[derive(Debug, Default)]
pub(super) struct OwnContext(UnsafeCell<Option<Context>>);

// SAFETY: a context may be shared between threads, and the callers of the methods answer for the cell.
unsafe impl Sync for OwnContext {}

impl OwnContext {
    /// # Safety
    ///
    /// There is no reference to the context.
    pub(super) unsafe fn put(&self, context: Context) {
        // SAFETY: by the caller.
        unsafe { *self.0.get() = Some(context) };
    }

    /// # Safety
    ///
    /// There is no reference to the context.
    pub(super) unsafe fn take(&self) -> Option<Context> {
        // SAFETY: by the caller.
        unsafe { (*self.0.get()).take() }
    }

    /// # Safety
    ///
    /// The context was put here, and is not taken away while there is the reference.
    pub(super) unsafe fn get(&self) -> &Context {
        // SAFETY: by the caller.
        unsafe { (*self.0.get()).as_ref().unwrap_unchecked() }
    }
}

/// In place of a parent: no span has this id.
const COLLECTING: u64 = u64::MAX;

/// What was recorded since the span began, or since it was last taken away.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) words: Vec<u64>,
    ended: bool,
}

impl SharedSpan {
    /// Makes a span, in memory that the thread has kept if it can.
    #[inline(always)]
    fn new(
        thread: &Thread,
        callsite: &'static Callsite,
        active: Active,
        parent: u64,
        start: u64,
        flags: u8,
    ) -> Arc<Self> {
        if let Some(mut kept) = thread.take_kept()
            && let Some(span) = Arc::get_mut(&mut kept)
        {
            (span.callsite, span.active, span.parent, span.start) = (callsite, active, parent, start);
            *span.flags.get_mut() = flags;
            span.bits = 0;
            let items = span.items.get_mut().unwrap_or_else(PoisonError::into_inner);
            items.ended = false;
            items.words.clear();
            return kept;
        }
        let (flags, items) = (AtomicU8::new(flags), Mutex::default());
        Arc::new(Self {
            callsite,
            active,
            parent,
            start,
            flags,
            bits: 0,
            forks: forks(),
            items,
            context: OwnContext::default(),
        })
    }

    /// The span of a future.
    #[inline]
    pub(super) fn of_future(
        callsite: &'static Callsite,
        start: &Start,
        thread: &Thread,
        inside: Option<&Context>,
    ) -> Arc<Self> {
        Self::begin(thread, callsite, start, clock::now(), start.flags, inside)
    }

    /// Takes attributes of a span that has not begun.
    pub(super) fn collecting(callsite: &'static Callsite, thread: &Thread) -> Arc<Self> {
        let active = Active { trace: (0, 0), span: 0, attached: 0, mode: Mode::Recording };
        Self::new(thread, callsite, active, COLLECTING, clock::now(), 0)
    }

    /// Whether it is one of these.
    #[inline]
    pub(super) fn is_collecting(&self) -> bool {
        self.parent == COLLECTING
    }

    /// The span of a future that is measured although its trace is not recorded. The one that is current stays so.
    #[cold]
    #[inline(never)]
    pub(super) fn unrecorded(callsite: &'static Callsite, thread: &Thread) -> Arc<Self> {
        let active = thread.active.get();
        // In no case does it end as the span that is active.
        let mode = if active.mode.is_recording() { Mode::Unsampled } else { active.mode };
        Self::new(thread, callsite, Active { mode, ..active }, 0, clock::now(), 0)
    }

    #[inline(always)]
    fn begin(
        thread: &Thread,
        callsite: &'static Callsite,
        start: &Start,
        time: u64,
        flags: u8,
        inside: Option<&Context>,
    ) -> Arc<Self> {
        let mut span = Self::new(thread, callsite, start.active, start.parent, time, flags);
        let bits = start.head_bits() | tail::bits(thread);
        if bits != 0
            && let Some(span) = Arc::get_mut(&mut span)
        {
            span.bits = bits;
        }
        if start.has_more() {
            span.add(|scratch| start.write_more(scratch, inside));
        }
        span
    }

    /// What a synchronous span keeps aside; it is recorded by its guard.
    pub(super) fn inbox(callsite: &'static Callsite, active: Active, thread: &Thread) -> Arc<Self> {
        Self::new(thread, callsite, active, 0, 0, 0)
    }

    /// Whether the span's memory may serve another: nobody else has it, and it is not large.
    pub(super) fn is_reusable(this: &mut Arc<Self>) -> bool {
        const LARGEST: usize = 128;
        Arc::get_mut(this).is_some_and(|span| {
            let items = span.items.get_mut().unwrap_or_else(PoisonError::into_inner);
            items.ended && items.words.capacity() <= LARGEST
        })
    }

    /// A span of somebody with a kind, and perhaps a clock, of their own; and who it is to others. The attributes and the links are
    /// those that a sampler looks at, and are not recorded here.
    pub(crate) fn start(
        callsite: &'static Callsite,
        name: &str,
        kind: Kind,
        time: Option<SystemTime>,
        parent: &Context,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> Option<(Arc<Self>, SpanContext)> {
        if !enabled() {
            return None;
        }
        let began = || time.map_or_else(|| (clock::now(), 0), |time| (unix(time), flag::UNIX));
        Self::start_at(callsite, name, kind, began, parent, attributes, links)
    }

    /// The same, which began when `began` says: in words of the span, with the flag of their clock.
    #[inline]
    pub(super) fn start_at(
        callsite: &'static Callsite,
        name: &str,
        kind: Kind,
        began: impl FnOnce() -> (u64, u8),
        parent: &Context,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> Option<(Arc<Self>, SpanContext)> {
        let Some(thread) = thread::current() else {
            thread::lost_at_start();
            return None;
        };
        let who = Who { callsite, name, kind, given: Given::KeyValues(attributes), links };
        let start = Start::below(thread, parent, who)?;
        let (time, clock) = began();
        let flags = start.flags | clock | (kind as u8) << flag::KIND_SHIFT;
        let span = Self::begin(thread, callsite, &start, time, flags, Some(parent));
        if name != callsite.name {
            span.rename(name);
        }
        let context = start.span_context();
        Some((span, context))
    }

    pub(super) fn items(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(super) fn is_recording(&self) -> bool {
        self.active.mode.is_recording() && self.forks == forks()
    }

    /// Whether something that is recorded now still counts.
    pub(crate) fn is_open(&self) -> bool {
        self.is_recording() && !self.items().ended
    }

    /// Says that the span becomes active on this thread.
    #[inline]
    pub(super) fn enters_here(&self, thread: &Thread) {
        if self.active.mode.is_recording() {
            tail::enters_here(thread, self.bits, self.active.trace);
        }
    }

    pub(super) fn flag(&self, flag: u8) {
        self.flags.fetch_or(flag, Relaxed);
    }

    /// The items, if the span takes one more; if not, counts it.
    fn admit(&self, new: New<'_>) -> Option<MutexGuard<'_, Items>> {
        if !self.is_recording() {
            return None;
        }
        let mut items = self.items();
        // Every attribute takes a word at least, so with few words there cannot be too many.
        if !items.ended && items.words.len() < limits::attributes() && matches!(new, New::Attribute(_)) {
            return Some(items);
        }
        (!items.ended && limits::admit_late(&mut items.words, self.callsite, new)).then_some(items)
    }

    /// Whether the span takes one more; if not, counts it.
    pub(super) fn admits(&self, new: New<'_>) -> bool {
        self.admit(new).is_some()
    }

    /// Moves what lies above `position` of the scratch to this span.
    pub(super) fn take_above(&self, scratch: &Scratch, position: usize) {
        if self.is_recording() {
            let mut items = self.items();
            if !items.ended {
                scratch.while_busy(|| scratch.above(position, |words| items.words.extend_from_slice(words)));
            }
        }
        scratch.truncate(position);
    }

    /// Adds what `write` writes to a scratch.
    fn add(&self, write: impl FnOnce(&Scratch)) {
        if !self.is_recording() {
            return;
        }
        let own = Scratch::new();
        // On a thread that is ending there is no place to write but a new one.
        let scratch = thread::current().map_or(&own, |thread| &thread.scratch);
        let position = scratch.position();
        scratch.while_writing(|| write(scratch));
        self.take_above(scratch, position);
    }

    /// Records the span; only the first call counts. `time` is of whoever has a clock of their own.
    pub(crate) fn end(&self, time: Option<SystemTime>) {
        if !self.is_recording() {
            return self.end_unrecorded(false);
        }
        if let Some(watch) = self.callsite.watch {
            return self.end_watched(watch, time);
        }
        self.finish(|| self.end_time(time));
    }

    /// The end in the span's words, and the flags that say what it is.
    #[inline(always)]
    fn end_time(&self, time: Option<SystemTime>) -> (u64, u8) {
        match time {
            None => (self.now(), 0),
            Some(time) => (unix(time), flag::UNIX_END),
        }
    }

    /// Records the span, with what the watch has to say.
    #[cold]
    #[inline(never)]
    fn end_watched(&self, watch: &'static Watch, time: Option<SystemTime>) {
        let (time, flags) = self.end_time(time);
        if let Some(end) = self.ending(watch, time, |_| {}) {
            end.measure();
            end.attributes(self);
            if end.is_over_budget() && self.admits(New::Event) {
                self.add(|scratch| end.event(scratch));
            }
        }
        self.finish(|| (time, flags));
    }

    /// Measures a call that is not recorded, if its call site asks for that. Only the first end counts.
    #[cold]
    #[inline(never)]
    fn end_unrecorded(&self, cancelled: bool) {
        let Some(watch) = self.callsite.watch.filter(|_| self.forks == forks()) else { return };
        let end = self.ending(watch, self.now(), |items| {
            if cancelled {
                items.words.push(wire::header(wire::CANCELLED, 0, 0));
            }
            items.ended = true;
        });
        end.into_iter().for_each(|end| end.measure());
    }

    /// What there is to say of the end; nothing of a second one.
    fn ending(&self, watch: &'static Watch, time: u64, then: impl FnOnce(&mut Items)) -> Option<watch::End> {
        let mut items = self.items();
        if items.ended {
            return None;
        }
        then(&mut items);
        let flags = self.flags.load(Relaxed);
        Some(watch::End::of(self.callsite, watch, flags, &items.words, self.start, time))
    }

    #[inline(always)]
    fn finish(&self, end: impl FnOnce() -> (u64, u8)) {
        let mut items = self.items();
        if std::mem::replace(&mut items.ended, true) {
            return;
        }
        let Some(thread) = thread::current() else {
            thread::lost_at_end();
            return;
        };
        let (end, end_flags) = end();
        let flags = self.flags.load(Relaxed) | end_flags;
        let (active, words) = (&self.active, &items.words);
        let mut head = head(self.callsite, active.trace, active.span, self.parent, self.start, end, flags, words.len());
        head[0] |= self.bits;
        tail::ends_here(thread, self.bits, active.trace);
        if thread.outbox.holds() {
            thread.scratch.note(words);
        }
        // SAFETY: `thread` is the calling one.
        unsafe { thread.finish(head, words) };
    }

    /// Ends the span of a future that panicked.
    pub(super) fn end_in_panic(&self) {
        self.flag(flag::PANIC);
        // What is not recorded must not take away what is for somebody else.
        if self.is_recording()
            && let Some(thread) = thread::existing()
            && let Some(panic) = panic::take(thread, self.active.span)
        {
            // On a clock of its own, the span takes the time of its end.
            let unix = (self.flags.load(Relaxed) & flag::UNIX != 0).then(|| self.now());
            if self.is_open() {
                self.add(|scratch| panic.write(scratch, unix));
            }
            panic::forget(thread, panic);
        }
        self.end(None);
    }

    /// Says that the span's future was dropped before it was ready, and ends the span.
    pub(super) fn end_cancelled(&self) {
        if !self.is_recording() {
            return self.end_unrecorded(true);
        }
        let mut items = self.items();
        if !items.ended {
            items.words.push(wire::header(wire::CANCELLED, 0, 0));
        }
        drop(items);
        self.end(None);
    }

    /// The flag that says so, if the status was set to an error.
    pub(super) fn failed(&self) -> u8 {
        self.flags.load(Relaxed) & flag::FAILED
    }

    /// Takes everything away that was recorded, for the guard of a synchronous span; with `ended` for the last time.
    /// `take` gets item by item, and what has to be admitted.
    pub(super) fn take(&self, ended: bool, mut take: impl FnMut(&[u64], Option<New<'_>>)) {
        if !self.is_recording() {
            return;
        }
        let mut items = self.items();
        items.ended = ended;
        limits::each(&items.words, self.callsite, &mut take);
        items.words.clear();
    }

    #[cold]
    pub(crate) fn fail(&self, outcome: &Outcome<'_>) {
        if self.looks_at_failures() {
            self.fail_with(&outcome.failure());
        }
    }

    /// Whether anything is kept of a failure. Otherwise nobody has to ask the error.
    pub(super) fn looks_at_failures(&self) -> bool {
        self.is_recording() || self.callsite.watch.is_some()
    }

    pub(super) fn fail_with(&self, failure: &Failure<'_>) {
        if !failure.is_expected() {
            self.flag(flag::FAILED);
        }
        if !self.is_recording() {
            self.fail_unrecorded(failure);
        } else if self.admits_failure() {
            self.add(|scratch| failure.write(scratch));
        }
    }

    /// The first failure is always taken, because it says what became of the span; others are events like all others.
    fn admits_failure(&self) -> bool {
        let is_first = |items: &Items| wire::Items(&items.words).all(|item| item.tag != wire::ERROR);
        is_first(&self.items()) || self.admits(New::Event)
    }

    /// Keeps what a measured call that is not recorded failed with.
    #[cold]
    #[inline(never)]
    fn fail_unrecorded(&self, failure: &Failure<'_>) {
        let own = Scratch::new();
        failure.write_type(&own);
        own.above(0, |words| self.items().words.extend_from_slice(words));
    }

    /// The time on the clock of the span.
    fn now(&self) -> u64 {
        if self.flags.load(Relaxed) & flag::UNIX != 0 { unix(SystemTime::now()) } else { clock::now() }
    }

    /// Records an attribute whose key is known only now.
    pub(crate) fn attribute(&self, key: &str, value: &(impl AnyAttribute + ?Sized)) {
        self.keyed(key, &mut |slot| value.record(slot));
    }

    /// Records the attributes of a struct; it is not looked at if they would not count.
    pub(crate) fn attributes(&self, of: &(impl SpanAttributes + ?Sized)) {
        if self.is_open() {
            of.record_attributes(&mut AttributeSink::new(self));
        }
    }

    pub(crate) fn event(&self, name: &str, time: Option<SystemTime>, attributes: &[KeyValue]) {
        if self.is_recording() && self.admits(New::Event) {
            self.add(|scratch| {
                let event = scratch.begin(wire::NAMED_EVENT, if time.is_some() { wire::UNIX_TIME } else { 0 });
                scratch.push(time.map_or_else(|| self.now(), unix));
                scratch.whole_str(wire::header(wire::STR, 0, 0), name);
                several(scratch, attributes, limits::event_attributes());
                event.finish_words();
            });
        }
    }

    pub(crate) fn link(&self, to: &SpanContext, attributes: &[KeyValue]) {
        if self.is_recording() && self.admits(New::Link) {
            self.add(|scratch| write_link(scratch, to, attributes));
        }
    }

    /// Links to what is valid; it is not looked at if that would not count.
    pub(crate) fn links(&self, to: &(impl Links + ?Sized)) {
        if self.is_open() {
            to.each_link(&mut |to, attributes| {
                if to.is_valid() {
                    self.link(to, attributes);
                }
            });
        }
    }

    /// Counts links that were kept out before they came here.
    pub(crate) fn count_dropped_links(&self, dropped: u64) {
        if dropped > 0 {
            self.add(|scratch| scratch.word(wire::header(wire::DROPPED, wire::dropped::LINKS, 0), dropped));
        }
    }

    pub(crate) fn status(&self, code: u16, description: &str) {
        if code == wire::status::ERROR {
            self.flag(flag::FAILED);
        }
        self.add(|scratch| scratch.whole_str(wire::header(wire::STATUS, code, 0), description));
    }

    /// Gives the span another name; for call sites that let spans have one.
    pub(crate) fn rename(&self, name: &str) {
        self.add(|scratch| scratch.whole_str(wire::header(wire::NAME, 0, 0), name));
    }
}

impl KeyedTarget for SharedSpan {
    fn keyed(&self, key: &str, write: &mut dyn FnMut(Slot<'_>)) {
        if self.is_recording() && self.admits(New::Attribute(key)) {
            self.add(|scratch| keyed(scratch, key, write));
        }
    }
}

/// The values of an annotation, whose keys are known at compile time.
impl Target for SharedSpan {
    fn word(&self, header: u64, value: u64) {
        let index = wire::index_of(header);
        if let Some(key) = self.callsite.key(index)
            && let Some(mut items) = self.admit(New::Attribute(key))
        {
            items.words.extend_from_slice(&[header, value]);
        }
    }

    fn str(&self, header: u64, text: &str) {
        self.item(wire::index_of(header), &mut |scratch| scratch.str(header, text));
    }

    fn item(&self, index: u16, write: &mut dyn FnMut(&Scratch)) {
        if let Some(key) = self.callsite.key(index)
            && self.admits(New::Attribute(key))
        {
            self.add(write);
        }
    }
}

/// Writes an attribute whose key is known only now, if `write` writes a value.
pub(super) fn keyed(scratch: &Scratch, key: &str, write: &mut dyn FnMut(Slot<'_>)) {
    keyed_of(scratch, 0, key, write);
}

/// The same with the index that says whose it is.
pub(super) fn keyed_of(scratch: &Scratch, index: u16, key: &str, write: &mut dyn FnMut(Slot<'_>)) {
    let position = scratch.position();
    let item = scratch.begin(wire::KEYED, index);
    scratch.whole_str(wire::header(wire::STR, 0, 0), key);
    let empty = scratch.position();
    write(Slot::new(scratch, 0));
    if scratch.position() == empty {
        // Nothing was recorded, so there is no attribute.
        drop(item);
        scratch.truncate(position);
    } else {
        item.finish_words();
    }
}

/// Writes a link.
pub(super) fn write_link(scratch: &Scratch, to: &SpanContext, attributes: &[KeyValue]) {
    let state = to.trace_state().header();
    let link = scratch.begin(wire::LINK, 0);
    let trace = u128::from_be_bytes(to.trace_id().to_bytes());
    let remote = if to.is_remote() { LINK_IS_REMOTE } else { 0 };
    scratch.push((trace >> 64) as u64);
    scratch.push(trace as u64);
    scratch.push(u64::from_be_bytes(to.span_id().to_bytes()));
    scratch.push(u64::from(to.trace_flags().to_u8()) | remote);
    scratch.whole_str(wire::header(wire::STR, 0, 0), &state);
    several(scratch, attributes, limits::link_attributes());
    link.finish_words();
}

/// Attributes of an event or a link.
fn several(scratch: &Scratch, attributes: &[KeyValue], limit: usize) {
    for attribute in attributes.iter().take(limit) {
        keyed(scratch, attribute.key.as_str(), &mut |slot| attribute.value.record(slot));
    }
    if attributes.len() > limit {
        scratch.word(wire::header(wire::DROPPED, wire::dropped::ATTRIBUTES, 0), (attributes.len() - limit) as u64);
    }
}

fn unix(time: SystemTime) -> u64 {
    let nanos = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos();
    u64::try_from(nanos).unwrap_or(u64::MAX)
}
