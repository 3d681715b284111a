//! What ratios are multiplied with: a step from what was and what is measured, without a clock and without a machine.
//!
//! ```text
//! processor, memory, queue, failed exports ──► Pressure ──► load    0 or 0.01..=1   ┐
//! what is offered, a target rate           ──► Target   ──► target  ..=1            ├─► each ratio
//! local roots that failed                  ──► Errors   ──► boost   1..=error_boost ┘
//! ```

use super::errors::Errors;
use super::pressure::Pressure;
use super::target::Target;

/// What the machine, the queue and the exporters were found to be doing since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Readings {
    /// A share of the time. Not known everywhere, and not at first.
    pub(crate) cpu: Option<f64>,
    /// A share of what there is. Not known everywhere.
    pub(crate) memory: Option<f64>,
    /// A share of the room.
    pub(crate) queue: f64,
    /// The share of the spans that were lost of those of which it is known what became of them; `None` if of none.
    pub(crate) failures: Option<f64>,
    /// Local roots that have ended, and how many of them failed.
    pub(crate) ended: u64,
    pub(crate) failed: u64,
    /// The time since the last look.
    pub(crate) seconds: f64,
}

impl Readings {
    /// What is no number says nothing: it is remembered, and would be all that is known from then on. Nor is more than all of a
    /// thing, or less than none, taken for what it claims to be.
    pub(super) fn sane(self) -> Self {
        let share = |share: f64| (!share.is_nan()).then(|| share.clamp(0.0, 1.0));
        Self {
            cpu: self.cpu.and_then(share),
            memory: self.memory.and_then(share),
            queue: share(self.queue).unwrap_or_default(),
            failures: self.failures.and_then(share),
            seconds: if self.seconds.is_finite() { self.seconds.max(0.0) } else { 0.0 },
            ..self
        }
    }
}

/// The settings that the controller has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LoadLimits {
    /// The shares above which there is too much to do.
    pub(crate) cpu: f64,
    pub(crate) memory: f64,
    pub(crate) failures: f64,
    /// How many traces are to be kept in a second, in all.
    pub(crate) target: Option<f64>,
    /// The share of failed local roots above which ratios are raised, and how far.
    pub(crate) errors: f64,
    pub(crate) boost: f64,
}

/// How many traces there would have been since the last look with no factor below 1: the sums of the ratios of low, normal and
/// high priority.
pub(super) type Offered = [f64; 3];

/// What the ratios are multiplied with, and what it takes to find the next such factors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Controller {
    pressure: Pressure,
    target: Target,
    errors: Errors,
}

/// What ratios are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Factors {
    /// Because of the load; 0 if nothing is kept.
    pub(super) load: f64,
    /// Because of the target rate.
    pub(super) target: f64,
    /// Because of errors, 1 or more.
    pub(super) boost: f64,
}

impl Controller {
    pub(super) const fn new() -> Self {
        Self { pressure: Pressure::new(), target: Target::new(), errors: Errors::new() }
    }

    pub(super) fn factors(&self) -> Factors {
        Factors { load: self.pressure.factor(), target: self.target.factor(), boost: self.errors.boost() }
    }

    /// After one look.
    pub(super) fn step(self, limits: &LoadLimits, readings: &Readings, offered: Offered) -> Self {
        let readings = &readings.sane();
        let pressure = self.pressure.step(limits, readings);
        // More is kept because of errors only while there is room for it.
        let errors = self.errors.step(limits, readings, pressure.factor() >= 1.0);
        // What is raised now will be offered from now on, so the target rate is kept from the first moment.
        let raised = (errors.boost() / self.errors.boost()).max(1.0);
        let target = self.target.step(limits.target, offered, readings.seconds, raised);
        Self { pressure, target, errors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sampling::simulation::LIMITS;

    #[test]
    fn readings_that_make_no_sense_are_not_remembered() {
        let limits = LoadLimits { target: Some(50.0), ..LIMITS };
        let plain = Readings { cpu: Some(0.3), seconds: 1.0, ..Readings::default() };
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e300, 1e300] {
            let all = Readings { cpu: Some(wrong), memory: Some(wrong), queue: wrong, seconds: wrong, ..plain };
            let all = Readings { failures: Some(wrong), ended: 1 << 32, failed: u64::MAX, ..all };
            let mut state = Controller::new();
            for readings in [plain, all, all].into_iter().chain([plain; 150]) {
                let high = if readings == plain { 0.0 } else { 1e11 };
                state = state.step(&limits, &readings, [0.0, 200.0, high]);
                let Factors { load, target, boost } = state.factors();
                assert!((0.0..=1.0).contains(&load) && (0.0..=1.0).contains(&target), "{wrong}: {state:?}");
                assert!((1.0..=limits.boost).contains(&boost), "{wrong}: {state:?}");
            }
            // What comes next is measured as if nothing had been.
            let Factors { load, target, boost } = state.factors();
            assert_eq!((load, boost), (1.0, 1.0), "{wrong}: {state:?}");
            assert!((target - 0.25).abs() < 1e-3, "{wrong}: {state:?}");
            let hot = Readings { cpu: Some(1.0), ..plain };
            assert!((0..5).fold(state, |state, _| state.step(&limits, &hot, [0.0; 3])).factors().load < 1.0, "{wrong}");
        }
    }
}
