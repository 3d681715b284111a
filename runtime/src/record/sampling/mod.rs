//! The head decision, taken once per local root.
//!
//! ```text
//! a trace enters ──► SETTING (one atomic word) ──► always, never, by ratio, by parent      (no call, no memory)
//!                          │ says it needs more
//!                          ▼
//!                    Installed (behind a pointer) ──► Node ──► rules, limits, consistent probability
//! ```
//!
//! What one word can say is decided with that word. Everything else is a tree of [`Node`]s, which is asked out of line. Both
//! change while threads run: the tree first, then the word, so that whoever is sent to the tree finds one.

mod adaptive;
mod bucket;
mod budgets;
mod consistent;
mod controller;
mod counts;
mod custom;
mod doubt;
#[cfg(test)]
mod doubt_tests;
mod errors;
#[cfg(test)]
mod explained;
mod grounds;
mod mine;
mod node;
#[cfg_attr(not(feature = "otlp-http"), allow(dead_code))]
mod operations;
mod pressure;
mod rates;
mod refusals;
mod rules;
#[cfg(test)]
mod rules_tests;
mod shares;
mod simulated;
#[cfg(test)]
mod simulation;
mod swap;
mod target;
#[cfg(test)]
mod tests;

pub(crate) use adaptive::{AdaptiveNode, error_boost, follows_errors, follows_load, forget_load, load_factor};
pub(crate) use adaptive::{note_load, sampling_factor};
pub(crate) use bucket::{Bucket, SchemaBuckets};
#[cfg(feature = "tower")]
pub(crate) use budgets::note_budget;
#[cfg(all(test, feature = "tower"))]
pub(crate) use budgets::used as budget_used;
pub(crate) use consistent::threshold_of as consistent_threshold;
pub(crate) use consistent::{randomness_in, state_with_threshold, threshold_in};
pub(crate) use controller::{LoadLimits, Readings};
pub use counts::SamplingCounts;
pub(crate) use custom::{CustomNode, Tame};
pub(crate) use grounds::{Grounds, GroundsNumber, Kept, ToldState, probability_of};
pub(super) use mine::{AtOnce, Mine};
pub(crate) use node::{Composed, Node, Parents};
#[cfg(feature = "otlp-http")]
pub(crate) use operations::Operations;
pub(crate) use rates::Rates;
pub(crate) use refusals::tell_refusals;
pub(super) use rules::{Given, Who};
pub(crate) use rules::{Match, Parent, RuleNode};
pub(crate) use simulated::{Entered, Entering, adjusted_count, rule_names, simulate};
pub(super) use swap::Swap;

use super::begin::{Decided, Sample};
use super::handle::span_of;
use super::thread::{Mode, Thread};
use super::{Callsite, Priority, QUEUE};
use counts::{Counted, Counts};
use node::{Answer, Asked, Reason};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceState};
use refusals::{Refusal, Why};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, fence};

/// What a sampler is that one word can say: in the upper 56 bits the threshold that the random part of a trace's id has to
/// reach, below that the flags.
static SETTING: AtomicU64 = AtomicU64::new(FOLLOW);

/// The parent's decision wins where there is one.
const FOLLOW: u64 = 1;
/// The word does not say all: what it does not keep is to be asked for.
const GENERAL: u64 = 2;
/// The values of attributes matter.
const ATTRIBUTES: u64 = 4;
/// The load matters.
const LOAD: u64 = 8;
/// Somebody wants to know why traces are refused.
const EXPLAIN: u64 = 16;
/// No random part is enough. With it the threshold is the largest there is.
const NEVER: u64 = 0x80;
/// What stands below the random part when it is compared: above every flag but `NEVER`.
const BELOW: u64 = 0x7f;
const FLAG_BITS: u32 = 8;

/// What there is to say of a trace that reaches the threshold in [`SETTING`]: nothing if that is the least one, or if it is the
/// sampler that knows.
static REACHED: AtomicU16 = AtomicU16::new(0);

/// The sampler that was installed last, whatever it is.
static INSTALLED: Swap<Installed> = Swap::new();

