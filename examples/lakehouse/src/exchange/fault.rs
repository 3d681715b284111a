//! Faults on request: which answers go wrong, and how.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::rng::Rng;

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The answer is 503.
    Unavailable,
    /// The answer comes later than the client waits.
    Slow,
    /// The answer stops in the middle of its JSON.
    Truncated,
}

/// Decides by seed. The decision depends on the request and on how often it came, not on the order in which concurrent
/// requests arrive, so that a run can be repeated.
#[derive(Debug)]
pub struct Faults {
    rate: f64,
    seed: u64,
    seen: Mutex<HashMap<String, u64>>,
}

impl Faults {
    /// Faults for a share of `rate` of the answers.
    pub fn new(rate: f64, seed: u64) -> Self {
        Self { rate, seed, seen: Mutex::default() }
    }

    /// The fault of the next answer to `target`, the path and query of the request.
    pub fn next(&self, target: &str) -> Option<Fault> {
        if self.rate <= 0.0 {
            return None;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let times = seen.entry(target.to_owned()).or_default();
        *times += 1;
        let mut rng = Rng::for_key(self.seed.wrapping_add(*times), target);
        if rng.unit() >= self.rate {
            return None;
        }
        Some(match rng.unit() {
            kind if kind < 0.5 => Fault::Unavailable,
            kind if kind < 0.75 => Fault::Slow,
            _ => Fault::Truncated,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(rate: f64, seed: u64) -> Vec<Option<Fault>> {
        let faults = Faults::new(rate, seed);
        (0..2_000).map(|n| faults.next(&format!("/api/v3/klines?symbol=S{}", n % 500))).collect()
    }

    #[test]
    fn the_share_of_faults_is_the_rate() {
        let failed = outcomes(0.3, 7).iter().flatten().count();
        assert!((500..700).contains(&failed), "{failed} of 2000");
        assert_eq!(outcomes(0.0, 7).iter().flatten().count(), 0);
        assert_eq!(outcomes(1.0, 7).iter().flatten().count(), 2_000);
    }

    #[test]
    fn all_kinds_of_faults_appear() {
        let outcomes = outcomes(0.3, 7);
        for kind in [Fault::Unavailable, Fault::Slow, Fault::Truncated] {
            assert!(outcomes.contains(&Some(kind)), "{kind:?}");
        }
    }

    #[test]
    fn faults_repeat_with_the_seed_in_any_order() {
        let (one, two) = (Faults::new(0.5, 7), Faults::new(0.5, 7));
        let first: Vec<_> = ["a", "b", "a"].map(|target| one.next(target)).into();
        let second: Vec<_> = ["b", "a", "a"].map(|target| two.next(target)).into();
        assert_eq!((first[0], first[1], first[2]), (second[1], second[0], second[2]));
    }
}
