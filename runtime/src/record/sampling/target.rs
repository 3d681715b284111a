//! How far ratios are lowered so that a number of traces a second is kept, in all.
//!
//! What is measured is not what is kept but what is offered: the sum of the ratios of all traces that were asked for. It does
//! not depend on the factor, so there is no loop that could swing: the factor is what it has to be, one look after the offered
//! rate is known. A burst does not wait for that: what it may keep until the next look is [bounded](hurried).

use super::controller::Offered;

/// The offered rate, and the factor for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Target {
    /// Traces a second, smoothed; `None` before the first look.
    rate: Option<Offered>,
    /// What was offered since the last look that was long enough to tell a rate.
    sum: Offered,
    seconds: f64,
    factor: f64,
}

/// In less time nothing is told of a rate.
const SHORTEST: f64 = 0.5;
/// How much of a look's rate goes into the smoothed one.
const WEIGHT: f64 = 0.3;
/// A rate that differs from the smoothed one by more than half of the smaller, and by so many standard deviations of what chance
/// does, is another rate: it counts as it is.
const STEP: f64 = 1.5;
const DEVIATIONS: f64 = 4.0;
/// What is left of a factor if traces of high priority alone are more than the target.
const LEAST: f64 = 1e-6;

impl Target {
    pub(super) const fn new() -> Self {
        Self { rate: None, sum: [0.0; 3], seconds: 0.0, factor: 1.0 }
    }

    pub(super) fn factor(&self) -> f64 {
        self.factor
    }

    /// After one look; `raised` is how much larger ratios will be from now on.
    pub(super) fn step(self, target: Option<f64>, offered: Offered, seconds: f64, raised: f64) -> Self {
        let Some(target) = target else { return Self::new() };
        let sum: Offered = std::array::from_fn(|priority| self.sum[priority] + offered[priority]);
        let seconds = self.seconds + seconds;
        if seconds < SHORTEST {
            return Self { sum, seconds, ..self };
        }
        let rate = smoothed(self.rate, sum.map(|sum| sum / seconds), seconds).map(|rate| rate * raised);
        Self { rate: Some(rate), sum: [0.0; 3], seconds: 0.0, factor: factor(target, rate) }
    }
}

fn smoothed(before: Option<Offered>, now: Offered, seconds: f64) -> Offered {
    let Some(before) = before else { return now };
    let [was, is] = [before, now].map(|rates| rates.iter().sum::<f64>());
    let (less, more) = (was.min(is), was.max(is));
    // The number of traces varies by its root.
    let is_more_than_chance = (more - less) * seconds > DEVIATIONS * (more * seconds).sqrt();
    if more > STEP * less && is_more_than_chance {
        return now;
    }
    std::array::from_fn(|priority| before[priority] + WEIGHT * (now[priority] - before[priority]))
}

/// The factor `f` with which `high + f · normal + f² · low` is the target.
fn factor(target: f64, [low, normal, high]: Offered) -> f64 {
    let room = target - high;
    if room <= 0.0 {
        return LEAST;
    }
    let factor = 2.0 * room / (normal + (normal * normal + 4.0 * low * room).sqrt());
    // Where nothing is offered it is infinite.
    if factor < 1.0 { factor.max(LEAST) } else { 1.0 }
}

/// How many traces may be kept in these seconds before it is a burst: twice the target, or if that is small as many more as chance
/// does not explain.
fn most(target: f64, seconds: f64) -> f64 {
    // A look that is late has more to keep.
    let target = target * seconds.max(1.0);
    target + target.max(DEVIATIONS * target.sqrt())
}

/// How many traces are offered from one look to the next before [`hurried`] has something to say, if they come in a second.
pub(super) fn unhurried(target: f64, looked: f64) -> f64 {
    most(target, 1.0) / looked
}

