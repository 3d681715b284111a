//! Open synchronous spans.

use super::begin::Begin;
use super::outbox::Head;
use super::outcome::Outcome;
use super::sampling::{Given, Who};
use super::shared::{SharedSpan, keyed, write_link};
use super::start::Start;
use super::thread::{self, Active, Mode, Thread};
use super::view::head;
use super::watch::{self, Watch};
use super::{Callsite, QUEUE, flag, limits, panic, sampling, tail};
use crate::attribute::{AttributeSink, KeyedTarget, Slot, Slots, SpanAttributes, Target};
use crate::clock;
use crate::relation::Links;
use crate::wire::{self, Scratch, Writing};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt};
use opentelemetry::{Context, ContextGuard, KeyValue};
use std::cell::{Cell, OnceCell, UnsafeCell};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed, Ordering::Release};

thread_local! {
    /// The thread's state. It stands beside the code that reads it for every span, which the compiler then inlines.
    static POINTER: Cell<*const Thread> = const { Cell::new(std::ptr::null()) };
}

/// What annotated functions do; the only thing they look at when telemetry is off.
static POLICY: AtomicU8 = AtomicU8::new(Policy::Off as u8);

/// How spans become visible to OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Policy {
    /// No pipeline runs.
    Off = 0,
    /// Every span is OpenTelemetry's current span.
    Attached = 1,
    /// Synchronous internal spans below another span of ours are not, until somebody asks for them through a hook.
    Lazy = 2,
}

/// What the pipeline and the captures of tests agreed on.
pub(super) fn store_policy(policy: Policy) {
    POLICY.store(policy as u8, Release);
}

#[inline]
pub(crate) fn enabled() -> bool {
    POLICY.load(Relaxed) != Policy::Off as u8
}

pub(super) fn lazy() -> bool {
    POLICY.load(Relaxed) == Policy::Lazy as u8
}

#[inline]
pub(super) fn pointer() -> *const Thread {
    POINTER.get()
}

pub(super) fn set_pointer(thread: *const Thread) {
    POINTER.set(thread);
}

/// An open synchronous span, kept by the macro in a local variable: it never leaves its thread, and spans close in the
/// opposite order of their opening. Empty if nothing is recorded.
#[must_use = "the span ends when the guard is dropped"]
pub struct Guard {
    state: State,
    /// Initialised unless the state is `Empty`.
    open: MaybeUninit<Open>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum State {
    Empty,
    Recording,
    /// Attached, so that the decision not to record it reaches everybody, unless that of the parent is.
    Unsampled,
    /// Not begun: the sampler wants to know the values of the attributes first.
    Undecided,
}

impl State {
    /// Whether values of attributes are taken.
    #[inline(always)]
    fn takes_attributes(self) -> bool {
        // One look at a bit: `Recording` or `Undecided`.
        self as u8 & 1 != 0
    }
}

struct Open {
    thread: &'static Thread,
    callsite: &'static Callsite,
    span: u64,
    parent: u64,
    start: u64,
    /// Where this span's items begin on the scratch.
    position: usize,
    flags: Cell<u8>,
    /// Whether the thread was unwinding when the span began.
    panicking: bool,
    /// Whether the span is recorded, not attached, and has no items elsewhere, so that its end is simple.
    plain: Cell<bool>,
    /// What a simple span does not have; initialised unless `plain`.
    more: UnsafeCell<MaybeUninit<More>>,
}

#[derive(Default)]
struct More {
    /// Items recorded while the top of the scratch was not this span's, or through OpenTelemetry's API.
    late: OnceCell<Arc<SharedSpan>>,
    /// Set if the span is current for OpenTelemetry.
    attached: Option<Attached>,
}

/// What it takes to undo the attachment.
struct Attached {
    before: Active,
    /// Whether the end of this span decides what becomes of its trace.
    decides: bool,
    /// What its record says besides its flags.
    bits: u64,
    /// Detaches when it is dropped.
    _context: ContextGuard,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Guard").field(&self.state).finish()
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

// A span is opened in place, because moving it would cost more than opening it.
impl Guard {
    /// An empty guard.
    #[inline]
    pub fn new() -> Self {
        Self { state: State::Empty, open: MaybeUninit::uninit() }
    }