/// The random part of a trace id: its last seven bytes (W3C trace context, level 2).
const RANDOM_BITS: u32 = 56;
const RANDOM_MASK: u64 = (1 << RANDOM_BITS) - 1;

/// The threshold that this share of the traces reaches.
pub(crate) fn threshold(ratio: f64) -> u64 {
    let kept = (ratio.clamp(0.0, 1.0) * (RANDOM_MASK + 1) as f64) as u64;
    RANDOM_MASK + 1 - kept
}

/// Whether a trace's random part reaches a threshold.
#[inline]
pub(super) fn reaches(trace_low: u64, threshold: u64) -> bool {
    trace_low & RANDOM_MASK >= threshold
}

/// The same for the threshold in a setting.
#[inline]
fn reaches_setting(trace_low: u64, setting: u64) -> bool {
    (trace_low << FLAG_BITS | BELOW) > setting
}

fn setting_of(threshold: u64, flags: u64) -> u64 {
    if threshold > RANDOM_MASK { !0 << FLAG_BITS | NEVER | flags } else { threshold << FLAG_BITS | flags }
}

struct Installed {
    node: Node,
    /// Whether it is worth while to remember something of a call site.
    has_sites: bool,
    counts: Counts,
}

/// Decides by this sampler from now on. Threads may run; what they have decided stays decided. Returns what has decided before, to
/// be dropped where no lock is held: a sampler of the program's own may end with it, which may call anything.
#[must_use = "a sampler of the program's own may end with it"]
pub(crate) fn set_sampler(node: Node) -> impl Sized + use<> {
    // Before anybody is asked, so that the numbers are there then.
    node.enter_grounds();
    let (setting, reached) = match node.simple() {
        Some((threshold, follow)) => {
            let reached = if threshold > RANDOM_MASK { 0 } else { node::ratio_number(threshold) };
            (setting_of(threshold, if follow { FOLLOW } else { 0 }), reached)
        }
        None => {
            let attributes = if node.asks_attributes() { ATTRIBUTES } else { 0 };
            let load = if adaptive::take_over(&node) { LOAD } else { 0 };
            (setting_of(u64::MAX, GENERAL | attributes | load), 0)
        }
    };
    let rules = node.rules();
    let has_sites = rules > 0 || node.is_settled();
    let replaced = INSTALLED.set(Installed { node, has_sites, counts: Counts::new(rules) });
    REACHED.store(reached, Relaxed);
    SETTING.store(setting, Release);
    refusals::follow_level();
    replaced
}

/// Keeps every trace that begins here, and follows the parent's decision where there is one.
#[cfg(feature = "testing")]
pub(super) fn set_default() {
    REACHED.store(0, Relaxed);
    SETTING.store(FOLLOW, Relaxed);
    refusals::follow_level();
}

/// How the sampler that is installed has decided so far; `None` if it is one whose decisions are not counted.
pub(crate) fn sampling_counts() -> Option<SamplingCounts> {
    if SETTING.load(Acquire) & GENERAL == 0 {
        return None;
    }
    INSTALLED.with(|installed| installed.counts.read())
}

/// Decides on a trace whose parent, if `context` has one, has decided this. With `continues` the trace is in this process
/// already, and is not refused. `Mode::Nothing` if the sampler has to be [asked](ask).
#[inline]
pub(super) fn decide(trace_low: u64, parent: Option<bool>, continues: bool, context: &Context) -> Mode {
    let setting = SETTING.load(Relaxed);
    let sampled = match parent {
        Some(sampled) if setting & FOLLOW != 0 => sampled,
        None => reaches_setting(trace_low, setting),
        Some(_) => Decided::find(context).unwrap_or_else(|| reaches_setting(trace_low, setting)),
    };
    if !sampled && setting & (GENERAL | EXPLAIN) != 0 {
        return Mode::Nothing;
    }
    mode(sampled, continues)
}

