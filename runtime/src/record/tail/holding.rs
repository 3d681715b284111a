//! Traces that no thread could decide alone, put together by the thread that collects.

#[cfg(test)]
mod tests;

use super::finished::{Finished, of_root, randomness_of};
use super::policy::Decision;
use super::{
    COUNTERS, Counters, DECISIONS, INSTALLED, Installed, Known, ON, Root, dropped, grounds_after, head_bits, kept,
    tell, tell_overflow,
};
use crate::clock;
use crate::record::outbox::{Fate, count_records, split_record};
use crate::record::sampling::{Grounds, GroundsNumber, Kept};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// What happens to a record that was taken from its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nothing: it is to be exported.
    Not,
    /// It waits, or is gone, or is among what is [released](Holding::released).
    Here,
}

type Trace = (u64, u64);

/// What is held back, and what was decided.
#[derive(Debug, Default)]
pub(crate) struct Holding {
    traces: HashMap<Trace, Pending>,
    /// The traces in the order in which they came, with those that are decided already.
    order: VecDeque<(Instant, Trace)>,
    /// Traces whose local roots have come.
    ended: Vec<Trace>,
    decided: HashMap<Trace, Decided>,
    /// When each was noted, at least.
    remembered: VecDeque<(Instant, Trace)>,
    bytes: usize,
    /// Records to be exported.
    released: Vec<u64>,
    /// The rules, until there are others.
    mine: Option<Arc<Installed>>,
}

/// A trace that is not decided.
#[derive(Debug)]
struct Pending {
    words: Vec<u64>,
    /// The first rule that matches, of the settings with this number.
    found: usize,
    generation: u64,
    root: Option<Root>,
    /// What stands for the random part of its id, if something does.
    randomness: Option<u64>,
    since: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Decided {
    fate: Fate,
    used: Instant,
    /// Of a trace whose local root is still to come: on which grounds tail sampling keeps it, or 0. What follows is not late.
    open: Option<GroundsNumber>,
}

/// Why a trace is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Over,
    /// Whatever else happens, it is kept.
    Settled,
    Unfinished,
    Overflow,
}

/// What a trace takes besides its records: its places in tables and lists, of which a part is empty.
const OVERHEAD: usize = 256;
/// The most decisions that are remembered.
const MOST_DECIDED: usize = 65_536;

impl Holding {
    /// Takes a record if its trace is not decided, or was decided against. `now` may be a little old.
    #[inline]
    pub(crate) fn take(&mut self, record: &[u64], now: Instant) -> Held {
        if record[0] & head_bits::DECIDED != 0 || !ON.load(Relaxed) && self.traces.is_empty() {
            return Held::Not;
        }
        self.take_slowly(record, now)
    }

    fn take_slowly(&mut self, record: &[u64], now: Instant) -> Held {
        if !ON.load(Relaxed) {
            // Nothing is decided any more.
            self.release_all();
            return Held::Not;
        }
        // To ask for them anew would cost every record more than to look at it.
        let mine = self.mine.take().filter(|mine| INSTALLED.is_current(mine)).or_else(|| INSTALLED.get());
        let Some(mine) = mine else { return Held::Not };
        let held = self.take_by(&mine, record, now);
        self.mine = Some(mine);
        held
    }

    fn take_by(&mut self, installed: &Installed, record: &[u64], now: Instant) -> Held {
        let (Some(finished), [_, _, high, low, ..]) = (Finished::of(record), record) else { return Held::Not };
        let (trace, policy) = ((*high, *low), &installed.settings.policy);
        if !self.traces.contains_key(&trace) {
            if let Some(fate) = self.fate(installed, trace, now) {
                let found = policy.see(policy.rules.len(), &finished);
                return self.follow(installed, record, trace, fate, policy.is_settled(found).then_some(found), now);
            }
            self.tidy();
            self.order.push_back((now, trace));
            self.bytes += OVERHEAD;
        }
        let pending = self.traces.entry(trace).or_insert_with(|| Pending::new(installed, now));
        pending.refresh(installed);
        pending.found = policy.see(pending.found, &finished);
        let root = of_root(record);
        pending.root = root.or(pending.root);
        pending.randomness = pending.randomness.or_else(|| randomness_of(record));
        // A list that grows takes more than is in it.
        let before = pending.room();
        pending.words.extend_from_slice(record);
        self.bytes += pending.room() - before;
        if policy.is_settled(pending.found) {
            self.decide(installed, trace, Cause::Settled, now);
        } else if root.is_some() {
            self.ended.push(trace);
        }
        self.make_room(installed, trace, now);
        self.show(installed);
        Held::Here
    }