    /// Opens a span in an empty guard. Costs one load while telemetry is off.
    #[inline]
    pub fn enter(&mut self, callsite: &'static Callsite) {
        if enabled() {
            if callsite.simple { self.open(callsite) } else { self.open_slowly(callsite) }
        }
    }

    /// Opens a span in an empty guard that begins as `begin` says, which is called only while telemetry is on.
    #[inline]
    pub fn enter_with(&mut self, callsite: &'static Callsite, begin: impl FnOnce() -> Begin) {
        if enabled() && self.state == State::Empty {
            self.open_begun(callsite, begin());
        }
    }

    #[cold]
    #[inline(never)]
    fn open_begun(&mut self, callsite: &'static Callsite, begin: Begin) {
        match thread::current() {
            None => thread::lost_at_start(),
            Some(thread) => match Start::begun(thread, &begin, callsite) {
                Some((start, _)) if start.is_undecided() => return self.wait(callsite, thread, Some(begin), (0, 0)),
                Some((start, context)) => {
                    let position = thread.scratch.position();
                    self.open_started(callsite, thread, start, Some(&context), position);
                    thread.scratch.while_busy(|| drop(context));
                }
                None => self.open_unrecorded(callsite, thread),
            },
        }
        begin.forget();
    }

    // `extern "C"` says that these do not unwind, so that a function whose body cannot panic needs no landing pad. No user
    // code runs in them but the allocator's.

    /// For internal spans.
    #[allow(improper_ctypes_definitions)]
    #[inline(never)]
    extern "C" fn open(&mut self, callsite: &'static Callsite) {
        // What an unsampled span does not need is in a function of its own, so that there is little to save for its calls.
        // The thread comes first: OpenTelemetry's state of it is there for as long as ours is. While the thread is busy, it may
        // be borrowed, and to look at it would panic inside of a traced allocator.
        // SAFETY: see `thread::current`.
        if let Some(thread) = unsafe { pointer().as_ref() }
            && !thread.scratch.busy()
            && Context::map_current(|context| {
                let span = context.span().span_context().span_id();
                span == SpanId::from(thread.active.attached.get()) && !context.is_telemetry_suppressed()
            })
        {
            match thread.active.mode.get() {
                Mode::Recording => return self.open_recording(callsite, thread),
                Mode::Unsampled => return,
                _ => {}
            }
        }
        self.open_slowly(callsite);
    }

    #[allow(improper_ctypes_definitions)]
    #[inline(never)]
    extern "C" fn open_recording(&mut self, callsite: &'static Callsite, thread: &'static Thread) {
        // What may call a function comes first, while there is little to save for its return.
        if std::thread::panicking() {
            return self.open_unwinding(callsite, thread);
        }
        self.open_plain(callsite, thread, false);
    }

    #[allow(improper_ctypes_definitions)]
    #[cold]
    #[inline(never)]
    extern "C" fn open_unwinding(&mut self, callsite: &'static Callsite, thread: &'static Thread) {
        self.open_plain(callsite, thread, true);
    }

    #[inline]
    fn open_plain(&mut self, callsite: &'static Callsite, thread: &'static Thread, panicking: bool) {
        let start = clock::now();
        thread.started();
        let span = thread.new_span_id();
        self.state = State::Recording;
        self.open.write(Open {
            thread,
            callsite,
            span,
            parent: thread.active.span.replace(span),
            start,
            position: thread.scratch.position(),
            flags: Cell::new(0),
            panicking,
            plain: Cell::new(true),
            more: UnsafeCell::new(MaybeUninit::uninit()),
        });
    }

    #[allow(improper_ctypes_definitions)]
    #[cold]
    #[inline(never)]
    extern "C" fn open_slowly(&mut self, callsite: &'static Callsite) {
        if self.state != State::Empty {
            return;
        }
        let Some(thread) = thread::current() else { return thread::lost_at_start() };
        let Some(start) = Start::find(thread, callsite) else { return self.open_unrecorded(callsite, thread) };
        if start.is_undecided() {
            return self.wait(callsite, thread, None, start.undecided_trace());
        }
        let position = thread.scratch.position();
        self.open_started(callsite, thread, start, None, position);
    }

