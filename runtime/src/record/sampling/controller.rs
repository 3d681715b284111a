//! How far ratios are lowered: a step from what was and what is measured, without a clock and without a machine.
//!
//! ```text
//! factor 1 ──a reading above its threshold──► half of it, at each look ──► 0.01 ──► extreme: nothing is kept
//!     ▲                                                                                    │ no reading above
//!     └── a twentieth more at each look ◄── three looks at which all are clearly below ◄────┘
//! ```

/// What the machine and the queue were found to be doing; shares, `0.0..=1.0`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Readings {
    /// Not known everywhere, and not at first.
    pub(crate) cpu: Option<f64>,
    /// Not known everywhere.
    pub(crate) memory: Option<f64>,
    pub(crate) queue: f64,
}

/// The shares above which there is too much to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LoadLimits {
    pub(crate) cpu: f64,
    pub(crate) memory: f64,
}

/// What the ratios are multiplied with, and what it takes to find the next such factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Controller {
    /// `FLOOR..=1.0`.
    factor: f64,
    /// At how many looks in a row nothing was near its threshold.
    calm: u32,
    /// At how many looks in a row the factor could not fall any further, and that was by far not enough.
    helpless: u32,
    extreme: bool,
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

impl Controller {
    pub(super) const fn new() -> Self {
        Self { factor: 1.0, calm: 0, helpless: 0, extreme: false, cpu: None }
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
        ];
        let any = |is: &dyn Fn(f64, f64, f64) -> bool| {
            // A threshold of all says that nobody minds, so it must not keep the factor down either.
            let mut minded = all.iter().filter(|(_, limit, _)| *limit < 1.0);
            minded.any(|(share, limit, extreme)| share.is_some_and(|share| is(share, *limit, *extreme)))
        };
        let is_above = any(&|share, limit, _| share > limit);
        let is_extreme = any(&|share, limit, extreme| share > limit && share > extreme);
        let is_calm = !any(&|share, limit, _| share >= CALM_SHARE * limit);
        let calm = if is_calm { self.calm.saturating_add(1) } else { 0 };
        let helpless = if is_extreme && self.factor <= FLOOR { self.helpless.saturating_add(1) } else { 0 };
        let factor = match (is_above, calm >= CALM_LOOKS) {
            (true, _) => (self.factor * DECREASE).max(FLOOR),
            (false, true) => (self.factor + INCREASE).min(1.0),
            (false, false) => self.factor,
        };
        let extreme = helpless >= HELPLESS_LOOKS || self.extreme && is_above;
        Self { factor, calm, helpless, extreme, cpu }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: LoadLimits = LoadLimits { cpu: 0.8, memory: 0.85 };

    fn cpu(share: f64) -> Readings {
        Readings { cpu: Some(share), memory: Some(0.5), queue: 0.0 }
    }

    fn queue(share: f64) -> Readings {
        Readings { queue: share, ..Readings::default() }
    }

    /// The factor after each of these looks.
    fn run(controller: &mut Controller, looks: impl IntoIterator<Item = Readings>) -> Vec<f64> {
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
        let mut controller = Controller::new();
        let looks = [cpu(0.0), cpu(0.79), queue(0.4), queue(0.0), cpu(0.8)];
        assert_eq!(run(&mut controller, looks), [1.0; 5]);
    }

    #[test]
    fn a_step_up_halves_the_factor_at_each_look_and_a_step_down_brings_it_back_slowly() {
        let mut controller = Controller::new();
        assert_eq!(run(&mut controller, repeat(queue(0.6), 4)), [0.5, 0.25, 0.125, 0.0625]);
        let back = run(&mut controller, repeat(queue(0.0), 30));
        assert_eq!(back[..2], [0.0625; 2], "not before it has been calm for a while");
        assert!(back[2..].windows(2).all(|pair| pair[1] >= pair[0] && pair[1] - pair[0] < 0.051), "{back:?}");
        assert!(back[15] < 1.0 && back[29] == 1.0, "{back:?}");
    }

    #[test]
    fn one_busy_second_of_the_processor_changes_nothing() {
        let mut controller = Controller::new();
        let burst = repeat(cpu(0.3), 5).chain([cpu(1.0)]).chain(repeat(cpu(0.3), 5));
        assert!(run(&mut controller, burst).iter().all(|factor| *factor == 1.0));
        let lasting = run(&mut controller, repeat(cpu(1.0), 3));
        assert_eq!(lasting, [1.0, 0.5, 0.25], "but it is no more than one");
    }

    #[test]
    fn a_load_that_swings_around_its_threshold_does_not_make_the_factor_swing() {
        let mut controller = Controller::new();
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
            let (mut controller, mut fill) = (Controller::new(), 0.0_f64);
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
        let mut controller = Controller::new();
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
        let mut controller = Controller::new();
        let scarce = Readings { memory: Some(0.93), ..Readings::default() };
        assert_eq!(run(&mut controller, repeat(scarce, 500))[499], FLOOR);
    }

    #[test]
    fn a_threshold_of_all_is_as_if_nobody_looked() {
        let limits = LoadLimits { cpu: 1.0, memory: 1.0 };
        let full = Readings { cpu: Some(1.0), memory: Some(1.0), queue: 0.0 };
        let last = (0..100).fold(Controller::new(), |controller, _| controller.step(&limits, &full));
        assert_eq!(last.factor(), 1.0);
        let lowered = (0..3).fold(last, |controller, _| controller.step(&limits, &queue(1.0)));
        assert_eq!(lowered.factor(), 0.125);
        let back = (0..30).fold(lowered, |controller, _| controller.step(&limits, &full));
        assert_eq!(back.factor(), 1.0, "and does not keep the factor down");
    }

    #[test]
    fn what_is_no_number_lowers_nothing_and_stays_nowhere() {
        let mut controller = Controller::new();
        let odd = Readings { cpu: Some(f64::NAN), memory: Some(f64::INFINITY), queue: f64::NAN };
        run(&mut controller, repeat(odd, 50));
        assert!((0.0..=1.0).contains(&controller.factor()));
        run(&mut controller, [Readings::default()]);
        let back = run(&mut controller, repeat(cpu(0.1), 60));
        assert_eq!(back[59], 1.0);
    }
}