    /// Forgets where traces stood that are decided, which one that waits in front of them keeps there.
    fn tidy(&mut self) {
        if self.order.len() > 2 * self.traces.len() + 64 {
            let traces = &self.traces;
            self.order.retain(|(since, trace)| traces.get(trace).is_some_and(|pending| pending.since == *since));
        }
    }

    /// Decides traces before they are over while they take too much: the oldest, or the one that has just grown if it alone takes a
    /// good part of the room.
    fn make_room(&mut self, installed: &Installed, grown: Trace, now: Instant) {
        let most = installed.settings.max_bytes;
        while self.bytes > most {
            let is_large = self.traces.get(&grown).is_some_and(|pending| pending.room() > most / 4);
            let next = if is_large { Some(grown) } else { self.order.pop_front().map(|(_, oldest)| oldest) };
            let Some(trace) = next else { return };
            if self.traces.contains_key(&trace) {
                installed.counts.overflows.fetch_add(1, Relaxed);
                Counters::add(&COUNTERS.tail_overflow, 1);
                tell_overflow(most);
                self.decide(installed, trace, Cause::Overflow, now);
            }
        }
    }

    /// Whether so much waits that traces whose local roots have come should be decided soon.
    pub(crate) fn is_pressed(&self) -> bool {
        let most = || INSTALLED.with(|installed| installed.settings.max_bytes).unwrap_or(usize::MAX);
        self.bytes > 0 && self.awaits_others() && self.bytes > most() / 4
    }

    /// What was decided on a trace, here or by a thread.
    fn fate(&mut self, installed: &Installed, trace: Trace, now: Instant) -> Option<Fate> {
        let known = DECISIONS.find(trace, clock::now(), installed.remember);
        if let Some(decided) = self.decided.get_mut(&trace)
            && now.saturating_duration_since(decided.used) <= installed.settings.remember
        {
            // What was forgotten, and is worked for again, may have come in again.
            if decided.fate == Fate::Forgotten && known == Some(Known::Shared) {
                return None;
            }
            decided.used = now;
            return Some(decided.fate);
        }
        let fate = match known? {
            Known::Shared => return None,
            Known::Dropped | Known::DroppedInPart => Fate::Forgotten,
            Known::Kept(grounds) => kept(grounds),
        };
        // A trace that goes on for long is not forgotten while it does.
        self.remember(trace, fate, None, now);
        Some(fate)
    }

    fn remember(&mut self, trace: Trace, fate: Fate, open: Option<GroundsNumber>, now: Instant) {
        if self.decided.insert(trace, Decided { fate, used: now, open }).is_none() {
            self.remembered.push_back((now, trace));
        }
        if self.decided.len() > MOST_DECIDED
            && let Some((_, oldest)) = self.remembered.pop_front()
        {
            self.decided.remove(&oldest);
        }
    }