    /// In a context that is given, or else in the current one, with the items from this position of the scratch on.
    #[inline(always)]
    fn open_started(
        &mut self,
        callsite: &'static Callsite,
        thread: &'static Thread,
        start: Start,
        inside: Option<&Context>,
        position: usize,
    ) {
        if start.has_more() {
            start.write_more(&thread.scratch, inside);
        }
        let bits = start.head_bits();
        let Start { active, parent, flags, begins_here, .. } = start;
        let recording = active.mode.is_recording();
        let decides = begins_here && recording && tail::begin(thread);
        if decides {
            // What the context gives, and what the sampler has waited for, was written before the trace was held back.
            thread.scratch.above(position, |items| thread.scratch.note(items));
        }
        // The allocator may be traced: its spans would begin below a span that is half open.
        let (late, context) = thread.scratch.while_busy(|| {
            let late = recording.then(|| SharedSpan::inbox(callsite, active, thread));
            let context = match inside {
                None => start.context(late.as_ref()),
                Some(inside) => start.context_in(inside, late.as_ref()),
            };
            let context = context.attach();
            (late.map_or_else(OnceCell::new, OnceCell::from), context)
        });
        let before = thread.active.get();
        thread.active.set(active);
        self.state = if recording { State::Recording } else { State::Unsampled };
        self.open.write(Open {
            thread,
            callsite,
            span: active.span,
            parent,
            start: clock::now(),
            position,
            flags: Cell::new(flags),
            panicking: std::thread::panicking(),
            plain: Cell::new(false),
            more: UnsafeCell::new(MaybeUninit::new(More {
                late,
                attached: Some(Attached { before, decides, bits, _context: context }),
            })),
        });
    }

    /// For a call that is measured although its trace is not recorded. The parent, which is not recorded either, stays
    /// current.
    #[cold]
    #[inline(never)]
    fn open_unrecorded(&mut self, callsite: &'static Callsite, thread: &'static Thread) {
        if !watch::is_measured_unrecorded(callsite, thread) {
            return;
        }
        self.state = State::Unsampled;
        self.open.write(Open {
            thread,
            callsite,
            span: 0,
            parent: thread.active.span.get(),
            start: clock::now(),
            position: thread.scratch.position(),
            flags: Cell::new(0),
            panicking: std::thread::panicking(),
            plain: Cell::new(false),
            more: UnsafeCell::new(MaybeUninit::new(More::default())),
        });
    }

    /// Takes the values of attributes before the span begins, for a sampler that asks for them. Until [`decide`](Self::decide)
    /// what was current stays so. `trace` is that of [`Start::undecided_trace`].
    #[cold]
    #[inline(never)]
    fn wait(&mut self, callsite: &'static Callsite, thread: &'static Thread, begin: Option<Begin>, trace: (u64, u64)) {
        if trace == (0, 0) {
            thread.waiting.push(begin);
        }
        self.state = State::Undecided;
        self.open.write(Open {
            thread,
            callsite,
            span: trace.0,
            parent: trace.1,
            start: clock::now(),
            position: thread.scratch.position(),
            flags: Cell::new(0),
            panicking: std::thread::panicking(),
            plain: Cell::new(false),
            more: UnsafeCell::new(MaybeUninit::new(More::default())),
        });
    }

    /// Says that the values of the attributes that the span begins with are recorded.
    #[inline]
    pub fn decide(&mut self) {
        if self.state == State::Undecided {
            self.decide_now();
        }
    }

