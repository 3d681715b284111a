//! Sampling at the end: the records of a trace are held back until its local root ends, and forgotten if nothing about the trace
//! is worth keeping.
//!
//! ```text
//! a root begins on a thread ──► its thread holds back what it records ──► the root ends ──► rules ──► shown, or the cursor is put back
//!                                  │ too much, too long, or another            (no lock but one of its own, nothing in the background)
//!                                  ▼ thread works for the trace
//! roots of futures ──────────► records go to the collector's thread as they are ──► Holding: by trace ──► rules ──► exporters
//! ```
//!
//! A thread alone knows all of a trace that never left it. Every other trace is put together by the thread that collects: what
//! records pays nothing for that. What was decided is noted in [`decisions`], so that both, and spans that come late, agree.

mod decisions;
mod finished;
mod holding;
mod policy;

pub(crate) use holding::{Held, Holding};
pub(crate) use policy::{Conditions as TailConditions, Subject};
pub(crate) use policy::{Rule as TailRuleNode, Share, TailPolicy};

use super::counters::{COUNTERS, Counters};
use super::outbox::{Fate, split_record};
use super::sampling::{Grounds, GroundsNumber, Kept, Swap};
use super::thread::Thread;
use super::{Records, head_bits, sampling};
use crate::clock;
use crate::diagnostics;
use decisions::{DECISIONS, Known};
use finished::{Finished, after_quiet, of_root, randomness_of};
use policy::Decision;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Whether traces are decided when they are over.
static ON: AtomicBool = AtomicBool::new(false);
static INSTALLED: Swap<Installed> = Swap::new();
/// Counts the settings, so that what was found by older ones is found anew.
static GENERATION: AtomicU64 = AtomicU64::new(0);
/// How long decisions are good for, as [`decisions`] has it.
static REMEMBER: AtomicU16 = AtomicU16::new(0);
/// See [`forgotten_traces`].
static FORGOTTEN: AtomicU64 = AtomicU64::new(0);

/// How traces are decided when they are over.
#[derive(Debug)]
pub(crate) struct TailSettings {
    pub(crate) policy: TailPolicy,
    /// For how long a trace is held back at most.
    pub(crate) decide_after: Duration,
    /// For how long the decision is followed by what comes late.
    pub(crate) remember: Duration,
    /// How much may be held back.
    pub(crate) max_bytes: usize,
}

#[derive(Debug)]
struct Installed {
    settings: TailSettings,
    counts: Counts,
    generation: u64,
    /// `remember` as decisions have it.
    remember: u16,
    /// A span that took fewer ticks takes less than any rule asks for.
    quiet_ticks: u64,
}

/// How often tail sampling has decided what since it was set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TailCounts {
    /// Traces that were kept.
    pub kept: u64,
    /// Traces that were not.
    pub dropped: u64,
    /// The same by the rule that decided, in the order in which the rules are asked.
    pub by_rule: Vec<TailRuleCounts>,
    /// Traces that were decided at once because there was no room to hold them back (`max_bytes`).
    pub overflows: u64,
    /// Traces that were decided before they were over, because they took longer than `decide_after`.
    pub unfinished: u64,
    /// Spans that ended after their trace was over and decided, and followed the decision: those of traces that were kept.
    pub late_kept: u64,
    /// The same of traces that were not kept.
    pub late_dropped: u64,
    /// Traces that wait for their decision with the thread that collects.
    pub held_traces: u64,
    /// Bytes of their spans.
    pub held_bytes: u64,
}

/// How often a rule has decided what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TailRuleCounts {
    /// The name of the rule; `ratio` for what no rule matched.
    pub name: String,
    /// Traces that were kept.
    pub kept: u64,
    /// Traces that were not.
    pub dropped: u64,
}

#[derive(Debug)]
struct Counts {
    /// Kept and dropped, by rule, and last by none.
    by_rule: Box<[[AtomicU64; 2]]>,
    overflows: AtomicU64,
    unfinished: AtomicU64,
    late: [AtomicU64; 2],
    held_traces: AtomicU64,
    held_bytes: AtomicU64,
}