/// What there is to say of a trace that enters the process, and that [`decide`] has kept.
#[inline]
pub(super) fn grounds(trace_low: u64, parent: &SpanContext) -> GroundsNumber {
    if !parent.is_valid() || SETTING.load(Relaxed) & FOLLOW == 0 {
        REACHED.load(Relaxed)
    } else if *parent.trace_state() == TraceState::NONE {
        0
    } else {
        told(trace_low, parent)
    }
}

#[cold]
#[inline(never)]
fn told(trace_low: u64, parent: &SpanContext) -> GroundsNumber {
    node::told(trace_low, parent)
}

/// The same for a trace that begins where an annotation decides.
pub(super) fn decide_by(sample: Sample, trace_low: u64) -> Mode {
    mode(reaches(trace_low, sample.threshold()), false)
}

impl Sample {
    /// From which randomness on it keeps traces.
    fn threshold(self) -> u64 {
        match self {
            Self::Always => 0,
            Self::Never => RANDOM_MASK + 1,
            Self::Ratio(ratio) => threshold(ratio),
        }
    }

    /// What there is to say of a trace that it keeps.
    pub(super) fn grounds(self) -> GroundsNumber {
        Grounds::new(Kept::Hint, Some(self.threshold())).number()
    }
}

/// Counts, and if somebody wants to know says, that an annotation has refused a trace.
#[cold]
#[inline(never)]
pub(super) fn refused_by(sample: Sample, thread: &Thread, trace: (u64, u64), who: &Who<'_>) {
    let setting = SETTING.load(Acquire);
    if setting & GENERAL != 0 {
        let counted = Counted { kept: false, reason: Reason::Hint, rule: None };
        mine::with(thread, |held| held.count(counted));
    }
    if setting & EXPLAIN != 0 {
        let ratio = matches!(sample, Sample::Ratio(_)).then(|| sample.threshold());
        explain(trace, who, Why::Sampler(Reason::Hint), None, ratio);
    }
}

/// Counts, and if somebody wants to know says, that a trace is refused because the queue has no room for a whole one. Whether the
/// sampler was asked, which has counted it as kept.
#[cold]
#[inline(never)]
pub(super) fn refused_by_queue(thread: &Thread, trace: (u64, u64), who: &Who<'_>, is_counted: bool) {
    if is_counted && SETTING.load(Acquire) & GENERAL != 0 {
        mine::with(thread, mine::Held::count_refused_by_queue);
    }
    if refusals::are_said() {
        explain(trace, who, Why::Queue, None, None);
    }
}

/// The state without a threshold, if it tells one.
#[cold]
#[inline(never)]
pub(super) fn untold(state: &TraceState) -> Option<TraceState> {
    // Most traces come without a state.
    if *state == TraceState::NONE { None } else { consistent::with_threshold(state, None) }
}

/// Whether somebody wants to know why traces are not recorded.
#[inline]
pub(super) fn refusals_are_said() -> bool {
    refusals::are_said()
}

/// Says that tail sampling has forgotten a trace: by the rule with this name, or by its ratio.
pub(super) fn forgotten_by_tail(trace: (u64, u64), name: &str, rule: Option<&str>, threshold: Option<u64>) {
    let reason = if rule.is_some() { Why::TailRule } else { Why::TailRatio };
    let rule = || rule.map(Into::into);
    refusals::note(|| Refusal { trace, name: refusals::shortened(name), reason, rule: rule(), threshold });
}

#[cold]
#[inline(never)]
fn explain(trace: (u64, u64), who: &Who<'_>, reason: Why, rule: Option<&str>, threshold: Option<u64>) {
    let name = who.name;
    let rule = || rule.map(Into::into);
    refusals::note(|| Refusal { trace, name: refusals::shortened(name), reason, rule: rule(), threshold });
}

/// Whether the sampler that is installed wants to know values of attributes that the span does not have yet.
#[cold]
#[inline(never)]
fn waits(thread: &Thread, parent: &SpanContext, context: &Context, who: &Who<'_>) -> bool {
    let is_undecided = !parent.is_valid() || parent.is_remote() || decided_here(parent, context).is_none();
    let asks = |held: &mine::Held| {
        let asked = Asked { masks: held.masks(who, parent), ..Asked::new((0, 0), parent, *who) };
        held.installed.node.asks_attributes_of(&asked)
    };
    is_undecided && mine::with(thread, asks).unwrap_or_default()
}