    /// Begins the span with the attributes that are known now.
    #[cold]
    #[inline(never)]
    fn decide_now(&mut self) {
        self.state = State::Empty;
        // SAFETY: `open` is initialised in the state that was, and nothing in it has to be dropped.
        let open = unsafe { self.open.assume_init_ref() };
        let &Open { thread, callsite, start: began, position, .. } = open;
        let begin = match open.undecided_trace() {
            Some(trace) => {
                let decide =
                    |words: &[u64]| sampling::by_attributes(thread, trace.1, callsite, Given::Words(words), None);
                let at_once = thread.scratch.above(position, decide);
                if let Some(start) = Start::decided(thread, trace, callsite, at_once) {
                    return self.open_decided(callsite, thread, start, began, position);
                }
                None
            }
            None => thread.waiting.pop(),
        };
        self.decide_slowly(callsite, thread, begin, began, position);
    }

    /// Where the values were all that was missing.
    #[inline(always)]
    fn open_decided(
        &mut self,
        callsite: &'static Callsite,
        thread: &'static Thread,
        start: Start,
        began: u64,
        position: usize,
    ) {
        let (recording, has_more) = (start.active.mode.is_recording(), start.has_more());
        if !recording {
            thread.scratch.truncate(position);
        }
        let values = thread.scratch.position() - position;
        self.open_started(callsite, thread, start, None, position);
        if has_more {
            // What comes with the trace comes first.
            thread.scratch.edit(position, |words| {
                words.rotate_left(values);
                words.len()
            });
        }
        // SAFETY: `open` has just been initialised.
        unsafe { self.open.assume_init_mut() }.start = began;
    }

    /// Where it has to be found anew what the span is below, and who decides.
    #[inline(never)]
    fn decide_slowly(
        &mut self,
        callsite: &'static Callsite,
        thread: &'static Thread,
        begin: Option<Begin>,
        began: u64,
        position: usize,
    ) {
        let words = thread.scratch.above(position, <[u64]>::to_vec);
        thread.scratch.truncate(position);
        let who = Who { given: Given::Words(&words), ..callsite.into() };
        let found = match &begin {
            None => Start::find(thread, who).map(|start| (start, None)),
            Some(begin) => Start::begun(thread, begin, who).map(|(start, context)| (start, Some(context))),
        };
        match found {
            None => self.open_unrecorded(callsite, thread),
            Some((start, context)) => {
                self.open_started(callsite, thread, start, context.as_ref(), position);
                thread.scratch.while_busy(|| drop(context));
            }
        }
        if self.state != State::Empty {
            // SAFETY: `open` is initialised in every other state.
            unsafe { self.open.assume_init_mut() }.start = began;
        }
        if self.state == State::Recording {
            thread.scratch.extend_items(&words);
        }
        begin.into_iter().for_each(Begin::forget);
    }

    /// Where values of attributes go while the span is undecided.
    fn undecided(&self) -> Option<&'static Thread> {
        // SAFETY: `open` is initialised in this state.
        (self.state == State::Undecided).then(|| unsafe { self.open.assume_init_ref() }.thread)
    }

    #[inline]
    fn recording(&self) -> Option<&Open> {
        // SAFETY: `open` is initialised in this state.
        (self.state == State::Recording).then(|| unsafe { self.open.assume_init_ref() })
    }

    /// Whether anything is recorded.
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.state.takes_attributes()
    }