impl Counts {
    fn new(rules: usize) -> Self {
        let pair = || [const { AtomicU64::new(0) }; 2];
        Self {
            by_rule: (0..=rules).map(|_| pair()).collect(),
            overflows: AtomicU64::new(0),
            unfinished: AtomicU64::new(0),
            late: pair(),
            held_traces: AtomicU64::new(0),
            held_bytes: AtomicU64::new(0),
        }
    }

    fn decided(&self, decision: &Decision) {
        let last = self.by_rule.len() - 1;
        self.by_rule[decision.rule.unwrap_or(last)][usize::from(!decision.keep)].fetch_add(1, Relaxed);
    }
}

/// Decides by these from now on; what is held back is decided by them, too. Without any, everything is kept.
pub(crate) fn set_tail(settings: Option<TailSettings>) {
    let Some(settings) = settings else { return ON.store(false, Relaxed) };
    let generation = GENERATION.fetch_add(1, Relaxed) + 1;
    let (counts, remember) = (Counts::new(settings.policy.rules.len()), decisions::span(settings.remember));
    REMEMBER.store(remember, Relaxed);
    // A little less, because the clock's rate is measured.
    let quiet_ticks = clock::ticks_in(Duration::from_nanos(settings.policy.least_timed())) / 1000 * 998;
    drop(INSTALLED.set(Installed { settings, counts, generation, remember, quiet_ticks }));
    ON.store(true, Relaxed);
}

/// Forgets what was decided, for a new pipeline.
pub(super) fn forget() {
    // Whoever never had tail sampling need not have the memory.
    if GENERATION.load(Relaxed) > 0 {
        DECISIONS.clear();
    }
}

/// What was decided so far; `None` if there is no tail sampling.
pub(crate) fn tail_counts() -> Option<TailCounts> {
    if !ON.load(Relaxed) {
        return None;
    }
    INSTALLED.with(|Installed { settings, counts, .. }| {
        let read = |number: &AtomicU64| number.load(Relaxed);
        let by_rule = counts.by_rule.iter().enumerate().map(|(number, [kept, dropped])| {
            let rule = settings.policy.rules.get(number).and_then(|rule| Grounds::of(rule.grounds)?.rule.as_deref());
            TailRuleCounts { name: rule.unwrap_or("ratio").to_owned(), kept: read(kept), dropped: read(dropped) }
        });
        let by_rule: Vec<_> = by_rule.collect();
        TailCounts {
            kept: by_rule.iter().map(|rule| rule.kept).sum(),
            dropped: by_rule.iter().map(|rule| rule.dropped).sum(),
            by_rule,
            overflows: read(&counts.overflows),
            unfinished: read(&counts.unfinished),
            late_kept: read(&counts.late[0]),
            late_dropped: read(&counts.late[1]),
            held_traces: read(&counts.held_traces),
            held_bytes: read(&counts.held_bytes),
        }
    })
}

/// Begins to hold back what the thread records, unless it does already. Whether the span that begins now decides.
pub(super) fn begin(thread: &Thread) -> bool {
    if !ON.load(Relaxed) || thread.outbox.holds() {
        return false;
    }
    thread.outbox.hold(clock::now());
    thread.tail.keyed.set(thread.scratch.keyed_so_far());
    true
}

/// What the record of a span says that may end on another thread than it begins on.
#[inline]
pub(super) fn bits(thread: &Thread) -> u64 {
    if thread.outbox.holds() { head_bits::BEGAN_HELD } else { 0 }
}

/// Says that such a span ends here: if this is not the thread that holds its trace back, that one cannot decide alone.
#[inline]
pub(super) fn ends_here(thread: &Thread, bits: u64, trace: (u64, u64)) {
    if bits & head_bits::BEGAN_HELD != 0 && !(thread.outbox.holds() && thread.active.get().trace == trace) {
        goes_on(trace);
    }
}