    /// Does with a record that comes late what was done with its trace. One that a rule keeps always is kept all the same, with
    /// what follows it.
    fn follow(
        &mut self,
        installed: &Installed,
        record: &[u64],
        trace: Trace,
        fate: Fate,
        settled: Option<usize>,
        now: Instant,
    ) -> Held {
        let root = of_root(record);
        let open = self.decided.get(&trace).and_then(|decided| decided.open);
        let by = match (fate, settled, root, open) {
            (Fate::Forgotten, Some(found), ..) => Some(installed.settings.policy.decide(found, trace.1, None).grounds),
            // Only now it is known what the head had to say.
            (Fate::Kept { .. }, _, Some(_), Some(by)) => Some(by),
            _ => None,
        };
        let fate = match by {
            Some(by) => {
                let grounds = grounds_after(root, by);
                // So that what begins elsewhere is recorded again.
                DECISIONS.note(trace, Known::Kept(grounds), clock::now());
                self.remember(trace, kept(grounds), open.filter(|_| root.is_none()).map(|_| by), now);
                kept(grounds)
            }
            None => {
                if let Some(decided) = self.decided.get_mut(&trace).filter(|_| root.is_some()) {
                    decided.open = None;
                }
                fate
            }
        };
        let is_kept = matches!(fate, Fate::Kept { .. });
        if open.is_none() {
            installed.counts.late[usize::from(!is_kept)].fetch_add(1, Relaxed);
        }
        match is_kept {
            true => self.release(record, fate),
            false => Counters::add(&COUNTERS.tail, 1),
        }
        Held::Here
    }

    /// Decides on a trace with what is known of it.
    fn decide(&mut self, installed: &Installed, trace: Trace, cause: Cause, now: Instant) {
        let Some(mut pending) = self.traces.remove(&trace) else { return };
        pending.refresh(installed);
        self.bytes -= OVERHEAD + pending.room();
        if let Some(fate) = pending.is_part_of(trace, installed) {
            self.remember(trace, fate, None, now);
            return self.follow_whole(installed, &pending.words, fate);
        }
        let policy = &installed.settings.policy;
        if cause == Cause::Unfinished {
            // A span of it that has not ended has taken so long already.
            let age = now.saturating_duration_since(pending.since);
            pending.found = policy.see_open(pending.found, age);
            installed.counts.unfinished.fetch_add(1, Relaxed);
        }
        let decision = policy.decide(pending.found, pending.randomness.unwrap_or(trace.1), None);
        installed.counts.decided(&decision);
        tell(&pending.words, trace, &decision);
        let by = if decision.keep { grounds(&decision, cause) } else { 0 };
        let fate = match decision.keep {
            true => kept(grounds_after(pending.root, by)),
            false => Fate::Forgotten,
        };
        match fate {
            Fate::Forgotten => Counters::add(&COUNTERS.tail, count_records(&pending.words)),
            fate => self.release(&pending.words, fate),
        }
        self.remember(trace, fate, pending.root.is_none().then_some(by), now);
        let known = match fate {
            Fate::Kept { bits, .. } => Known::Kept(head_bits::grounds_of(bits)),
            _ => dropped(pending.root),
        };
        DECISIONS.note(trace, known, clock::now());
    }

    /// Does with records what was done with the rest of their trace.
    fn follow_whole(&mut self, installed: &Installed, words: &[u64], fate: Fate) {
        let (spans, is_dropped) = (count_records(words), fate == Fate::Forgotten);
        installed.counts.late[usize::from(is_dropped)].fetch_add(spans, Relaxed);
        match is_dropped {
            true => Counters::add(&COUNTERS.tail, spans),
            false => self.release(words, fate),
        }
    }

    fn release(&mut self, mut words: &[u64], fate: Fate) {
        while let Some((record, rest)) = split_record(words) {
            words = rest;
            let at = self.released.len();
            self.released.extend_from_slice(record);
            if let Fate::Kept { bits, mask } = fate {
                self.released[at] = record[0] & !mask | bits;
            }
        }
    }

    fn release_all(&mut self) {
        for (_, trace) in std::mem::take(&mut self.order) {
            if let Some(pending) = self.traces.remove(&trace) {
                self.release(&pending.words, Fate::Undecided);
            }
        }
        *self = Self { released: std::mem::take(&mut self.released), ..Self::default() };
    }

    /// Whether traces wait whose local roots have come, and perhaps not all spans of other threads.
    pub(crate) fn awaits_others(&self) -> bool {
        !self.ended.is_empty()
    }

    /// How many of those there are, for [`decide_ended`](Self::decide_ended).
    pub(crate) fn ended(&self) -> usize {
        self.ended.len()
    }