    /// The places for the values of attributes that are recorded before the body runs, when the top of the scratch is
    /// this span's for certain; `None` if nothing is recorded.
    #[inline]
    pub fn first_slots(&self) -> Option<Slots<'_>> {
        // SAFETY: `open` is initialised in these states.
        self.state.takes_attributes().then(|| Slots::new(unsafe { &self.open.assume_init_ref().thread.scratch }))
    }

    /// The place for the value of the attribute with this index; `None` if nothing is recorded.
    #[inline]
    pub fn slot(&self, index: u16) -> Option<Slot<'_>> {
        self.recording().map(|open| Slot::new(open, index))
    }

    /// Records the attributes of a struct, unless nothing is recorded.
    pub fn attributes(&self, of: &(impl SpanAttributes + ?Sized)) {
        if let Some(open) = self.recording() {
            of.record_attributes(&mut AttributeSink::new(open));
        } else if let Some(thread) = self.undecided() {
            of.record_attributes(&mut AttributeSink::new(&Waiting(&thread.scratch)));
        }
    }

    /// Starts an event named by the key with this index; `None` if nothing is recorded.
    pub fn event(&self, index: u16) -> Option<EventWriter<'_>> {
        let open = self.recording()?;
        let elsewhere = open.elsewhere();
        open.admits(limits::New::Event, elsewhere).then(|| EventWriter::new(&open.thread.scratch, index, elsewhere))
    }

    /// Links to other spans, unless nothing is recorded. What is not valid makes no link.
    pub fn links(&self, to: &(impl Links + ?Sized)) {
        if let Some(open) = self.recording() {
            to.each_link(&mut |to, attributes| open.link(to, attributes));
        } else if self.state == State::Undecided {
            self.links_waiting(to);
        }
    }

    /// Links for a sampler that asks for them.
    #[cold]
    #[inline(never)]
    fn links_waiting(&self, to: &(impl Links + ?Sized)) {
        // SAFETY: `open` is initialised in this state.
        let open = unsafe { self.open.assume_init_ref() };
        to.each_link(&mut |to, attributes| {
            // The top of the scratch is the span's own.
            if to.is_valid() && open.admits(limits::New::Link, None) {
                write_link(&open.thread.scratch, to, attributes);
            }
        });
    }

    /// Records what the function returned.
    #[inline]
    pub fn outcome(&self, outcome: Outcome<'_>) {
        if !outcome.is_good() {
            match self.recording() {
                Some(open) => open.fail(&outcome),
                None => self.fail_unrecorded(&outcome),
            }
        }
    }

    /// Keeps what a measured call that is not recorded failed with.
    #[cold]
    #[inline(never)]
    fn fail_unrecorded(&self, outcome: &Outcome<'_>) {
        if self.state == State::Empty {
            return;
        }
        // SAFETY: `open` is initialised in every other state.
        let open = unsafe { self.open.assume_init_ref() };
        if open.callsite.watch.is_some() {
            let failure = outcome.failure();
            if !failure.is_expected() {
                open.flags.set(open.flags.get() | flag::FAILED);
            }
            failure.write_type(&open.thread.scratch);
        }
    }

    /// Ends the span.
    #[allow(improper_ctypes_definitions)]
    #[inline(never)]
    extern "C" fn close(&mut self) {
        // What may call a function comes first, while there is little to save for its return.
        if std::thread::panicking() {
            return self.close_slowly();
        }
        let end = clock::now();
        // SAFETY: the guard is not empty.
        let open = unsafe { self.open.assume_init_mut() };
        if !open.plain.get() {
            return open.end_slowly(self.state, end);
        }
        let thread = open.thread;
        let position = thread.scratch.position();
        if position < open.position || !thread.outbox.takes_at_once(position - open.position) {
            return open.end_slowly(self.state, end);
        }
        thread.active.span.set(open.parent);
        // SAFETY: an open span does not leave its thread, and `takes_at_once` said yes.
        thread
            .scratch
            .take(open.position, |items| unsafe { thread.finish_at_once(open.head(end, items, false), items) });
    }

    #[cold]
    #[inline(never)]
    fn close_slowly(&mut self) {
        // SAFETY: the guard is not empty.
        unsafe { self.open.assume_init_mut() }.end_slowly(self.state, clock::now());
    }
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        if self.state != State::Empty {
            self.close();
        }
    }
}

impl Target for Open {
    #[inline(never)]
    fn word(&self, header: u64, value: u64) {
        if self.is_on_top() {
            self.thread.scratch.word(header, value);
        } else {
            self.item_slowly(wire::index_of(header), &mut |scratch| scratch.word(header, value));
        }
    }

    #[inline(never)]
    fn str(&self, header: u64, text: &str) {
        if self.is_on_top() {
            self.thread.scratch.str(header, text);
        } else {
            self.item_slowly(wire::index_of(header), &mut |scratch| scratch.str(header, text));
        }
    }

    fn item(&self, index: u16, write: &mut dyn FnMut(&Scratch)) {
        if self.is_on_top() {
            write(&self.thread.scratch);
        } else {
            self.item_slowly(index, write);
        }
    }
}

