//! Which rules can match spans of a call site, found out once for each.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// All rules can match.
pub(super) const ALL: u64 = u64::MAX;

/// How many call sites there is room for: a power of two. Those beyond are asked every time.
const PLACES: usize = 512;
/// How many places one call site may have.
const STEPS: usize = 4;
/// A place that somebody is writing to. No call site has this address.
const BUSY: usize = 1;

/// A table that is only added to. Nobody waits for anybody.
#[derive(Debug)]
pub(super) struct Sites(Box<[Place]>);

#[derive(Debug, Default)]
struct Place {
    site: AtomicUsize,
    rules: AtomicU64,
}

impl Sites {
    /// With `needed` false it is empty: the rules ask for nothing that a call site settles.
    pub(super) fn new(needed: bool) -> Self {
        Self((0..if needed { PLACES } else { 0 }).map(|_| Place::default()).collect())
    }

    /// What is known of this call site, or what `find` finds.
    #[inline]
    pub(super) fn get(&self, site: usize, find: impl FnOnce() -> u64) -> u64 {
        if self.0.is_empty() {
            return ALL;
        }
        // Addresses of call sites differ in their middle bits.
        let first = (site as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - PLACES.ilog2());
        let places = (0..STEPS).map(|step| &self.0[(first as usize + step) % PLACES]);
        for place in places {
            match place.site.load(Acquire) {
                found if found == site => return place.rules.load(Relaxed),
                0 => return place.enter(site, find()),
                _ => {}
            }
        }
        find()
    }
}

impl Place {
    #[cold]
    fn enter(&self, site: usize, rules: u64) -> u64 {
        // Who comes second goes without: the next span of the call site tries again.
        if self.site.compare_exchange(0, BUSY, Relaxed, Relaxed).is_ok() {
            self.rules.store(rules, Relaxed);
            self.site.store(site, Release);
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_was_found_is_not_looked_for_again() {
        let (sites, looked) = (Sites::new(true), Cell::new(0));
        let get = |site: usize| {
            sites.get(site, || {
                looked.set(looked.get() + 1);
                site as u64
            })
        };
        for _ in 0..3 {
            for site in (0x1000..0x1400).step_by(0x40) {
                assert_eq!(get(site), site as u64);
            }
        }
        assert_eq!(looked.get(), 16);
    }

    #[test]
    fn more_call_sites_than_there_is_room_for_are_right_all_the_same() {
        let sites = Sites::new(true);
        for _ in 0..2 {
            (1..5_000).for_each(|number| assert_eq!(sites.get(number * 0x90, || number as u64), number as u64));
        }
        assert_eq!(Sites::new(false).get(16, || 0), ALL);
    }

    #[test]
    fn threads_that_meet_at_a_place_find_the_same() {
        let sites = Sites::new(true);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 1..if cfg!(miri) { 50 } else { 2_000_usize } {
                        assert_eq!(sites.get(number * 0x90, || number as u64), number as u64);
                    }
                });
            }
        });
    }
}
