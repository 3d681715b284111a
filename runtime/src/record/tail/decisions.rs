//! What was decided on traces a short while ago, for threads that come late.
//!
//! A table of fixed size without a lock: an entry is one word, and of the four places that a trace may have the oldest gives way.
//! So under many traces a second the memory is shorter than it could be, and never wrong but by a chance of one in 2^32: whoever
//! does not find a trace treats it as one that nobody has decided.

use super::GroundsNumber;
use crate::clock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What is known of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// More than one thread works for it, so that none can decide alone.
    Shared,
    /// Nothing more of it need be recorded.
    Dropped,
    /// One request of it was, and others may be here: they are decided by themselves.
    DroppedInPart,
    Kept(GroundsNumber),
}

const SETS: usize = if cfg!(miri) { 16 } else { 16_384 };
const WAYS: usize = 4;

/// An entry: half of the trace's hash, when it was made, and what is known; 0 if there is none.
pub(super) struct Decisions([[AtomicU64; WAYS]; SETS]);

pub(super) static DECISIONS: Decisions = Decisions([const { [const { AtomicU64::new(0) }; WAYS] }; SETS]);

const SHARED: u64 = 1;
const DROPPED: u64 = 2;
const DROPPED_IN_PART: u64 = 3;
const KEPT: u64 = 1 << 15;

/// Moments are ticks without these bits: about a tenth or a quarter of a second.
const TIME_SHIFT: u32 = 28;
/// How far the clock of a thread may be behind that of another.
const MOST_BEHIND: i16 = 16;

/// How long this is for [`Decisions::find`].
pub(super) fn span(duration: Duration) -> u16 {
    u16::try_from((clock::ticks_in(duration) >> TIME_SHIFT).max(1)).unwrap_or(u16::MAX / 2).min(u16::MAX / 2)
}

impl Known {
    fn word(self) -> u64 {
        match self {
            Self::Shared => SHARED,
            Self::Dropped => DROPPED,
            Self::DroppedInPart => DROPPED_IN_PART,
            Self::Kept(grounds) => KEPT | u64::from(grounds),
        }
    }

    fn of(word: u64) -> Self {
        match word & 0xffff {
            SHARED => Self::Shared,
            DROPPED => Self::Dropped,
            DROPPED_IN_PART => Self::DroppedInPart,
            kept => Self::Kept((kept & !KEPT) as GroundsNumber),
        }
    }
}

fn time(now: u64) -> u16 {
    (now >> TIME_SHIFT) as u16
}