impl KeyedTarget for Open {
    fn keyed(&self, key: &str, write: &mut dyn FnMut(Slot<'_>)) {
        if self.is_on_top() {
            keyed(&self.thread.scratch, key, write);
        } else {
            self.keyed_slowly(key, &mut |scratch| keyed(scratch, key, write));
        }
    }
}

impl Open {
    /// Of a span that is undecided: the id of its trace, if the values are all that has to be known. Then nothing is kept for it
    /// in the thread's stack of those that wait.
    #[inline]
    fn undecided_trace(&self) -> Option<(u64, u64)> {
        let trace = (self.span, self.parent);
        (trace != (0, 0)).then_some(trace)
    }

    /// Whether the top of the scratch is this span's.
    #[inline]
    fn is_innermost(&self) -> bool {
        self.thread.active.span.get() == self.span && !self.thread.scratch.is_writing()
    }

    /// Whether the top of the scratch is this span's, nothing was kept aside, and another attribute is within the limits:
    /// every one takes a word at least, so with few words there cannot be too many.
    #[inline]
    fn is_on_top(&self) -> bool {
        let scratch = &self.thread.scratch;
        self.is_innermost()
            && scratch.position() - self.position < limits::attributes()
            && (self.plain.get() || self.more().late.get().is_none())
    }

    #[cold]
    #[inline(never)]
    fn item_slowly(&self, index: u16, write: &mut dyn FnMut(&Scratch)) {
        if let Some(key) = self.callsite.key(index) {
            self.keyed_slowly(key, write);
        }
    }

    #[cold]
    #[inline(never)]
    fn keyed_slowly(&self, key: &str, write: &mut dyn FnMut(&Scratch)) {
        let elsewhere = self.elsewhere();
        if !self.admits(limits::New::Attribute(key), elsewhere) {
            return;
        }
        let scratch = &self.thread.scratch;
        let position = scratch.position();
        write(scratch);
        if let Some(late) = elsewhere {
            late.take_above(scratch, position);
        }
    }

    fn link(&self, to: &SpanContext, attributes: &[KeyValue]) {
        let elsewhere = to.is_valid().then(|| self.elsewhere());
        let Some(elsewhere) = elsewhere.filter(|elsewhere| self.admits(limits::New::Link, *elsewhere)) else { return };
        let scratch = &self.thread.scratch;
        let position = scratch.position();
        write_link(scratch, to, attributes);
        if let Some(late) = elsewhere {
            late.take_above(scratch, position);
        }
    }

    /// What a simple span does not have; from now on this one is not simple.
    fn more(&self) -> &More {
        if self.plain.replace(false) {
            // SAFETY: nobody has a reference to it, because it was not initialised.
            unsafe { (*self.more.get()).write(More::default()) };
        }
        // SAFETY: it is initialised, and there are only shared references to it until the end of the span.
        unsafe { (*self.more.get()).assume_init_ref() }
    }

    /// Where items go if the top of the scratch belongs to somebody else: a span inside this one that is still open, or an
    /// item that is being written.
    fn elsewhere(&self) -> Option<&SharedSpan> {
        if !self.is_innermost() {
            let inbox = || {
                // Whatever is active: it may belong to a trace that is not recorded.
                let mode = Mode::RecordingAttached;
                let active = Active { span: self.span, attached: self.span, mode, ..self.thread.active.get() };
                self.thread.scratch.while_busy(|| SharedSpan::inbox(self.callsite, active, self.thread))
            };
            return Some(self.more().late.get_or_init(inbox));
        }
        self.take_back(false);
        None
    }

    /// Puts what was kept aside where it belongs in time: before whatever comes now.
    fn take_back(&self, ended: bool) {
        if !self.plain.get()
            && let Some(late) = self.more().late.get()
        {
            self.take_from(late, ended);
        }
    }

    /// What was kept aside was within the limits, but perhaps is not together with what the span has already.
    fn take_from(&self, late: &SharedSpan, ended: bool) {
        self.flags.set(self.flags.get() | late.failed());
        late.take(ended, |item, new| self.admit_again(item, new));
    }