/// Whether the sampler that is installed looks at values of attributes, so that it is worth while to make them before a
/// span begins.
#[inline]
#[cfg(any(feature = "tower", feature = "tracing"))]
pub(crate) fn asks_attributes() -> bool {
    SETTING.load(Acquire) & ATTRIBUTES != 0
}

/// What a sampler decides that was asked.
pub(super) struct Decision {
    pub(super) mode: Mode,
    /// The trace's `tracestate`, if it changes.
    pub(super) state: Option<TraceState>,
    pub(super) grounds: GroundsNumber,
    /// Whether the sampler has [given](Mine::take_given) attributes to the span.
    pub(super) gives: bool,
}

/// Decides on a trace that begins here, where its sampler says the same to all such traces of the call site and this thread
/// knows that: most decisions by rules are no more than this.
#[inline]
pub(super) fn at_once(thread: &Thread, trace_low: u64, parent: &SpanContext, who: &Who<'_>) -> AtOnce {
    // Randomness of its own is in the state of a parent that is not valid.
    if parent.is_valid() || !who.is_its_call_sites() || *parent.trace_state() != TraceState::NONE {
        return AtOnce::Unknown;
    }
    at_once_of(thread, trace_low, who.callsite)
}

#[inline(never)]
fn at_once_of(thread: &Thread, trace_low: u64, callsite: &'static Callsite) -> AtOnce {
    // As in `ask`.
    fence(Acquire);
    let setting = SETTING.load(Relaxed);
    if setting & GENERAL == 0 {
        return AtOnce::Unknown;
    }
    mine::with_current(thread, |held| held.decide_at_once(callsite, trace_low, setting & EXPLAIN != 0))
        .unwrap_or(AtOnce::Unknown)
}

/// The same where [attributes decide](AtOnce::Waits): those that are given, and those of a context.
#[cold]
#[inline(never)]
pub(super) fn by_attributes(
    thread: &Thread,
    trace_low: u64,
    callsite: &'static Callsite,
    given: Given<'_>,
    context: Option<&Context>,
) -> AtOnce {
    // As in `ask`.
    fence(Acquire);
    let explains = SETTING.load(Relaxed) & EXPLAIN != 0;
    mine::with_current(thread, |held| held.decide_by_attributes(callsite, trace_low, explains, given, context))
        .unwrap_or(AtOnce::Unknown)
}

/// The state of a trace that was kept so, and told this number.
#[cold]
#[inline(never)]
pub(super) fn told_at_once(thread: &Thread, callsite: &'static Callsite, number: u8) -> TraceState {
    // The allocator may be traced.
    let told = || mine::with_current(thread, |held| held.told(callsite, number)).flatten();
    thread.scratch.while_busy(told).unwrap_or_default()
}

/// What becomes of a trace that its sampler keeps or not, and that begins here.
#[inline]
pub(super) fn mode_of_root(sampled: bool) -> Mode {
    mode(sampled, false)
}

/// Asks the sampler that is installed; `None` if it wants to know values of attributes that the span does not have yet.
#[inline(never)]
pub(super) fn ask(
    thread: &Thread,
    trace: (u64, u64),
    parent: &SpanContext,
    context: &Context,
    who: Who<'_>,
) -> Option<Decision> {
    // Whoever has read the word that sends here finds what was installed before it was written.
    fence(Acquire);
    let setting = SETTING.load(Relaxed);
    if who.has_more_to_say() && setting & ATTRIBUTES != 0 && waits(thread, parent, context, &who) {
        return None;
    }
    Some(ask_slowly(thread, setting, trace, parent, context, who))
}