impl Decisions {
    fn place(&self, trace: (u64, u64)) -> (&[AtomicU64; WAYS], u64) {
        // Ids may come from others, and not be random.
        let hash = (trace.0 ^ trace.1.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = hash ^ hash >> 32;
        // Not 0, so that an entry of a trace is none of an empty place.
        (&self.0[hash as usize % SETS], hash.wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32 | 1)
    }

    /// The place for what is known of a trace, what is there, and what would be.
    fn room(&self, trace: (u64, u64), known: Known, now: u64) -> Option<(&AtomicU64, u64, u64)> {
        let (places, tag) = self.place(trace);
        let now = time(now);
        let age = |(_, word): &(&AtomicU64, u64)| match word >> 32 {
            found if found == tag => u32::MAX,
            0 => u32::MAX - 1,
            _ => u32::from(now.wrapping_sub((word >> 16) as u16)),
        };
        let (place, word) = places.iter().map(|place| (place, place.load(Relaxed))).max_by_key(age)?;
        Some((place, word, tag << 32 | u64::from(now) << 16 | known.word()))
    }

    /// Notes what is known of a trace, at this moment in ticks.
    pub(super) fn note(&self, trace: (u64, u64), known: Known, now: u64) {
        // Who is here at the same time may overwrite it: then it is forgotten early.
        if let Some((place, _, new)) = self.room(trace, known, now) {
            place.store(new, Relaxed);
        }
    }

    /// Notes that more than one thread works for a trace, unless something is known of it already: what.
    pub(super) fn share(&self, trace: (u64, u64), now: u64, remember: u16) -> Option<Known> {
        // What is decided in this moment must not be undone, or what comes late would wait for nothing.
        for _ in 0..WAYS {
            if let Some(known) = self.find(trace, now, remember) {
                return Some(known);
            }
            let (place, there, new) = self.room(trace, Known::Shared, now)?;
            if place.compare_exchange(there, new, Relaxed, Relaxed).is_ok() {
                break;
            }
        }
        None
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        self.0.iter().flatten().for_each(|place| place.store(0, Relaxed));
    }

    /// What is known of a trace, if it was noted no longer ago than `remember`.
    pub(super) fn find(&self, trace: (u64, u64), now: u64, remember: u16) -> Option<Known> {
        let (places, tag) = self.place(trace);
        let word = places.iter().map(|place| place.load(Relaxed)).find(|word| word >> 32 == tag)?;
        let (age, known) = (time(now).wrapping_sub((word >> 16) as u16) as i16, Known::of(word));
        // That others work for a trace stays true for as long as it goes on.
        let most = if known == Known::Shared { i16::MAX } else { remember as i16 };
        // A thread whose clock reads less than that of who noted it is not late at all; what is much younger is so old that the
        // time has come round.
        (-MOST_BEHIND..=most).contains(&age).then_some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Box<Decisions> {
        Box::new(Decisions([const { [const { AtomicU64::new(0) }; WAYS] }; SETS]))
    }

    #[test]
    fn what_was_noted_is_found_until_it_is_too_old() {
        let table = table();
        let tick = 1 << TIME_SHIFT;
        for (trace, known) in
            [((1, 2), Known::DroppedInPart), ((0, 0), Known::Dropped), ((u64::MAX, 7), Known::Kept(4096))]
        {
            assert_eq!(table.find(trace, 0, 10), None);
            table.note(trace, known, 5 * tick);
            assert_eq!(table.find(trace, 15 * tick, 10), Some(known));
            assert_eq!(table.find(trace, 4 * tick, 10), Some(known), "a clock that is behind");
            assert_eq!(table.find(trace, 16 * tick, 10), None);
        }
        table.note((1, 2), Known::Kept(0), 20 * tick);
        assert_eq!(table.find((1, 2), 20 * tick, 10), Some(Known::Kept(0)), "the last note counts");
        assert_eq!(table.find((1, 2), 40_020 * tick, 10), None, "the time has come round half way");
    }

    #[test]
    fn that_a_trace_is_shared_is_known_for_long_and_undoes_no_decision() {
        let table = table();
        let tick = 1 << TIME_SHIFT;
        assert_eq!(table.share((1, 2), 0, 10), None);
        assert_eq!(table.share((1, 2), 1000 * tick, 10), Some(Known::Shared));
        for decided in [Known::Dropped, Known::DroppedInPart, Known::Kept(7)] {
            table.note((1, 2), decided, 1000 * tick);
            assert_eq!(table.share((1, 2), 1001 * tick, 10), Some(decided));
            assert_eq!(table.find((1, 2), 1001 * tick, 10), Some(decided));
        }
    }

    #[test]
    fn the_oldest_gives_way_and_nobody_is_taken_for_another() {
        let table = table();
        let trace = |number: u64| (number, number.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let all = 3 * (SETS * WAYS) as u64;
        (0..all).for_each(|number| table.note(trace(number), Known::Kept((number % 1000) as u16), number << 16));
        let mut found = 0;
        for number in 0..all {
            if let Some(known) = table.find(trace(number), all << 16, u16::MAX / 2) {
                assert_eq!(known, Known::Kept((number % 1000) as u16));
                found += 1;
            }
        }
        assert!(found > SETS * WAYS / 2 && found <= SETS * WAYS, "{found}");
    }
}