    /// Decides on the first `count` traces whose local roots have come: every thread was looked at since.
    pub(crate) fn decide_ended(&mut self, count: usize, now: Instant) {
        // Settings that were taken away meanwhile have let go of all.
        let ended: Vec<_> = self.ended.drain(..count.min(self.ended.len())).collect();
        self.with_settings(|holding, installed| {
            ended.into_iter().for_each(|trace| holding.decide(installed, trace, Cause::Over, now));
        });
    }

    /// Decides on traces that have waited for too long, and forgets old decisions. All traces, if this is the `end`.
    pub(crate) fn look(&mut self, now: Instant, end: bool) {
        if self.order.is_empty() && self.decided.is_empty() {
            return;
        }
        self.with_settings(|holding, installed| {
            let is_old = |since: &Instant, most: Duration| now.saturating_duration_since(*since) >= most;
            let decide_after = installed.settings.decide_after;
            while let Some((since, trace)) = holding.order.front().copied()
                && let is_there = holding.traces.get(&trace).is_some_and(|pending| pending.since == since)
                && (end || !is_there || is_old(&since, decide_after))
            {
                holding.order.pop_front();
                if !is_there {
                    continue;
                }
                holding.decide(installed, trace, if end { Cause::Over } else { Cause::Unfinished }, now);
            }
            while let Some((since, trace)) = holding.remembered.pop_front() {
                let used = holding.decided.get(&trace).map(|decided| decided.used);
                match used {
                    Some(used) if !is_old(&used, installed.settings.remember) && !end => {
                        if used == since {
                            holding.remembered.push_front((used, trace));
                            break;
                        }
                        holding.remembered.push_back((used, trace));
                    }
                    _ => _ = holding.decided.remove(&trace),
                }
            }
        });
    }

    fn with_settings(&mut self, f: impl FnOnce(&mut Self, &Installed)) {
        if !ON.load(Relaxed) {
            return self.release_all();
        }
        INSTALLED.with(|installed| {
            f(self, installed);
            self.show(installed);
        });
    }

    fn show(&self, installed: &Installed) {
        installed.counts.held_traces.store(self.traces.len() as u64, Relaxed);
        installed.counts.held_bytes.store(self.bytes as u64, Relaxed);
    }

    /// Takes the records that are to be exported.
    pub(crate) fn released(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.released)
    }
}

fn grounds(decision: &Decision, cause: Cause) -> GroundsNumber {
    match (cause, decision.rule) {
        (Cause::Unfinished | Cause::Overflow, None) => {
            let kept = if cause == Cause::Overflow { Kept::TailOverflow } else { Kept::TailUnfinished };
            let threshold = Grounds::of(decision.grounds).and_then(|grounds| grounds.threshold);
            Grounds::new(kept, threshold).number()
        }
        _ => decision.grounds,
    }
}

impl Pending {
    /// The bytes that its records take.
    fn room(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }

    fn new(installed: &Installed, now: Instant) -> Self {
        let (generation, found) = (installed.generation, installed.settings.policy.rules.len());
        Self { words: Vec::new(), found, generation, root: None, randomness: None, since: now }
    }

    /// What a thread has decided on the trace without knowing of these records, if they have to follow it.
    fn is_part_of(&self, trace: Trace, installed: &Installed) -> Option<Fate> {
        match DECISIONS.find(trace, clock::now(), installed.remember)? {
            Known::Kept(grounds) => Some(kept(grounds)),
            Known::Dropped | Known::DroppedInPart => {
                let is_for_itself = self.root.is_some() || installed.settings.policy.is_settled(self.found);
                (!is_for_itself).then_some(Fate::Forgotten)
            }
            Known::Shared => None,
        }
    }

    /// Finds anew what older settings have found.
    fn refresh(&mut self, installed: &Installed) {
        if self.generation == installed.generation {
            return;
        }
        self.generation = installed.generation;
        let policy = &installed.settings.policy;
        let all = std::iter::successors(split_record(&self.words), |(_, rest)| split_record(rest));
        let all = all.filter_map(|(record, _)| Finished::of(record));
        self.found = all.fold(policy.rules.len(), |found, finished| policy.see(found, &finished));
    }
}
