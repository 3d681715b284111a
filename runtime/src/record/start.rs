//! Where a span begins: below whom, in which trace, and whether it is recorded.

use super::ambient::{Ambient, carried_to};
use super::begin::{Begin, Decided, Sample};
use super::capture::{self, SeenBy};
use super::counters::{COUNTERS, Counters};
use super::guard::lazy;
use super::handle::OtelSpan;
use super::sampling::{AtOnce, Decision, GroundsNumber, Who};
use super::shared::{SharedSpan, keyed_of};
use super::thread::{self, Active, Mode, Thread};
use super::{Callsite, flag, head_bits, limits, sampling, tail};
use crate::attribute::AnyAttribute;
use crate::wire::{self, Scratch};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceState};
use std::sync::Arc;

/// A span that begins: who it is and whom it belongs to.
pub(super) struct Start {
    pub(super) active: Active,
    pub(super) parent: u64,
    pub(super) flags: u8,
    /// Whether its trace begins in this process here.
    pub(super) begins_here: bool,
    pub(super) state: TraceState,
    /// Whether the trace's id is random, as far as whoever made it says (W3C trace context, level 2).
    random: TraceFlags,
    /// Whether its context gives attributes to every span.
    is_given_more: bool,
    /// Whether the sampler gives attributes to the span.
    is_gifted: bool,
    /// Why the trace is kept, if it enters the process here and there is something to say.
    grounds: GroundsNumber,
}

/// The flag of a trace whose id is random in its last seven bytes.
const RANDOM: TraceFlags = TraceFlags::new(2);

/// What of the flags belongs to the trace, and not to the decision on it.
fn random_of(parent: &SpanContext) -> TraceFlags {
    parent.trace_flags() & RANDOM
}

