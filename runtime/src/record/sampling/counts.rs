//! How a sampler has decided.
//!
//! Each thread counts for itself, in numbers that nobody else writes: no line of memory goes from one to the other. What a
//! thread has counted stays when it ends, and the next thread goes on with the same numbers, so there are as many of them as
//! threads have lived at once.

use super::node::Reason;
use std::ptr::{self, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// How often the sampler that is installed has kept and refused traces that enter this process, since it was installed.
///
/// Each trace counts once. What an annotation decides by itself is in `by_hint` alone, and only where it refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SamplingCounts {
    /// Kept, for whatever reason. Not all of them are [recorded](Self::recorded).
    pub kept: u64,
    /// Of those, not recorded after all: half of the room for spans that wait for exporters was taken. Their spans are in
    /// [`Stats::dropped_refused`](crate::Stats::dropped_refused).
    pub refused_by_queue: u64,
    /// Of those, kept by a sampler that keeps everything.
    pub kept_by_always_on: u64,
    /// Of those, kept as the parent was.
    pub kept_by_parent: u64,
    /// Of those, kept because the random part of the trace's id reaches the threshold of a ratio, also of one that follows the
    /// load.
    pub kept_by_ratio: u64,
    /// Of those, kept because there was room below a limit of traces a second.
    pub kept_by_rate_limit: u64,
    /// Of those, kept by a sampler of the program's own.
    pub kept_by_custom: u64,
    /// Of those, kept where a rule matched, whatever its sampler's reason: in the order of `by_rule`.
    pub kept_by_rule: Vec<u64>,
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
    /// Refused because most of an exchange's rate limit is used: an adaptive sampler would have kept them otherwise.
    pub by_exchange_budget: u64,
    /// Refused because an adaptive sampler keeps a number of traces a second, and would have kept them otherwise.
    pub by_target: u64,
    /// Refused because of the load: an adaptive sampler would have kept them otherwise.
    pub by_load: u64,
    /// Refused because the load was extreme: an adaptive sampler kept nothing.
    pub by_extreme_load: u64,
    /// Refused by `sample = …` of an annotation.
    pub by_hint: u64,
    /// Refused by a sampler of the program's own.
    pub by_custom: u64,
    /// Refused because a sampler of the program's own panicked when it was asked.
    pub by_panic: u64,
    /// Refused where a rule matched, whatever its sampler's reason: one number for each rule of the settings, in the order in
    /// which they are written, those of an inner sampler after the rule it belongs to.
    pub by_rule: Vec<u64>,
}

impl SamplingCounts {
    /// How many traces were kept and recorded: as many as there are spans with which a trace enters this process, among those that
    /// are exported, dropped later or still open. What annotations keep by themselves is not among them.
    ///
    /// ```
    /// use otelier::config::Sampler;
    ///
    /// let telemetry = otelier::init(otelier::Telemetry::default().with_sampler(Sampler::RateLimit(2.0)))?;
    /// (0..3).for_each(|_| otelier::Span::start("request").end());
    /// let counts = telemetry.sampling_counts().expect("a rate limit counts");
    /// assert_eq!(counts.recorded(), telemetry.shutdown()?.started);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recorded(&self) -> u64 {
        self.kept.saturating_sub(self.refused_by_queue)
    }
}

/// The numbers of one thread after the other: refused by reason, kept by reason, then the same two for each rule; and last those
/// that were kept, and then refused by the queue.
struct Tally {
    taken: AtomicBool,
    next: AtomicPtr<Tally>,
    numbers: Box<[AtomicU64]>,
}

impl Tally {
    fn new(rules: usize) -> Self {
        let numbers = (0..=2 * (Reason::ALL + rules)).map(|_| AtomicU64::new(0)).collect();
        Self { taken: AtomicBool::new(true), next: AtomicPtr::new(null_mut()), numbers }
    }
}

pub(super) struct Counts {
    rules: usize,
    /// The numbers of threads. What is in the list stays there.
    first: AtomicPtr<Tally>,
}

/// A thread's numbers. They are good as long as the [`Counts`] are.
#[derive(Debug)]
pub(super) struct Own(*const Tally);

/// What became of a trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) kept: bool,
    pub(super) reason: Reason,
    /// The number of the rule that matched, if one did.
    pub(super) rule: Option<usize>,
}

impl Counts {
    pub(super) fn new(rules: usize) -> Self {
        Self { rules, first: AtomicPtr::new(null_mut()) }
    }

    /// Numbers for the calling thread alone, until it [returns](Self::release) them.
    pub(super) fn own(&self) -> Own {
        let free = self.tallies().find(|tally| !tally.taken.load(Relaxed) && !tally.taken.swap(true, Acquire));
        if let Some(tally) = free {
            return Own(ptr::from_ref(tally));
        }
        let new = Box::into_raw(Box::new(Tally::new(self.rules)));
        let mut first = self.first.load(Relaxed);
        loop {
            // SAFETY: nobody else knows it yet.
            unsafe { (*new).next.store(first, Relaxed) };
            match self.first.compare_exchange_weak(first, new, Release, Relaxed) {
                Ok(_) => return Own(new),
                Err(other) => first = other,
            }
        }
    }