    /// Takes what was recorded through handles. It was only held against what else came that way.
    #[cold]
    #[inline(never)]
    fn end_adopted(&self, adopted: Arc<SharedSpan>) {
        let scratch = &self.thread.scratch;
        let items = scratch.while_busy(|| scratch.above(self.position, <[u64]>::to_vec));
        scratch.truncate(self.position);
        limits::each(&items, self.callsite, &mut |item, new| self.admit_again(item, new));
        self.take_from(&adopted, true);
        scratch.while_busy(|| drop((items, adopted)));
    }

    fn admit_again(&self, item: &[u64], new: Option<limits::New<'_>>) {
        if new.is_none_or(|new| self.admits(new, None)) {
            self.thread.scratch.extend_items(item);
        }
    }

    /// Whether the span takes one more; if not, counts it.
    fn admits(&self, new: limits::New<'_>, elsewhere: Option<&SharedSpan>) -> bool {
        if let Some(late) = elsewhere {
            return late.admits(new);
        }
        let scratch = &self.thread.scratch;
        let mut admitted = true;
        scratch.while_busy(|| {
            scratch.edit(self.position, |items| {
                let (words, fits) = limits::admit(items, self.callsite, new);
                admitted = fits;
                words
            });
        });
        if !admitted {
            let mut counted = false;
            scratch.edit(self.position, |items| {
                counted = limits::count_dropped(items, new);
                items.len()
            });
            if !counted {
                scratch.extend(&limits::first_dropped(new));
            }
        }
        admitted
    }

    #[cold]
    #[inline(never)]
    fn fail(&self, outcome: &Outcome<'_>) {
        let failure = outcome.failure();
        let scratch = &self.thread.scratch;
        if !failure.is_expected() {
            self.flags.set(self.flags.get() | flag::FAILED);
        }
        let elsewhere = self.elsewhere();
        let position = scratch.position();
        failure.write(scratch);
        if let Some(late) = elsewhere {
            late.take_above(scratch, position);
        }
    }

    #[inline]
    fn head(&self, end: u64, items: &[u64], panicked: bool) -> Head {
        let flags = self.flags.get() | if panicked { flag::PANIC } else { 0 };
        let trace = self.thread.active.trace.get();
        head(self.callsite, trace, self.span, self.parent, self.start, end, flags, items.len())
    }

    /// What the watch has to say, when everything that was recorded is on the scratch.
    #[cold]
    #[inline(never)]
    fn judge(&self, watch: &'static Watch, state: State, time: u64, panicked: bool) {
        let flags = self.flags.get() | if panicked { flag::PANIC } else { 0 };
        let scratch = &self.thread.scratch;
        let end =
            scratch.above(self.position, |items| watch::End::of(self.callsite, watch, flags, items, self.start, time));
        end.measure();
        if state == State::Recording {
            end.attributes(&Ending(self));
            if end.is_over_budget() && self.admits(limits::New::Event, None) {
                end.event(scratch);
            }
        }
    }