/// What a thread keeps.
#[derive(Default)]
pub(super) struct Mine {
    /// The rules, until there are others.
    rules: Cell<Option<Arc<Installed>>>,
    /// How many items with names of their own it had written when it began to hold back.
    keyed: Cell<u64>,
}

/// Runs `f` on the rules, if there are any; the thread is busy meanwhile.
fn with_rules<R>(thread: &Thread, f: impl FnOnce(&Installed) -> R) -> Option<R> {
    thread.scratch.while_busy(|| {
        if !ON.load(Relaxed) {
            return None;
        }
        let mine = match thread.tail.rules.take() {
            Some(mine) if INSTALLED.is_current(&mine) => mine,
            old => {
                drop(old);
                INSTALLED.get()?
            }
        };
        let result = f(&mine);
        thread.tail.rules.set(Some(mine));
        Some(result)
    })
}

/// Says that such a span becomes active here, and what is recorded inside of it is of its trace.
#[inline]
pub(super) fn enters_here(thread: &Thread, bits: u64, trace: (u64, u64)) {
    if bits & head_bits::BEGAN_HELD != 0 || thread.outbox.holds() {
        enters_slowly(thread, bits, trace);
    }
}

#[inline(never)]
fn enters_slowly(thread: &Thread, bits: u64, trace: (u64, u64)) {
    if thread.outbox.holds() && thread.active.trace.get() == trace {
        return;
    }
    let_go(thread);
    if bits & head_bits::BEGAN_HELD != 0 {
        goes_on(trace);
    }
}

/// Lets go what the thread holds back, because it works for another trace meanwhile: whoever decides on that must not wait.
fn let_go(thread: &Thread) {
    if thread.outbox.holds() {
        // SAFETY: the reference to a thread's state is only good on the thread itself.
        thread.scratch.while_busy(|| unsafe { thread.outbox.release() });
    }
}

/// Says that a trace of this process goes on where its thread does not see it.
fn goes_on(trace: (u64, u64)) {
    if ON.load(Relaxed) {
        _ = DECISIONS.share(trace, clock::now(), REMEMBER.load(Relaxed));
    }
}

/// Says that a span of this trace begins below a context; whether it was decided not to keep the trace, so that nothing more of it
/// need be recorded.
#[inline]
pub(super) fn joins(thread: &Thread, trace: (u64, u64)) -> bool {
    ON.load(Relaxed) && joins_slowly(thread, trace)
}

#[cold]
#[inline(never)]
fn joins_slowly(thread: &Thread, trace: (u64, u64)) -> bool {
    if thread.outbox.holds() {
        if thread.active.trace.get() == trace {
            return false;
        }
        let_go(thread);
    }
    DECISIONS.share(trace, clock::now(), REMEMBER.load(Relaxed)) == Some(Known::Dropped)
}

/// Says that a trace of others enters the process. If an earlier part of it was forgotten, this one is not: it is decided by the
/// thread that collects, which knows both.
#[inline]
pub(super) fn comes_in(trace: (u64, u64)) {
    if ON.load(Relaxed) {
        comes_in_slowly(trace);
    }
}

#[cold]
#[inline(never)]
fn comes_in_slowly(trace: (u64, u64)) {
    let now = clock::now();
    if let Some(Known::Dropped | Known::DroppedInPart) = DECISIONS.find(trace, now, REMEMBER.load(Relaxed)) {
        DECISIONS.note(trace, Known::Shared, now);
    }
}

/// Says that a trace is not for tail sampling to decide.
#[cfg_attr(not(feature = "testing"), allow(dead_code))]
pub(super) fn hands_off(trace: (u64, u64)) {
    if ON.load(Relaxed) {
        DECISIONS.note(trace, Known::Kept(0), clock::now());
    }
}

