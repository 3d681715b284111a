//! The head decision, taken once per local root.

use super::QUEUE;
use super::begin::{Decided, Sample};
use super::thread::Mode;
use opentelemetry::Context;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// A trace is kept if the random part of its id is at least this; above the largest random part nothing is kept.
static THRESHOLD: AtomicU64 = AtomicU64::new(0);
static FOLLOW_PARENT: AtomicU8 = AtomicU8::new(1);

/// The random part of a trace id: its last seven bytes (W3C trace context, level 2).
const RANDOM_BITS: u32 = 56;
const RANDOM_MASK: u64 = (1 << RANDOM_BITS) - 1;

/// The threshold that this share of the traces reaches.
pub(super) fn threshold(ratio: f64) -> u64 {
    let kept = (ratio.clamp(0.0, 1.0) * (RANDOM_MASK + 1) as f64) as u64;
    RANDOM_MASK + 1 - kept
}

/// Whether a trace's random part reaches a threshold.
#[inline]
pub(super) fn reaches(trace_low: u64, threshold: u64) -> bool {
    trace_low & RANDOM_MASK >= threshold
}

/// Keeps a share of the traces, `0.0..=1.0`; with `follow_parent`, the parent's decision wins where there is one.
///
/// The same trace id gets the same answer in every process with the same ratio, as the specification of consistent
/// probability sampling has it.
pub(crate) fn set_decision(ratio: f64, follow_parent: bool) {
    THRESHOLD.store(threshold(ratio), Relaxed);
    FOLLOW_PARENT.store(follow_parent.into(), Relaxed);
}

/// Decides on a trace whose parent, if `context` has one, has decided this. With `continues` the trace is in this process
/// already, and is not refused.
#[inline]
pub(super) fn decide(trace_low: u64, parent: Option<bool>, continues: bool, context: &Context) -> Mode {
    let sampled = match parent {
        Some(sampled) if FOLLOW_PARENT.load(Relaxed) == 1 => sampled,
        None => reaches(trace_low, THRESHOLD.load(Relaxed)),
        Some(_) => Decided::find(context).unwrap_or_else(|| reaches(trace_low, THRESHOLD.load(Relaxed))),
    };
    mode(sampled, continues)
}

/// The same for a trace that begins where an annotation decides.
pub(super) fn decide_by(sample: Sample, trace_low: u64) -> Mode {
    let sampled = match sample {
        Sample::Always => true,
        Sample::Never => false,
        Sample::Ratio(ratio) => reaches(trace_low, threshold(ratio)),
    };
    mode(sampled, false)
}

#[inline]
fn mode(sampled: bool, continues: bool) -> Mode {
    match sampled {
        false => Mode::Unsampled,
        true if !continues && QUEUE.is_pressed() => Mode::Refused,
        true => Mode::Recording,
    }
}
