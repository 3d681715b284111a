//! How far ratios are lowered because of the load: a step from what was and what is measured, without a clock and without a machine.
//!
//! ```text
//! factor 1 ──a reading above its threshold──► half of it, at each look ──► 0.01 ──► extreme: nothing is kept
//!     ▲                                                                                    │ no reading above
//!     └── a twentieth more at each look ◄── three looks at which all are clearly below ◄────┘
//! ```

use super::controller::{LoadLimits, Readings};

/// What the ratios are multiplied with, and what it takes to find the next such factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pressure {
    /// `FLOOR..=1.0`.
    factor: f64,
    /// At how many looks in a row nothing was near its threshold.
    calm: u32,
    /// At how many looks in a row the factor could not fall any further, and that was by far not enough.
    helpless: u32,
    extreme: bool,
    /// For how many looks what was last known of exports says that too many fail. Batches are exported less often than looks
    /// are taken.
    failing: u32,
    /// Of the processor, in which one busy second says little, half of the latest reading and half of what was here before.
    cpu: Option<f64>,
}

/// The least that ratios are multiplied with while anything is kept.
const FLOOR: f64 = 0.01;
const DECREASE: f64 = 0.5;
const INCREASE: f64 = 0.05;
/// So many looks in a row have to be calm before the factor rises.
const CALM_LOOKS: u32 = 3;
/// And so many in a row without any help before nothing is kept.
const HELPLESS_LOOKS: u32 = 3;
/// What is below this share of its threshold is calm; what is between only keeps the factor where it is.
const CALM_SHARE: f64 = 0.9;
/// From a half on the queue refuses traces altogether, and the collector comes for a quarter.
const QUEUE_LIMIT: f64 = 0.4;
/// Above these it is extreme.
const EXTREME: f64 = 0.97;
const QUEUE_EXTREME: f64 = 0.9;
/// For so many looks without an export the last one counts.
const FAILING_LOOKS: u32 = 60;

impl Pressure {
    pub(super) const fn new() -> Self {
        Self { factor: 1.0, calm: 0, helpless: 0, extreme: false, failing: 0, cpu: None }
    }

    /// What ratios are multiplied with: 0 if nothing is kept.
    pub(super) fn factor(&self) -> f64 {
        if self.extreme { 0.0 } else { self.factor }
    }

