//! How a sampler has decided.

use super::node::Reason;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How often the sampler that is installed has kept and refused traces that enter this process, since it was installed.
///
/// Each trace counts once. What an annotation decides by itself is in `by_hint` alone, and only where it refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SamplingCounts {
    /// Kept, for whatever reason.
    pub kept: u64,
    /// Refused as the parent was.
    pub by_parent: u64,
    /// Refused because the random part of the trace's id is below the threshold of a ratio.
    pub by_ratio: u64,
    /// Refused because as many traces as may be had been kept in that second.
    pub by_rate_limit: u64,
    /// Refused by a sampler that refuses everything.
    pub by_always_off: u64,
    /// Refused because no rule matched.
    pub by_no_rule: u64,
    /// Refused because of the load: an adaptive sampler would have kept them otherwise.
    pub by_load: u64,
    /// Refused because the load was extreme: an adaptive sampler kept nothing.
    pub by_extreme_load: u64,
    /// Refused by `sample = …` of an annotation.
    pub by_hint: u64,
    /// Refused where a rule matched, whatever its sampler's reason: one number for each rule of the settings, in the order in
    /// which they are written, those of an inner sampler after the rule it belongs to.
    pub by_rule: Vec<u64>,
}

pub(super) struct Counts {
    kept: AtomicU64,
    refused: [AtomicU64; Reason::ALL],
    by_rule: Box<[AtomicU64]>,
}

impl Counts {
    pub(super) fn new(rules: usize) -> Self {
        let refused = [const { AtomicU64::new(0) }; Reason::ALL];
        Self { kept: AtomicU64::new(0), refused, by_rule: (0..rules).map(|_| AtomicU64::new(0)).collect() }
    }

    pub(super) fn kept(&self) {
        self.kept.fetch_add(1, Relaxed);
    }

    /// Counts a trace that was refused; with the number of the rule that matched, if one did.
    pub(super) fn refused(&self, reason: Reason, rule: Option<usize>) {
        let by_rule = rule.and_then(|rule| self.by_rule.get(rule));
        by_rule.unwrap_or(&self.refused[reason as usize]).fetch_add(1, Relaxed);
    }

    pub(super) fn read(&self) -> SamplingCounts {
        let by = |reason: Reason| self.refused[reason as usize].load(Relaxed);
        SamplingCounts {
            kept: self.kept.load(Relaxed),
            by_parent: by(Reason::Parent),
            by_ratio: by(Reason::Ratio),
            by_rate_limit: by(Reason::RateLimit),
            by_always_off: by(Reason::Off),
            by_no_rule: by(Reason::NoRule),
            by_load: by(Reason::Load),
            by_extreme_load: by(Reason::ExtremeLoad),
            by_hint: by(Reason::Hint),
            by_rule: self.by_rule.iter().map(|count| count.load(Relaxed)).collect(),
        }
    }
}
