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
mod consistent;
mod controller;
mod counts;
mod node;
mod rules;
mod swap;
#[cfg(test)]
mod tests;

pub(crate) use adaptive::{AdaptiveNode, Rates, follows_load, forget_load, note_load, sampling_factor};
pub(crate) use bucket::Bucket;
pub(crate) use consistent::threshold_of as consistent_threshold;
pub(crate) use controller::{LoadLimits, Readings};
pub use counts::SamplingCounts;
pub(crate) use node::{Composed, Node, Parents};
pub(super) use rules::{Given, Who};
pub(crate) use rules::{Match, Parent, RuleNode};

use super::QUEUE;
use super::begin::{Decided, Sample};
use super::handle::span_of;
use super::thread::Mode;
use counts::Counts;
use node::{Asked, Reason};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceState};
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, fence};
use swap::Swap;

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
/// No random part is enough. With it the threshold is the largest there is.
const NEVER: u64 = 0x80;
/// What stands below the random part when it is compared: above every flag but `NEVER`.
const BELOW: u64 = 0x7f;
const FLAG_BITS: u32 = 8;

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
    counts: Counts,
}

/// Decides by this sampler from now on. Threads may run; what they have decided stays decided.
pub(crate) fn set_sampler(node: Node) {
    let setting = match node.simple() {
        Some((threshold, follow)) => setting_of(threshold, if follow { FOLLOW } else { 0 }),
        None => {
            let attributes = if node.asks_attributes() { ATTRIBUTES } else { 0 };
            let load = if adaptive::take_over(&node) { LOAD } else { 0 };
            setting_of(u64::MAX, GENERAL | attributes | load)
        }
    };
    let counts = Counts::new(node.rules());
    INSTALLED.set(Installed { node, counts });
    SETTING.store(setting, Release);
}

/// Keeps every trace that begins here, and follows the parent's decision where there is one.
#[cfg(feature = "testing")]
pub(super) fn set_default() {
    SETTING.store(FOLLOW, Relaxed);
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
    if !sampled && setting & GENERAL != 0 {
        return Mode::Nothing;
    }
    mode(sampled, continues)
}

/// The same for a trace that begins where an annotation decides.
pub(super) fn decide_by(sample: Sample, trace_low: u64) -> Mode {
    let sampled = match sample {
        Sample::Always => true,
        Sample::Never => false,
        Sample::Ratio(ratio) => reaches(trace_low, threshold(ratio)),
    };
    if !sampled && SETTING.load(Relaxed) & GENERAL != 0 {
        count_hint();
    }
    mode(sampled, false)
}

#[cold]
#[inline(never)]
fn count_hint() {
    fence(Acquire);
    INSTALLED.with(|installed| installed.counts.refused(Reason::Hint, None));
}

/// Whether the sampler that is installed wants to know values of attributes that the span does not have yet.
#[cold]
#[inline(never)]
pub(super) fn waits(parent: &SpanContext, context: &Context, who: &Who<'_>) -> bool {
    if !who.has_more_to_say() || SETTING.load(Acquire) & ATTRIBUTES == 0 {
        return false;
    }
    let is_undecided = !parent.is_valid() || parent.is_remote() || decided_here(parent, context).is_none();
    is_undecided && INSTALLED.with(|installed| installed.node.asks_attributes_below(parent, who)).unwrap_or_default()
}

/// Whether the sampler that is installed looks at values of attributes, so that it is worth while to make them before a
/// span begins.
#[inline]
#[cfg(any(feature = "tower", feature = "tracing"))]
pub(crate) fn asks_attributes() -> bool {
    SETTING.load(Acquire) & ATTRIBUTES != 0
}

/// Asks the sampler that is installed. Also what becomes of the trace's `tracestate`, if it changes.
#[cold]
#[inline(never)]
pub(super) fn ask(
    trace: (u64, u64),
    parent: &SpanContext,
    context: &Context,
    who: Who<'_>,
) -> (Mode, Option<TraceState>) {
    // Whoever has read the word that sends here finds what was installed before it was written.
    fence(Acquire);
    let continues = parent.is_valid() && !parent.is_remote();
    let known = continues.then(|| decided_here(parent, context)).flatten();
    let asked = Asked { trace, parent, who };
    let answer = INSTALLED.with(|installed| {
        let answer = match known {
            Some(sampled) => node::Answer::plain(sampled, Reason::Parent),
            None => installed.node.ask(&asked),
        };
        match answer.sampled {
            true => installed.counts.kept(),
            false => installed.counts.refused(answer.reason, answer.rule),
        }
        answer
    });
    match answer {
        Some(answer) => (mode(answer.sampled, continues), answer.state),
        // There is a sampler as soon as there is a word that sends here.
        None => (mode(true, continues), None),
    }
}

/// What became of the trace of a parent in this process, if that is a span of ours: a trace stays whole.
fn decided_here(parent: &SpanContext, context: &Context) -> Option<bool> {
    use opentelemetry::trace::TraceContextExt;
    Decided::find(context).or_else(|| {
        let is_meant = context.span().span_context().span_id() == parent.span_id();
        is_meant.then(|| span_of(context)).flatten().map(|span| span.is_recording())
    })
}

#[inline]
fn mode(sampled: bool, continues: bool) -> Mode {
    match sampled {
        false => Mode::Unsampled,
        true if !continues && QUEUE.is_pressed() => Mode::Refused,
        true => Mode::Recording,
    }
}