#[cold]
#[inline(never)]
fn ask_slowly(
    thread: &Thread,
    setting: u64,
    trace: (u64, u64),
    parent: &SpanContext,
    context: &Context,
    who: Who<'_>,
) -> Decision {
    let continues = parent.is_valid() && !parent.is_remote();
    let explains = setting & EXPLAIN != 0 && !continues;
    let answer = match setting & GENERAL != 0 {
        // The allocator may be traced, and its spans would ask again, in the midst of a decision.
        true => thread.scratch.while_busy(|| ask_installed(thread, trace, parent, context, who, explains)),
        false => Some(by_word(setting, trace.1, parent, context)),
    };
    // There is a sampler as soon as there is a word that sends here.
    let answer = answer.unwrap_or_else(|| Answer::plain(true, Reason::Off));
    let Answer { sampled, reason, state, grounds, threshold, attributes, .. } = answer;
    if !sampled && explains && answer.rule.is_none() {
        explain(trace, &who, Why::Sampler(reason), None, threshold);
    }
    let mode = mode(sampled, continues);
    let gives = mode.is_recording() && !attributes.is_empty();
    if gives {
        thread.scratch.while_busy(|| thread.sampler.give(trace, attributes));
    }
    Decision { mode, state, grounds, gives }
}

/// The sampler's answer, which is counted; with a rule's name it is explained here, where that is known.
fn ask_installed(
    thread: &Thread,
    trace: (u64, u64),
    parent: &SpanContext,
    context: &Context,
    who: Who<'_>,
    explains: bool,
) -> Option<Answer> {
    let continues = parent.is_valid() && !parent.is_remote();
    let known = continues.then(|| decided_here(parent, context)).flatten();
    mine::with(thread, |held| {
        let node = &held.installed.node;
        let answer = match known {
            Some(sampled) => Answer::plain(sampled, Reason::Parent),
            None => {
                let masks = held.masks(&who, parent);
                node.ask(&Asked { trace, parent, who, context: Some(context), masks, now: None })
            }
        };
        // A trace counts where it enters the process, and not again where a thread or a task goes on with it.
        if known.is_none() {
            held.count(answer.counted());
        }
        if let (false, true, Some(number)) = (answer.sampled, explains, answer.rule) {
            let mut name = None;
            node.each_rule(&mut |rule| name = name.take().or((rule.number == number).then(|| rule.name.clone())));
            explain(trace, &who, Why::Sampler(answer.reason), name.as_deref(), answer.threshold);
        }
        answer
    })
}

/// What [`decide`] has refused and sent here for no more than to say so; or would decide now, if the sampler has changed.
fn by_word(setting: u64, trace_low: u64, parent: &SpanContext, context: &Context) -> Answer {
    let follows = parent.is_valid() && setting & FOLLOW != 0;
    let decided = if parent.is_valid() { Decided::find(context) } else { None };
    let sampled = match follows {
        true => parent.is_sampled(),
        false => decided.unwrap_or_else(|| reaches_setting(trace_low, setting)),
    };
    let grounds = if sampled { grounds(trace_low, parent) } else { 0 };
    let (reason, threshold) = match (follows, setting & NEVER != 0) {
        (true, _) => (Reason::Parent, None),
        (false, true) => (Reason::Off, None),
        (false, false) => (Reason::Ratio, Some(setting >> FLAG_BITS)),
    };
    Answer { grounds, threshold, ..Answer::plain(sampled, reason) }
}

/// What became of the trace of a parent in this process, if that is a span of ours: a trace stays whole.
fn decided_here(parent: &SpanContext, context: &Context) -> Option<bool> {
    use opentelemetry::trace::TraceContextExt;
    Decided::find(context).or_else(|| {
        let is_meant = context.span().span_context().span_id() == parent.span_id();
        is_meant.then(|| span_of(context)).flatten().map(|span| span.is_recording())
    })
}

/// Whether a trace is recorded as long as there is room at all: it enters the process here, and somebody said that it matters.
#[cold]
#[inline(never)]
pub(super) fn matters(parent: &SpanContext, who: &Who<'_>) -> bool {
    (!parent.is_valid() || parent.is_remote()) && who.callsite.priority == Priority::High
}

#[inline]
fn mode(sampled: bool, continues: bool) -> Mode {
    match sampled {
        false => Mode::Unsampled,
        true if !continues && QUEUE.is_pressed() => Mode::Refused,
        true => Mode::Recording,
    }
}