/// Keeps or forgets the trace that the thread holds back. Its root has been recorded, and ended at `end`.
///
/// # Safety
///
/// Only on the thread itself.
pub(super) unsafe fn decide(thread: &Thread, trace: (u64, u64), end: u64) {
    // Whoever has let it go meanwhile leaves it to the thread that collects.
    if !thread.outbox.holds() {
        return;
    }
    let is_its = |record: &[u64]| (record[2], record[3]) == trace;
    let has_keyed = thread.scratch.keyed_so_far() != thread.tail.keyed.get();
    let by_rules = |installed: &Installed| {
        let known = DECISIONS.find(trace, end, installed.remember);
        let mut decided = None;
        let judge = |words: &[u64]| match known {
            // Another thread has a part of it.
            Some(Known::Shared) => Fate::Undecided,
            Some(Known::Kept(grounds)) => kept(grounds),
            Some(Known::Dropped | Known::DroppedInPart) | None => {
                let (judged, root) = installed.judge(words, trace, has_keyed);
                decided = Some((judged, root));
                self::tell(words, trace, &judged);
                if judged.keep { kept(judged.grounds) } else { Fate::Forgotten }
            }
        };
        // SAFETY: by the caller; rules run no code of others.
        let forgotten = unsafe { thread.outbox.settle(is_its, judge) };
        if let Some((decision, root)) = decided {
            let known = if decision.keep { Known::Kept(decision.grounds) } else { dropped(root) };
            DECISIONS.note(trace, known, end);
            installed.counts.decided(&decision);
        }
        forgotten
    };
    let forgotten = with_rules(thread, by_rules).unwrap_or_else(|| {
        // SAFETY: by the caller.
        thread.scratch.while_busy(|| unsafe { thread.outbox.release() });
        0
    });
    if forgotten > 0 {
        Counters::add(&COUNTERS.tail, forgotten);
        FORGOTTEN.fetch_add(1, Relaxed);
    }
}

/// How many traces threads have forgotten by themselves since this was called last.
pub(crate) fn forgotten_traces() -> u64 {
    FORGOTTEN.swap(0, Relaxed)
}

/// What becomes of the records of a trace that is kept.
fn kept(grounds: GroundsNumber) -> Fate {
    Fate::Kept { bits: head_bits::DECIDED | head_bits::of_grounds(grounds), mask: head_bits::GROUNDS }
}

/// Says that a trace is forgotten, if it is and somebody wants to know. Its records are among these.
fn tell(words: &[u64], trace: (u64, u64), decision: &Decision) {
    if decision.keep || !sampling::refusals_are_said() {
        return;
    }
    let all = std::iter::successors(split_record(words), |(_, rest)| split_record(rest)).map(|(record, _)| record);
    let its = all.filter(|record| (record[2], record[3]) == trace);
    // Without a root here, any span of it.
    let shown = its.max_by_key(|record| record[0] & head_bits::LOCAL_ROOT);
    let name = shown.and_then(|record| Records::from_words(record).next()).map(|span| span.name());
    let grounds = Grounds::of(decision.grounds);
    let rule = grounds.and_then(|grounds| grounds.rule.as_deref());
    let threshold = grounds.and_then(|grounds| grounds.threshold);
    sampling::forgotten_by_tail(trace, &name.unwrap_or_default(), rule, threshold);
}

/// What is noted of a trace that is forgotten.
fn dropped(root: Option<Root>) -> Known {
    // One request of it, and whoever sent it may have sent others.
    if root.is_some_and(|root| root.is_remote) { Known::DroppedInPart } else { Known::Dropped }
}