/// The factor until the next look, if so much was offered in these seconds since the last one, which found the factor `looked`, that
/// it is a burst. To be asked again when twice as much was offered.
///
/// In the time in which that much more is offered, a half of the target is kept, and then a half of that each time. So all that a
/// burst keeps until the next look is three times the target, whatever its size; or a little more where the target is small.
pub(super) fn hurried(target: f64, looked: f64, [low, normal, high]: Offered, seconds: f64) -> Option<f64> {
    let kept = high + looked * normal + looked * looked * low;
    let most = most(target, seconds);
    (kept >= most).then(|| (looked * (most / kept) * (most / kept) * target / (2.0 * most)).max(LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(target: f64, offered: Offered) -> f64 {
        (0..10).fold(Target::new(), |state, _| state.step(Some(target), offered, 1.0, 1.0)).factor()
    }

    #[test]
    fn what_is_kept_is_the_target_whatever_the_priorities() {
        for offered in [[0.0, 400.0, 0.0], [400.0, 0.0, 0.0], [100.0, 250.0, 20.0], [1e6, 1.0, 49.0]] {
            let factor = settled(50.0, offered);
            let kept = offered[2] + factor * offered[1] + factor * factor * offered[0];
            assert!((kept - 50.0).abs() < 1e-6, "{offered:?}: {kept}");
        }
        assert_eq!(settled(50.0, [10.0, 20.0, 20.0]), 1.0, "there is room for all");
        assert_eq!(settled(50.0, [0.0; 3]), 1.0);
        assert_eq!(settled(50.0, [10.0, 20.0, 50.0]), LEAST, "high priority takes it all");
    }

    #[test]
    fn looks_that_come_late_or_too_soon_measure_the_same_rate() {
        let mut state = Target::new();
        for seconds in [0.0, 0.1, 0.2, 0.3, 7.0, 1.0, 0.4, 0.4] {
            state = state.step(Some(50.0), [0.0, 200.0 * seconds, 0.0], seconds, 1.0);
            assert!(state.factor() == 1.0 || (state.factor() - 0.25).abs() < 1e-9, "{state:?}");
        }
        assert!((state.factor() - 0.25).abs() < 1e-9);
    }

    #[test]
    fn ratios_that_are_raised_count_before_they_are_offered() {
        let state = (0..10).fold(Target::new(), |state, _| state.step(Some(50.0), [0.0, 100.0, 0.0], 1.0, 1.0));
        assert!((state.step(Some(50.0), [0.0, 100.0, 0.0], 1.0, 4.0).factor() - 0.125).abs() < 1e-9);
    }

    #[test]
    fn a_burst_of_any_size_keeps_three_times_the_target_at_most_until_the_next_look() {
        for looked in [1.0, 0.3, 1e-3] {
            for size in [1e3, 1e4, 1e6] {
                let (mut kept, mut offered, mut factor) = (0.0, 0.0, looked);
                let mut next = unhurried(50.0, looked);
                while offered < size {
                    let until = next.min(size);
                    kept += (until - offered) * factor;
                    offered = until;
                    if let Some(hurried) = hurried(50.0, looked, [0.0, offered, 0.0], 0.2) {
                        assert!(hurried <= factor);
                        (factor, next) = (hurried, 2.0 * offered);
                    }
                }
                assert!(
                    kept <= 150.0 + size * LEAST && (kept >= 100.0 || size * looked < 100.0),
                    "{looked} {size}: {kept}"
                );
            }
        }
    }

    #[test]
    fn what_came_in_more_than_a_second_and_what_is_no_burst_hurries_nobody() {
        assert_eq!(hurried(50.0, 1.0, [0.0, 99.0, 0.0], 0.1), None);
        assert!(hurried(50.0, 1.0, [0.0, 101.0, 0.0], 0.1).is_some());
        assert_eq!(hurried(50.0, 1.0, [0.0, 340.0, 0.0], 7.0), None, "the look is late");
        assert_eq!(hurried(1.0, 1.0, [0.0, 4.0, 0.0], 0.1), None, "that is chance");
        assert!(hurried(1.0, 1.0, [0.0, 5.0, 0.0], 0.1).is_some());
        assert_eq!(hurried(50.0, 0.1, [5000.0, 400.0, 9.0], 0.1), None, "each priority counts as it is kept");
        assert_eq!(hurried(50.0, 1.0, [0.0, 0.0, 1e12], 0.1), Some(LEAST), "nothing but a ratio is lowered");
    }

    #[test]
    fn without_a_target_nothing_is_lowered_and_nothing_is_remembered() {
        let state = Target::new().step(Some(1.0), [0.0, 100.0, 0.0], 1.0, 1.0);
        assert_eq!(state.step(None, [0.0, 100.0, 0.0], 1.0, 1.0), Target::new());
    }
}