    /// Another thread may go on with these numbers.
    pub(super) fn release(&self, own: &Own) {
        // SAFETY: it is of the list, which is freed with `self`.
        unsafe { (*own.0).taken.store(false, Release) };
    }

    fn tallies(&self) -> impl Iterator<Item = &Tally> {
        // SAFETY: what is in the list is freed with `self`, and not before.
        let at = |place: &AtomicPtr<Tally>| unsafe { place.load(Acquire).as_ref() };
        std::iter::successors(at(&self.first), move |tally| at(&tally.next))
    }

    /// Where such a trace is counted. One that is kept is counted in the place after the same one that is refused.
    pub(super) fn place(&self, counted: Counted) -> usize {
        let Counted { kept, reason, rule } = counted;
        match rule.filter(|rule| *rule < self.rules) {
            Some(rule) => 2 * (Reason::ALL + rule) + usize::from(kept),
            None => 2 * reason as usize + usize::from(kept),
        }
    }

    /// Counts a trace in the calling thread's own numbers.
    #[inline]
    /// Where a trace is counted that is counted as kept, and that the queue has refused.
    pub(super) fn place_of_queue(&self) -> usize {
        2 * (Reason::ALL + self.rules)
    }

    pub(super) fn add(&self, own: &Own, counted: Counted) {
        self.add_at(own, self.place(counted));
    }

    /// The same where the place is known.
    #[inline]
    pub(super) fn add_at(&self, own: &Own, place: usize) {
        // SAFETY: as in `release`.
        let number = unsafe { &(&(*own.0).numbers)[place] };
        number.store(number.load(Relaxed) + 1, Relaxed);
    }

    pub(super) fn read(&self) -> SamplingCounts {
        let sum = |place: usize| -> u64 { self.tallies().map(|tally| tally.numbers[place].load(Relaxed)).sum() };
        let refused = |reason: Reason| sum(2 * reason as usize);
        let kept = |reason: Reason| sum(2 * reason as usize + 1);
        let rules = |kept: usize| (0..self.rules).map(|rule| sum(2 * (Reason::ALL + rule) + kept)).collect();
        let all = 2 * (Reason::ALL + self.rules);
        SamplingCounts {
            kept: (1..all).step_by(2).map(sum).sum(),
            refused_by_queue: sum(self.place_of_queue()),
            kept_by_always_on: kept(Reason::Off),
            kept_by_parent: kept(Reason::Parent),
            kept_by_ratio: kept(Reason::Ratio),
            kept_by_rate_limit: kept(Reason::RateLimit),
            kept_by_custom: kept(Reason::Custom),
            kept_by_rule: rules(1),
            by_parent: refused(Reason::Parent),
            by_ratio: refused(Reason::Ratio),
            by_rate_limit: refused(Reason::RateLimit),
            by_always_off: refused(Reason::Off),
            by_no_rule: refused(Reason::NoRule),
            by_exchange_budget: refused(Reason::ExchangeBudget),
            by_target: refused(Reason::Target),
            by_load: refused(Reason::Load),
            by_extreme_load: refused(Reason::ExtremeLoad),
            by_hint: refused(Reason::Hint),
            by_custom: refused(Reason::Custom),
            by_panic: refused(Reason::Panicked),
            by_rule: rules(0),
        }
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        let mut next = *self.first.get_mut();
        while !next.is_null() {
            // SAFETY: it came from a box, and whoever had it has let go of `self`.
            let mut tally = unsafe { Box::from_raw(next) };
            next = *tally.next.get_mut();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const KEPT: Counted = Counted { kept: true, reason: Reason::Ratio, rule: None };
    const BY_RULE: Counted = Counted { kept: false, reason: Reason::Off, rule: Some(1) };

    #[test]
    fn what_threads_counted_stays_when_they_end_and_others_go_on_with_it() {
        let counts = Arc::new(Counts::new(2));
        for _ in 0..20 {
            let threads = (0..2).map(|_| {
                let counts = Arc::clone(&counts);
                std::thread::spawn(move || {
                    let own = counts.own();
                    (0..5).for_each(|_| counts.add(&own, KEPT));
                    counts.add(&own, BY_RULE);
                    counts.add_at(&own, counts.place_of_queue());
                    counts.release(&own);
                })
            });
            threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().expect("no panic"));
        }
        let read = counts.read();
        assert_eq!((read.kept, read.kept_by_ratio), (200, 200));
        assert_eq!((read.refused_by_queue, read.recorded()), (40, 160));
        assert_eq!((read.by_rule, read.kept_by_rule, read.by_always_off), (vec![0, 40], vec![0, 0], 0));
        assert!(counts.tallies().count() <= 2, "no more than threads have lived at once");
    }
}