    /// After one look at the load.
    pub(super) fn step(self, limits: &LoadLimits, readings: &Readings) -> Self {
        let cpu = match (self.cpu, readings.cpu) {
            (Some(before), Some(now)) => Some((before + now) / 2.0),
            // As if it had been idle before.
            (None, Some(now)) => Some(now / 2.0),
            (_, None) => None,
        };
        let all = [
            (cpu, limits.cpu, EXTREME),
            (readings.memory, limits.memory, EXTREME),
            (Some(readings.queue), QUEUE_LIMIT, QUEUE_EXTREME),
            // Where nothing is kept nothing fails, so this alone must not make it extreme.
            (readings.failures, limits.failures, f64::INFINITY),
        ];
        let any = |is: &dyn Fn(f64, f64, f64) -> bool| {
            // A threshold of all says that nobody minds, so it must not keep the factor down either.
            let mut minded = all.iter().filter(|(_, limit, _)| *limit < 1.0);
            minded.any(|(share, limit, extreme)| share.is_some_and(|share| is(share, *limit, *extreme)))
        };
        let is_above = any(&|share, limit, _| share > limit);
        let is_extreme = any(&|share, limit, extreme| share > limit && share > extreme);
        let failing = match readings.failures {
            Some(share) if share >= CALM_SHARE * limits.failures && limits.failures < 1.0 => FAILING_LOOKS,
            Some(_) => 0,
            None => self.failing.saturating_sub(1),
        };
        let is_calm = failing == 0 && !any(&|share, limit, _| share >= CALM_SHARE * limit);
        let calm = if is_calm { self.calm.saturating_add(1) } else { 0 };
        let helpless = if is_extreme && self.factor <= FLOOR { self.helpless.saturating_add(1) } else { 0 };
        let factor = match (is_above, calm >= CALM_LOOKS) {
            (true, _) => (self.factor * DECREASE).max(FLOOR),
            (false, true) => (self.factor + INCREASE).min(1.0),
            (false, false) => self.factor,
        };
        let extreme = helpless >= HELPLESS_LOOKS || self.extreme && is_above;
        Self { factor, calm, helpless, extreme, failing, cpu }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sampling::simulation::LIMITS;

    fn cpu(share: f64) -> Readings {
        Readings { cpu: Some(share), memory: Some(0.5), ..Readings::default() }
    }

    fn queue(share: f64) -> Readings {
        Readings { queue: share, ..Readings::default() }
    }

    /// The factor after each of these looks.
    fn run(controller: &mut Pressure, looks: impl IntoIterator<Item = Readings>) -> Vec<f64> {
        looks
            .into_iter()
            .map(|readings| {
                *controller = controller.step(&LIMITS, &readings);
                controller.factor()
            })
            .collect()
    }

    fn repeat(readings: Readings, looks: usize) -> impl Iterator<Item = Readings> {
        std::iter::repeat_n(readings, looks)
    }

    #[test]
    fn nothing_changes_while_nothing_is_overloaded() {
        let mut controller = Pressure::new();
        let looks = [cpu(0.0), cpu(0.79), queue(0.4), queue(0.0), cpu(0.8)];
        assert_eq!(run(&mut controller, looks), [1.0; 5]);
    }

    #[test]
    fn a_step_up_halves_the_factor_at_each_look_and_a_step_down_brings_it_back_slowly() {
        let mut controller = Pressure::new();
        assert_eq!(run(&mut controller, repeat(queue(0.6), 4)), [0.5, 0.25, 0.125, 0.0625]);
        let back = run(&mut controller, repeat(queue(0.0), 30));
        assert_eq!(back[..2], [0.0625; 2], "not before it has been calm for a while");
        assert!(back[2..].windows(2).all(|pair| pair[1] >= pair[0] && pair[1] - pair[0] < 0.051), "{back:?}");
        assert!(back[15] < 1.0 && back[29] == 1.0, "{back:?}");
    }

    #[test]
    fn one_busy_second_of_the_processor_changes_nothing() {
        let mut controller = Pressure::new();
        let burst = repeat(cpu(0.3), 5).chain([cpu(1.0)]).chain(repeat(cpu(0.3), 5));
        assert!(run(&mut controller, burst).iter().all(|factor| *factor == 1.0));
        let lasting = run(&mut controller, repeat(cpu(1.0), 3));
        assert_eq!(lasting, [1.0, 0.5, 0.25], "but it is no more than one");
    }

    #[test]
    fn a_load_that_swings_around_its_threshold_does_not_make_the_factor_swing() {
        let mut controller = Pressure::new();
        let between = (0..200).map(|look| queue(if look % 2 == 0 { 0.37 } else { 0.4 }));
        assert!(run(&mut controller, between).iter().all(|factor| *factor == 1.0), "within the band nothing happens");
        let around = (0..200).map(|look| queue(if look % 2 == 0 { 0.1 } else { 0.5 }));
        let factors = run(&mut controller, around);
        assert!(factors.windows(2).all(|pair| pair[1] <= pair[0]), "it never rises in between");
        assert_eq!(factors[199], FLOOR, "and this is not extreme");
    }

    #[test]
    fn a_queue_that_the_factor_itself_fills_settles() {
        // The application makes this much more than the exporters take away.
        for demand in [1.5, 4.0, 20.0] {
            let (mut controller, mut fill) = (Pressure::new(), 0.0_f64);
            let mut factors = Vec::new();
            for look in 0..600 {
                // A tenth of the queue is exported between two looks.
                fill = (fill + 0.1 * (demand * controller.factor() - 1.0)).clamp(0.0, 1.0);
                controller = controller.step(&LIMITS, &queue(fill));
                if look >= 100 {
                    factors.push(controller.factor());
                    assert!(fill < 0.95, "{demand}: the queue is not full once it has settled, but {fill}");
                }
            }
            let mean = factors.iter().sum::<f64>() / factors.len() as f64;
            let sustainable = 1.0 / demand;
            assert!((0.4..=1.1).contains(&(mean / sustainable)), "{demand}: {mean} of {sustainable}");
            assert!(factors.iter().all(|factor| *factor > 0.0), "{demand}: it is never extreme");
        }
    }

    #[test]
    fn under_extreme_load_nothing_is_kept_until_it_is_over() {
        let mut controller = Pressure::new();
        let falling = run(&mut controller, repeat(queue(1.0), 20));
        assert_eq!(falling[6], FLOOR);
        assert!(falling[..9].iter().all(|factor| *factor > 0.0));
        assert_eq!(falling[9..], [0.0; 11], "{falling:?}");
        assert_eq!(run(&mut controller, [queue(0.5)]), [0.0], "it is still too much");
        assert_eq!(run(&mut controller, [queue(0.3)]), [FLOOR]);
        let back = run(&mut controller, repeat(queue(0.0), 40));
        assert_eq!(back[39], 1.0);
    }

    #[test]
    fn memory_that_is_merely_scarce_is_never_extreme() {
        let mut controller = Pressure::new();
        let scarce = Readings { memory: Some(0.93), ..Readings::default() };
        assert_eq!(run(&mut controller, repeat(scarce, 500))[499], FLOOR);
    }

    fn exported(failures: Option<f64>) -> Readings {
        Readings { failures, ..Readings::default() }
    }

    #[test]
    fn exports_that_fail_lower_the_factor_once_for_each_look_that_saw_one() {
        let mut controller = Pressure::new();
        let looks = [Some(0.5), None, None, Some(0.5), None, None, None, None].map(exported);
        assert_eq!(run(&mut controller, looks), [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25]);
        let back = run(&mut controller, [Some(0.0), None, None, None].map(exported));
        assert_eq!(back[..2], [0.25, 0.25]);
        assert!(back[3] > 0.25, "a success is good for the looks after it: {back:?}");
    }

    #[test]
    fn exports_that_all_fail_are_never_extreme_and_what_was_known_of_them_does_not_hold_for_ever() {
        let mut controller = Pressure::new();
        assert_eq!(run(&mut controller, repeat(exported(Some(1.0)), 500))[499], FLOOR);
        let idle = run(&mut controller, repeat(exported(None), 100));
        assert_eq!((idle[50], idle[99]), (FLOOR, 1.0));
    }

    #[test]
    fn an_exporter_that_takes_a_part_settles_at_what_it_takes() {
        for demand in [1.2, 3.0, 15.0] {
            let mut controller = Pressure::new();
            let mut factors = Vec::new();
            for look in 0..600 {
                let offered = demand * controller.factor();
                controller = controller.step(&LIMITS, &exported(Some((1.0 - 1.0 / offered).max(0.0))));
                if look >= 100 {
                    factors.push(controller.factor());
                }
            }
            let mean = factors.iter().sum::<f64>() / factors.len() as f64;
            // It stays where less is lost than the threshold, which is a little more than is taken.
            assert!((0.4..=1.12).contains(&(mean * demand)), "{demand}: {mean}");
        }
    }

    #[test]
    fn a_threshold_of_all_is_as_if_nobody_looked() {
        let limits = LoadLimits { cpu: 1.0, memory: 1.0, failures: 1.0, ..LIMITS };
        let full = Readings { cpu: Some(1.0), memory: Some(1.0), failures: Some(1.0), ..Readings::default() };
        let last = (0..100).fold(Pressure::new(), |controller, _| controller.step(&limits, &full));
        assert_eq!(last.factor(), 1.0);
        let lowered = (0..3).fold(last, |controller, _| controller.step(&limits, &queue(1.0)));
        assert_eq!(lowered.factor(), 0.125);
        let back = (0..30).fold(lowered, |controller, _| controller.step(&limits, &full));
        assert_eq!(back.factor(), 1.0, "and does not keep the factor down");
    }

    #[test]
    fn what_is_no_number_lowers_nothing_and_stays_nowhere() {
        let mut controller = Pressure::new();
        let odd = Readings { cpu: Some(f64::NAN), memory: Some(f64::INFINITY), queue: f64::NAN, ..Readings::default() };
        run(&mut controller, repeat(odd, 50));
        assert!((0.0..=1.0).contains(&controller.factor()));
        run(&mut controller, [Readings::default()]);
        let back = run(&mut controller, repeat(cpu(0.1), 60));
        assert_eq!(back[59], 1.0);
    }
}