impl Start {
    /// Finds the parent and decides whether the span is recorded.
    ///
    /// `None` if there is nothing to open: telemetry is suppressed, or the parent is a span of ours that is not
    /// recorded, and so is current for OpenTelemetry already.
    pub(super) fn find<'a>(thread: &Thread, who: impl Into<Who<'a>> + Copy) -> Option<Self> {
        if thread.scratch.busy() {
            Self::turned_away(thread);
            return None;
        }
        // While the context is looked at it must not be changed, and to clone a `tracestate` takes memory: the allocator may be
        // traced.
        thread.scratch.while_busy(|| {
            Context::map_current(|context| {
                let suppressed = context.is_telemetry_suppressed();
                if suppressed { None } else { Self::below_busy(thread, context, who) }
            })
        })
    }

    /// Counts a span of the allocator's that begins while the thread is busy with another.
    fn turned_away(thread: &Thread) {
        Counters::add(&COUNTERS.allocator, 1);
        thread.started();
        thread.ended();
    }

    /// The same below the span in a context that is given.
    pub(super) fn below<'a>(thread: &Thread, context: &Context, who: impl Into<Who<'a>> + Copy) -> Option<Self> {
        thread.scratch.while_busy(|| Self::below_busy(thread, context, who))
    }

    fn below_busy<'a>(thread: &Thread, context: &Context, who: impl Into<Who<'a>> + Copy) -> Option<Self> {
        Self::below_or(thread, context, who, |seen, trace, parent, continues| {
            seen.decide(trace.1, parent, continues, context)
        })
    }

    /// The same where an annotation says how the span begins; and the context that it begins in.
    pub(super) fn begun<'a>(thread: &Thread, begin: &Begin, who: impl Into<Who<'a>> + Copy) -> Option<(Self, Context)> {
        if thread.scratch.busy() {
            Self::turned_away(thread);
            return None;
        }
        let who = who.into();
        let current = Context::current();
        let carried = begin.parent.as_ref().and_then(|parent| carried_to(parent, &current));
        let context = carried.as_ref().or(begin.parent.as_ref()).unwrap_or(&current);
        if current.is_telemetry_suppressed() || context.is_telemetry_suppressed() {
            return None;
        }
        let decide = |seen: SeenBy, trace: (u64, u64), parent: Option<bool>, continues| match (begin.sample, parent) {
            // In a test nothing is left to chance.
            (Some(sample), None) if !(seen.is_always() && matches!(sample, Sample::Ratio(_))) => {
                sampling::decide_by(sample, trace.1)
            }
            _ => seen.decide(trace.1, parent, continues, context),
        };
        // As in `find`.
        let start = thread.scratch.while_busy(|| match &begin.parent {
            Some(parent) => {
                Self::of(thread, parent.span().span_context(), context, who, |seen, trace, parent, continues| {
                    let known = thread.active.get();
                    // It is known better whether the thread's own trace is recorded: it may have been refused.
                    let same = continues && known.trace == trace && parent == Some(known.mode.is_recording());
                    if same && known.mode != Mode::Nothing {
                        known.mode
                    } else {
                        decide(seen, trace, parent, continues)
                    }
                })
            }
            None if begin.root => Self::of(thread, &SpanContext::NONE, context, who, decide),
            None => Self::below_or(thread, context, who, decide),
        });
        let mut start = start?;
        if start.is_undecided() {
            return Some((start, Context::new()));
        }
        // The sampler may not ask parents, but it must not undo the decision where the trace continues.
        let decided = begin
            .sample
            .filter(|_| start.parent == 0)
            .map(|_| Decided { trace: start.active.trace_id(), sampled: start.active.mode.is_recording() });
        match (begin.sample.filter(|_| start.parent == 0), start.active.mode) {
            (Some(sample), Mode::Unsampled) => sampling::refused_by(sample, thread, start.active.trace, &who),
            (Some(sample), mode) if mode.is_recording() && start.begins_here => start.grounds = sample.grounds(),
            _ => {}
        }
        let context = thread.scratch.while_busy(|| match decided {
            Some(decided) => context.with_value(decided),
            None => context.clone(),
        });
        Some((start, context))
    }

    /// With `decide` for a trace that the thread does not know: it gets who looks, the trace's id, the parent's decision if
    /// there is a parent, and whether the parent is in this process. Where it says [`Mode::Nothing`], the sampler is asked.
    #[inline(always)]
    fn below_or<'a>(
        thread: &Thread,
        context: &Context,
        who: impl Into<Who<'a>> + Copy,
        decide: impl FnOnce(SeenBy, (u64, u64), Option<bool>, bool) -> Mode,
    ) -> Option<Self> {
        let parent = context.span();
        let parent = parent.span_context();
        let known = thread.active.get();
        if known.mode != Mode::Nothing && parent.span_id() == SpanId::from(known.attached) {
            return match known.mode {
                Mode::Refused => {
                    thread.refused();
                    None
                }
                Mode::Unsampled | Mode::Nothing => None,
                Mode::Recording | Mode::RecordingAttached => {
                    thread.started();
                    let span = thread.new_span_id();
                    let is_given_more = Ambient::is_in(context);
                    let mode = if is_given_more { Mode::RecordingAttached } else { known.mode };
                    let active = Active { span, attached: span, mode, ..known };
                    let (state, random) = (state_of(parent), random_of(parent));
                    Some(Self {
                        active,
                        parent: known.span,
                        flags: 0,
                        begins_here: false,
                        state,
                        random,
                        is_given_more,
                        is_gifted: false,
                        grounds: 0,
                    })
                }
            };
        }
        Self::of(thread, parent, context, who, decide)
    }

    /// A span below exactly this parent.
    #[inline(always)]
    pub(super) fn of<'a>(
        thread: &Thread,
        parent: &SpanContext,
        context: &Context,
        who: impl Into<Who<'a>> + Copy,
        decide: impl FnOnce(SeenBy, (u64, u64), Option<bool>, bool) -> Mode,
    ) -> Option<Self> {
        let mut state = state_of(parent);
        let (trace, parent_span, decision) = if parent.is_valid() {
            let trace = u128::from_be_bytes(parent.trace_id().to_bytes());
            let span = u64::from_be_bytes(parent.span_id().to_bytes());
            (((trace >> 64) as u64, trace as u64), span, Some(parent.is_sampled()))
        } else {
            ((thread.random(), thread.random()), 0, None)
        };
        let seen = capture::find(thread, parent);
        if seen == SeenBy::Nobody {
            return None;
        }
        // Tail sampling keeps its hands off what is captured.
        let begins_here = seen == SeenBy::Pipeline && (!parent.is_valid() || parent.is_remote());
        let mut mode = decide(seen, trace, decision, parent.is_valid() && !parent.is_remote());
        let (mut grounds, mut is_gifted) = (0, false);
        let is_asked = mode == Mode::Nothing;
        if is_asked {
            match sampling::at_once(thread, trace.1, parent, &who.into()) {
                AtOnce::Refused => mode = sampling::mode_of_root(false),
                AtOnce::Kept(found, told) => {
                    mode = sampling::mode_of_root(true);
                    grounds = if begins_here { found } else { 0 };
                    if let Some(number) = told {
                        state = sampling::told_at_once(thread, who.into().callsite, number);
                    }
                }
                other => match Self::ask(thread, trace, parent, context, &who.into(), other) {
                    None => {
                        // Nothing but the values can change what is known here.
                        let is_all = other == AtOnce::Waits && seen == SeenBy::Pipeline;
                        return Some(Self::undecided(if is_all { trace } else { (0, 0) }, context));
                    }
                    Some(decision) => {
                        (mode, is_gifted) = (decision.mode, decision.gives);
                        grounds = if begins_here { decision.grounds } else { 0 };
                        if let Some(changed) = decision.state {
                            state = changed;
                        }
                    }
                },
            }
        } else if begins_here && mode.is_recording() {
            grounds = sampling::grounds(trace.1, parent);
        }
        let enters = !parent.is_valid() || parent.is_remote();
        if mode == Mode::Refused {
            let who = who.into();
            if sampling::matters(parent, &who) {
                mode = Mode::Recording;
            } else {
                sampling::refused_by_queue(thread, trace, &who, is_asked);
                // No threshold has kept it, whatever the sampler or the parent said before.
                if let Some(changed) = sampling::untold(&state) {
                    state = changed;
                }
            }
        }
        if seen == SeenBy::Pipeline && mode.is_recording() {
            if !enters {
                if tail::joins(thread, trace) {
                    // The trace was decided against while it went on.
                    mode = Mode::Unsampled;
                }
            } else if parent.is_valid() {
                tail::comes_in(trace);
            }
        }
        let is_given_more = mode.is_recording() && Ambient::is_in(context);
        let mode = match mode {
            // `TraceState` does not say whether it is empty, but the empty one equals the default.
            Mode::Recording if !lazy() || state != TraceState::NONE || is_given_more || is_gifted => {
                Mode::RecordingAttached
            }
            mode => mode,
        };
        match mode {
            Mode::Refused => thread.refused(),
            Mode::Unsampled | Mode::Nothing => {}
            Mode::Recording | Mode::RecordingAttached => thread.started(),
        }
        let span = thread.new_span_id();
        if let SeenBy::Capture { .. } = seen {
            capture::enter(thread, trace, span, parent);
            tail::hands_off(trace);
        }
        Some(Self {
            active: Active { trace, span, attached: span, mode },
            parent: parent_span,
            flags: if parent.is_valid() && parent.is_remote() { flag::REMOTE_PARENT } else { 0 },
            begins_here,
            state,
            // Ids that are made here are.
            random: if parent.is_valid() { random_of(parent) } else { RANDOM },
            is_given_more,
            is_gifted,
            grounds,
        })
    }

    /// Asks about what is not decided at once; `None` if values have to be known first that the span does not have yet.
    #[cold]
    #[inline(never)]
    fn ask(
        thread: &Thread,
        trace: (u64, u64),
        parent: &SpanContext,
        context: &Context,
        who: &Who<'_>,
        at_once: AtOnce,
    ) -> Option<Decision> {
        if at_once == AtOnce::Waits {
            if who.has_more_to_say() {
                return None;
            }
            let (sampled, grounds, told) =
                match sampling::by_attributes(thread, trace.1, who.callsite, who.given, Some(context)) {
                    AtOnce::Refused => (false, 0, None),
                    AtOnce::Kept(grounds, told) => (true, grounds, told),
                    AtOnce::Unknown | AtOnce::Waits => return sampling::ask(thread, trace, parent, context, *who),
                };
            let state = told.map(|number| sampling::told_at_once(thread, who.callsite, number));
            return Some(Decision { mode: sampling::mode_of_root(sampled), state, grounds, gives: false });
        }
        sampling::ask(thread, trace, parent, context, *who)
    }

    /// The root of a trace that was [undecided](Self::undecided_trace), on which this was decided; `None` if that does not say
    /// all.
    #[inline(always)]
    pub(super) fn decided(
        thread: &Thread,
        trace: (u64, u64),
        callsite: &'static Callsite,
        at_once: AtOnce,
    ) -> Option<Self> {
        let mut mode = sampling::mode_of_root(at_once != AtOnce::Refused);
        let (mut state, grounds) = match at_once {
            AtOnce::Unknown | AtOnce::Waits => return None,
            AtOnce::Refused => (TraceState::NONE, 0),
            AtOnce::Kept(grounds, None) => (TraceState::NONE, grounds),
            AtOnce::Kept(grounds, Some(number)) => (sampling::told_at_once(thread, callsite, number), grounds),
        };
        if mode == Mode::Refused {
            mode = thread.scratch.while_busy(|| Self::refused_root(thread, trace, callsite, &mut state));
        }
        if mode.is_recording() {
            if !lazy() || state != TraceState::NONE {
                mode = Mode::RecordingAttached;
            }
            thread.started();
        }
        let span = thread.new_span_id();
        let active = Active { trace, span, attached: span, mode };
        Some(Self {
            active,
            parent: 0,
            flags: 0,
            begins_here: true,
            state,
            random: RANDOM,
            is_given_more: false,
            is_gifted: false,
            grounds,
        })
    }

    /// What becomes of a root for whose trace the queue has no room.
    #[cold]
    #[inline(never)]
    fn refused_root(thread: &Thread, trace: (u64, u64), callsite: &'static Callsite, state: &mut TraceState) -> Mode {
        let who = callsite.into();
        if sampling::matters(&SpanContext::NONE, &who) {
            return Mode::Recording;
        }
        // Whoever decides at once has counted it.
        sampling::refused_by_queue(thread, trace, &who, true);
        *state = TraceState::NONE;
        thread.refused();
        Mode::Refused
    }

    /// A span that cannot begin before the values of its attributes are known; its mode is [`Mode::Nothing`]. The trace has an
    /// id if it is a root of which nothing else has to be known.
    #[cold]
    #[inline(never)]
    fn undecided(trace: (u64, u64), context: &Context) -> Self {
        // What the context gives counts as well.
        let trace = if Ambient::is_in(context) { (0, 0) } else { trace };
        let active = Active { trace, span: 0, attached: 0, mode: Mode::Nothing };
        let (state, random) = (TraceState::NONE, TraceFlags::NOT_SAMPLED);
        Self {
            active,
            parent: 0,
            flags: 0,
            begins_here: false,
            state,
            random,
            is_given_more: false,
            is_gifted: false,
            grounds: 0,
        }
    }

    /// What the span's record says besides its flags.
    #[inline]
    pub(super) fn head_bits(&self) -> u64 {
        // The trace enters the process here.
        let enters = self.parent == 0 || self.flags & flag::REMOTE_PARENT != 0;
        if enters { head_bits::LOCAL_ROOT | head_bits::of_grounds(self.grounds) } else { 0 }
    }

    /// Whether it is one of these.
    #[inline]
    pub(super) fn is_undecided(&self) -> bool {
        self.active.mode == Mode::Nothing
    }

    /// The id of the trace if it is one of these, and no more than the values has to be known; `(0, 0)` otherwise.
    #[inline]
    pub(super) fn undecided_trace(&self) -> (u64, u64) {
        self.active.trace
    }

    /// Whether every record of the trace, or below the context, carries something.
    #[inline]
    pub(super) fn has_more(&self) -> bool {
        self.active.mode == Mode::RecordingAttached
            && (self.is_given_more || self.is_gifted || self.state != TraceState::NONE)
    }

    /// Writes the `tracestate` for a record, and the attributes that every span in its context has: that which is given, or
    /// else the current one; and those that the sampler gives.
    #[cold]
    #[inline(never)]
    pub(super) fn write_more(&self, scratch: &Scratch, inside: Option<&Context>) {
        if self.state != TraceState::NONE {
            scratch.while_busy(|| scratch.whole_str(wire::header(wire::TRACE_STATE, 0, 0), &header_of(&self.state)));
        }
        if self.is_given_more {
            let ambient = match inside {
                Some(context) => Ambient::find(context),
                None => Context::map_current(Ambient::find),
            };
            ambient.iter().for_each(|ambient| ambient.write(scratch));
            scratch.while_busy(|| drop(ambient));
        }
        if self.is_gifted
            && let Some(thread) = thread::existing()
        {
            let gifts = thread.sampler.take_given(self.active.trace);
            for gift in gifts.iter().take(limits::attributes()) {
                keyed_of(scratch, wire::OF_CONTEXT, gift.key.as_str(), &mut |slot| gift.value.record(slot));
            }
            scratch.while_busy(|| drop(gifts));
        }
    }

    /// Who the span is to others.
    #[inline(always)]
    pub(super) fn span_context(self) -> SpanContext {
        self.active.span_context(self.state, self.random)
    }

    /// OpenTelemetry's context with this span in it. To be called while the thread is busy: a traced allocator must not
    /// change the context that is being looked at. With `shared`, what is recorded through the context goes there.
    #[inline(always)]
    pub(super) fn context(self, shared: Option<&Arc<SharedSpan>>) -> Context {
        Context::map_current(|current| self.context_in(current, shared))
    }

    /// The same in place of the span that is in `context`.
    #[inline(always)]
    pub(super) fn context_in(self, context: &Context, shared: Option<&Arc<SharedSpan>>) -> Context {
        let span = self.span_context();
        match shared {
            Some(shared) => context.with_span(OtelSpan::of(Arc::clone(shared), span)),
            None => context.with_remote_span_context(span),
        }
    }
}

