//! The head decision, taken once per local root.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// A trace is kept if the random part of its id is at least this; above the largest random part nothing is kept.
static THRESHOLD: AtomicU64 = AtomicU64::new(0);
static FOLLOW_PARENT: AtomicU8 = AtomicU8::new(1);

/// The random part of a trace id: its last seven bytes (W3C trace context, level 2).
const RANDOM_BITS: u32 = 56;
const RANDOM_MASK: u64 = (1 << RANDOM_BITS) - 1;

/// Keeps a share of the traces, `0.0..=1.0`; with `follow_parent`, the parent's decision wins where there is one.
///
/// The same trace id gets the same answer in every process with the same ratio, as the specification of consistent
/// probability sampling has it.
pub(crate) fn set_decision(ratio: f64, follow_parent: bool) {
    let kept = (ratio.clamp(0.0, 1.0) * (RANDOM_MASK + 1) as f64) as u64;
    THRESHOLD.store(RANDOM_MASK + 1 - kept, Relaxed);
    FOLLOW_PARENT.store(follow_parent.into(), Relaxed);
}

#[inline]
pub(super) fn sampled(trace_low: u64, parent: Option<bool>) -> bool {
    match parent {
        Some(sampled) if FOLLOW_PARENT.load(Relaxed) == 1 => sampled,
        _ => trace_low & RANDOM_MASK >= THRESHOLD.load(Relaxed),
    }
}