    /// Ends the span, and leaves nothing in it that would have to be dropped.
    #[cold]
    #[inline(never)]
    fn end_slowly(&mut self, state: State, end: u64) {
        let thread = self.thread;
        if state == State::Undecided {
            // A value panicked: there is no span, and nobody will ask how it would have begun.
            thread.scratch.truncate(self.position);
            let begin = if self.undecided_trace().is_none() { thread.waiting.pop() } else { None };
            return begin.into_iter().for_each(Begin::forget);
        }
        self.more();
        if let Some(adopted) = thread.adopted.take(self.span, &thread.outbox) {
            self.end_adopted(adopted);
        }
        // SAFETY: `more` has initialised it, and it is not used after this.
        let More { late, attached } = unsafe { self.more.get_mut().assume_init_read() };
        if let Some(late) = late.get() {
            self.take_from(late, true);
        }
        let panicked = std::thread::panicking() && !self.panicking;
        if state == State::Recording
            && panicked
            && let Some(panic) = panic::take(thread, self.span)
        {
            panic.write(&thread.scratch, None);
            panic::forget(thread, panic);
        }
        // This runs meters, which may panic in their turn.
        if let Some(watch) = self.callsite.watch {
            self.judge(watch, state, end, panicked);
        }
        if state == State::Recording {
            let bits = attached.as_ref().map_or(0, |attached| attached.bits);
            thread.scratch.above(self.position, |items| {
                let mut head = self.head(end, items, panicked);
                head[0] |= bits;
                // SAFETY: an open span does not leave its thread.
                unsafe { thread.finish(head, items) };
            });
        }
        thread.scratch.truncate(self.position);
        match &attached {
            None => {
                thread.active.span.set(self.parent);
                thread.adopted.settle(thread);
            }
            Some(Attached { before, decides, .. }) => {
                if *decides {
                    // SAFETY: an open span does not leave its thread.
                    unsafe { tail::decide(thread, thread.active.trace.get(), end) };
                }
                thread.active.set(*before);
                thread.adopted.settle(thread);
                if before.mode == Mode::Nothing {
                    // Between two traces, so that the spans inside of them need not.
                    // SAFETY: as above.
                    thread.scratch.while_busy(|| unsafe { thread.outbox.change_early(&QUEUE) });
                }
            }
        }
        // OpenTelemetry frees the context while its own state is borrowed, and the allocator may be traced. Whatever else lies in
        // the context may panic when it is dropped; its message is shown already.
        thread.scratch.while_busy(|| {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(attached)));
            late.into_inner().into_iter().for_each(|late| thread.keep(late));
        });
    }
}

/// A span that has not begun: the top of the scratch is its own, and limits are for later.
struct Waiting<'a>(&'a Scratch);

impl KeyedTarget for Waiting<'_> {
    fn keyed(&self, key: &str, write: &mut dyn FnMut(Slot<'_>)) {
        keyed(self.0, key, write);
    }
}

/// A span that ends: the top of the scratch is its own.
struct Ending<'a>(&'a Open);

impl KeyedTarget for Ending<'_> {
    fn keyed(&self, key: &str, write: &mut dyn FnMut(Slot<'_>)) {
        if self.0.admits(limits::New::Attribute(key), None) {
            keyed(&self.0.thread.scratch, key, write);
        }
    }
}

/// An event under construction; it is complete when dropped.
#[derive(Debug)]
pub struct EventWriter<'a> {
    scratch: &'a Scratch,
    position: usize,
    item: Option<Writing<'a>>,
    elsewhere: Option<&'a SharedSpan>,
}

impl<'a> EventWriter<'a> {
    pub(super) fn new(scratch: &'a Scratch, index: u16, elsewhere: Option<&'a SharedSpan>) -> Self {
        let position = scratch.position();
        let item = scratch.begin(wire::EVENT, index);
        scratch.push(clock::now());
        Self { scratch, position, item: Some(item), elsewhere }
    }

    /// Always: an event is only begun on a span that is recorded.
    pub fn is_recording(&self) -> bool {
        true
    }

    /// Records what every event of a schema has.
    pub fn constants(&self, schema: &crate::schema::EventDef) {
        for (key, value) in schema.constants {
            keyed(self.scratch, key, &mut |slot| slot.str(value));
        }
    }

    /// Records the attributes of a struct.
    pub fn attributes(&self, of: &(impl SpanAttributes + ?Sized)) {
        of.record_attributes(&mut AttributeSink::new(self));
    }

    /// The place for the value of the event's attribute with this index; there always is one.
    pub fn slot(&self, index: u16) -> Option<Slot<'_>> {
        Some(Slot::new(self.scratch, index))
    }
}

impl KeyedTarget for EventWriter<'_> {
    fn keyed(&self, key: &str, write: &mut dyn FnMut(Slot<'_>)) {
        keyed(self.scratch, key, write);
    }
}

impl Drop for EventWriter<'_> {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            item.finish_words();
        }
        if let Some(span) = self.elsewhere {
            span.take_above(self.scratch, self.position);
        }
    }
}