/// A `tracestate` as its header has it: most have one short member.
fn header_of(state: &TraceState) -> String {
    let mut header = String::with_capacity(32);
    for (key, value) in state {
        if !header.is_empty() {
            header.push(',');
        }
        header.push_str(key);
        header.push('=');
        header.push_str(value);
    }
    header
}

/// What is not valid names no parent, and its state belongs to no trace.
fn state_of(parent: &SpanContext) -> TraceState {
    if parent.is_valid() { parent.trace_state().clone() } else { TraceState::NONE }
}

/// The span that is active on this thread, if `attached` is the span that stands for it in OpenTelemetry's context
/// because it is lazy.
pub(crate) fn lazy_span(attached: &SpanContext) -> Option<SpanContext> {
    lazy_on_thread(attached).map(|(_, active)| active)
}

/// The same for the span of a context, and the thread it is active on.
pub(super) fn lazy_context(current: &Context) -> Option<(&'static Thread, SpanContext)> {
    lazy_on_thread(current.span().span_context())
}

fn lazy_on_thread(attached: &SpanContext) -> Option<(&'static Thread, SpanContext)> {
    let thread = thread::existing()?;
    let active = thread.active.get();
    let stands_for_it = active.mode.is_recording()
        && active.span != active.attached
        && attached.span_id() == SpanId::from(active.attached);
    stands_for_it.then(|| (thread, active.span_context(attached.trace_state().clone(), random_of(attached))))
}

/// No span has this id.
pub(super) const NOBODY: u64 = u64::MAX;

/// The time during which OpenTelemetry's context is exact: what it names is meant, also if the active span is lazy and
/// below that.
#[derive(Debug)]
pub(crate) struct Exact(Option<(&'static Thread, u64)>);

impl Exact {
    pub(crate) fn enter() -> Self {
        Self(thread::existing().map(|thread| (thread, thread.active.attached.replace(NOBODY))))
    }
}

impl Drop for Exact {
    fn drop(&mut self) {
        if let Some((thread, attached)) = self.0 {
            thread.active.attached.set(attached);
        }
    }
}
