//! How far ratios are raised while many traces fail.

use super::controller::{LoadLimits, Readings};

/// How many failed lately, and how far ratios are raised for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Errors {
    /// Local roots that have ended, and those that failed, each look counting less than the one after it.
    ended: f64,
    failed: f64,
    /// At how many looks in a row few failed.
    calm: u32,
    boost: f64,
}

/// What is left of a look's numbers at the next one: five looks count, more or less.
const MEMORY: f64 = 0.8;
/// Of fewer traces nothing is concluded.
const ENOUGH: f64 = 10.0;
/// By so many standard deviations of what chance does, those that failed have to be too many.
const DEVIATIONS: f64 = 1.5;
/// What is below this share of the threshold is calm; what is between only keeps the boost where it is.
const CALM_SHARE: f64 = 0.5;
const CALM_LOOKS: u32 = 3;
const INCREASE: f64 = 2.0;
const DECREASE: f64 = 0.8;

impl Errors {
    pub(super) const fn new() -> Self {
        Self { ended: 0.0, failed: 0.0, calm: 0, boost: 1.0 }
    }

    pub(super) fn boost(&self) -> f64 {
        self.boost
    }

    /// After one look. Nothing is raised unless it may be.
    pub(super) fn step(self, limits: &LoadLimits, readings: &Readings, may_raise: bool) -> Self {
        let ended = MEMORY * self.ended + readings.ended as f64;
        let failed = MEMORY * self.failed + readings.failed.min(readings.ended) as f64;
        let is_known = ended >= ENOUGH;
        let is_above = is_known && failed - limits.errors * ended > DEVIATIONS * failed.sqrt();
        // Where nothing ends, nothing fails.
        let is_calm = !is_known || failed < CALM_SHARE * limits.errors * ended;
        let calm = if is_calm { self.calm.saturating_add(1) } else { 0 };
        let boost = match (may_raise, is_above, calm >= CALM_LOOKS) {
            (false, ..) => 1.0,
            (true, true, _) => (self.boost * INCREASE).min(limits.boost),
            // Settings may have changed.
            (true, false, false) => self.boost.min(limits.boost),
            (true, false, true) => (self.boost * DECREASE).min(limits.boost),
        };
        Self { ended, failed, calm, boost: boost.max(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sampling::simulation::LIMITS;

    fn run(looks: impl IntoIterator<Item = (u64, u64)>) -> Vec<f64> {
        let mut errors = Errors::new();
        let step = |(ended, failed)| {
            errors = errors.step(&LIMITS, &Readings { ended, failed, ..Readings::default() }, true);
            errors.boost()
        };
        looks.into_iter().map(step).collect()
    }

    #[test]
    fn one_failure_among_few_raises_nothing() {
        assert!(run([(1, 1), (0, 0), (12, 1), (0, 0), (0, 0)]).iter().all(|boost| *boost == 1.0));
        assert!(run([(3, 0), (3, 1), (3, 0), (3, 0), (3, 0)]).iter().all(|boost| *boost == 1.0));
    }

    #[test]
    fn many_failures_raise_up_to_the_setting_and_their_end_lowers_it_step_by_step() {
        let boosts = run([(100, 30), (100, 30), (100, 30)].into_iter().chain([(100, 0); 30]));
        assert_eq!(boosts[..3], [2.0, 4.0, 4.0]);
        assert!(boosts[3..].windows(2).all(|pair| pair[1] <= pair[0] && pair[1] >= 0.79 * pair[0]), "{boosts:?}");
        assert_eq!(boosts[32], 1.0);
    }

    #[test]
    fn a_share_between_the_thresholds_keeps_what_there_is() {
        let boosts = run([(100, 40); 3].into_iter().chain([(1000, 40); 60]));
        assert_eq!(boosts[62], 4.0, "{boosts:?}");
        assert!(run([(1000, 40); 60]).iter().all(|boost| *boost == 1.0));
    }

    #[test]
    fn nothing_is_raised_against_the_load() {
        let storm = Readings { ended: 100, failed: 100, ..Readings::default() };
        let raised = (0..5).fold(Errors::new(), |errors, _| errors.step(&LIMITS, &storm, true));
        assert_eq!((raised.boost(), raised.step(&LIMITS, &storm, false).boost()), (4.0, 1.0));
        let off = LoadLimits { boost: 1.0, ..LIMITS };
        assert_eq!((0..5).fold(raised, |errors, _| errors.step(&off, &storm, true)).boost(), 1.0);
    }
}