impl Installed {
    /// Decides on a trace that is over, and of which all records are among these. Whether any of them may have attributes that
    /// bear their names.
    fn judge(&self, mut words: &[u64], trace: (u64, u64), has_keyed: bool) -> (Decision, Option<Root>) {
        let policy = &self.settings.policy;
        let (mut found, mut root, mut randomness) = (policy.rules.len(), None, trace.1);
        let mut asks_only_failures_and_times = policy.asks_only_failures_and_times(found);
        // Spans of one call site often come one after the other.
        let mut quiet_site = 0;
        loop {
            // Of most spans nothing but the head is read: they have not failed, took no time, and no rule asks for anything else
            // that they could have.
            words = match (asks_only_failures_and_times, quiet_site) {
                (true, _) => after_quiet(words, trace, None, self.quiet_ticks),
                (false, site) if site != 0 && !has_keyed => after_quiet(words, trace, Some(site), self.quiet_ticks),
                _ => words,
            };
            let Some((record, rest)) = split_record(words) else { break };
            words = rest;
            if (record[2], record[3]) != trace {
                continue;
            }
            let Some(finished) = Finished::of(record) else { continue };
            let is_quiet = finished.is_quiet(self.quiet_ticks);
            let site = finished.plain_site(has_keyed);
            let is_known = asks_only_failures_and_times || quiet_site != 0 && site == Some(quiet_site);
            if !(is_quiet && is_known) {
                let before = found;
                let is_out_of_reach;
                (found, is_out_of_reach) = match site {
                    Some(site) => policy.see_plain(before, &finished, site),
                    None => (policy.see(before, &finished), false),
                };
                if found != before {
                    asks_only_failures_and_times = policy.asks_only_failures_and_times(found);
                }
                quiet_site = site.filter(|_| is_quiet && is_out_of_reach).unwrap_or(0);
            }
            if let Some(its) = of_root(record) {
                root = Some(its);
                randomness = randomness_of(record).unwrap_or(trace.1);
            }
        }
        let mut decision = policy.decide(found, randomness, None);
        if decision.keep {
            decision.grounds = grounds_after(root, decision.grounds);
        }
        (decision, root)
    }
}

/// What the head had to say of a trace's local root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Root {
    grounds: GroundsNumber,
    /// Whether nobody can tell what share of such traces came here.
    is_unknown: bool,
    /// Whether the trace came from another process.
    is_remote: bool,
}

/// What is to be said of a trace that the head and the tail have kept.
fn grounds_after(root: Option<Root>, tail: GroundsNumber) -> GroundsNumber {
    match root {
        Some(Root { grounds: 0, is_unknown: false, .. }) => tail,
        // What others have told is in the `tracestate`, and added where the span is shown: there is no end of their thresholds, and
        // they must not use up the numbers.
        Some(Root { grounds, is_unknown: false, is_remote: true })
            if Grounds::of(grounds).is_some_and(|grounds| grounds.kept == Kept::Parent) =>
        {
            tail
        }
        Some(Root { grounds, is_unknown: false, .. }) => Grounds::after(grounds, tail),
        // Of a trace without a root here nobody knows what came before.
        _ => Grounds::of(tail).map_or(0, |grounds| Grounds { threshold: None, ..grounds.clone() }.number()),
    }
}

/// Says once in a while that traces were decided before they were over.
fn tell_overflow(max_bytes: usize) {
    diagnostics::say(diagnostics::LogLevel::Warn, "Sampling.Tail.Overflow", "", || {
        format!(
            "traces are decided before they are over, because those that are held back take more than {max_bytes} bytes \
             (`max_bytes` of tail sampling)"
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_calls_does_not_use_up_the_numbers_by_what_they_tell() {
        let rule = |name: &str| Grounds { rule: Some(name.into()), ..Grounds::new(Kept::Tail, Some(0)) }.number();
        let tail = rule("some rule");
        for _ in 0..2 {
            // Heads know few of these, see `Grounds::told`.
            let of_parent = Grounds::new(Kept::Parent, Some(3 << 50)).number();
            for grounds in [0, of_parent] {
                assert_eq!(grounds_after(Some(Root { grounds, is_unknown: false, is_remote: true }), tail), tail);
            }
        }
        let half = Grounds::new(Kept::Ratio, Some(1 << 55)).number();
        let both = grounds_after(Some(Root { grounds: half, is_unknown: false, is_remote: true }), tail);
        assert_eq!(Grounds::of(both).and_then(Grounds::probability), Some(0.5));
    }
}
