//! Shares of traces as an adaptive sampler has them: rounded, so that there are few.
//!
//! A ratio that is multiplied with factors can be any number. Each of them would be grounds of its own to keep a trace, of which
//! there is room for a few thousand. So a product is rounded to 32 steps between a power of two and the next, which is at most
//! 1.6 % beside it, and the rounded one decides. A threshold of few digits is short in a header, too.

use super::grounds::{Grounds, GroundsNumber, Kept};
use super::{RANDOM_BITS, RANDOM_MASK};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// A share, as the threshold that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Above the largest randomness if nothing is kept.
    pub(super) threshold: u64,
    step: usize,
}

/// Bits of a number behind the first.
const BITS: u32 = 5;
/// Powers of two below 1; less is nothing.
const POWERS: u64 = 32;
const STEPS: usize = (POWERS << BITS) as usize + 1;
/// What `f64` has behind its first bit.
const MANTISSA: u32 = f64::MANTISSA_DIGITS - 1;
const SHIFT: u32 = MANTISSA - BITS;
/// The step of the smallest share, as the upper bits of an `f64`.
const FIRST: u64 = (1023 - POWERS) << BITS;
/// What was found once: the number of each step, or that there is none.
static NUMBERS: [AtomicU16; STEPS] = [const { AtomicU16::new(0) }; STEPS];
const NO_NUMBER: GroundsNumber = GroundsNumber::MAX;

impl Share {
    /// The nearest there is.
    pub(super) fn near(ratio: f64) -> Self {
        let rounded = (ratio.clamp(0.0, 1.0).to_bits() + (1 << (SHIFT - 1))) >> SHIFT;
        let Some(step) = rounded.checked_sub(FIRST) else { return Self { threshold: RANDOM_MASK + 1, step: 0 } };
        let step = step.min(STEPS as u64 - 1);
        // In the last `BITS` what is behind the first bit, above it the power.
        let digits = 1 << BITS | step & ((1 << BITS) - 1);
        let kept = digits << (u64::from(RANDOM_BITS) - POWERS - u64::from(BITS) + (step >> BITS));
        Self { threshold: RANDOM_MASK + 1 - kept, step: step as usize }
    }

    /// Why a trace is kept that reaches it. Looked for once.
    pub(super) fn number(&self) -> GroundsNumber {
        let known = &NUMBERS[self.step];
        match known.load(Relaxed) {
            0 => {
                let found = number(self.threshold);
                known.store(if found == 0 { NO_NUMBER } else { found }, Relaxed);
                found
            }
            NO_NUMBER => 0,
            found => found,
        }
    }
}

/// Why a trace is kept that reaches this threshold.
pub(super) fn number(threshold: u64) -> GroundsNumber {
    if threshold > RANDOM_MASK { 0 } else { Grounds::new(Kept::Adaptive, Some(threshold)).number() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(ratio: f64) -> f64 {
        (RANDOM_MASK + 1 - Share::near(ratio).threshold) as f64 / (RANDOM_MASK + 1) as f64
    }

    #[test]
    fn a_share_is_close_to_its_ratio_and_never_larger_than_all() {
        let mut ratio = 1.0;
        while ratio > 1e-9 {
            assert!((kept(ratio) / ratio - 1.0).abs() <= 1.0 / 64.0 + 1e-9, "{ratio}: {}", kept(ratio));
            ratio *= 0.997;
        }
        for power in 0..=32 {
            let ratio = 0.5_f64.powi(power);
            assert_eq!(kept(ratio), ratio);
        }
        for nothing in [0.0, -1.0, 1e-11, f64::MIN_POSITIVE] {
            assert_eq!(kept(nothing), 0.0, "{nothing}");
        }
        assert_eq!([kept(2.0), kept(0.9999)], [1.0; 2]);
    }

    #[test]
    fn larger_ratios_keep_no_less_and_there_are_few_of_them() {
        let shares: Vec<f64> = (1..=100_000).map(|step| kept(f64::from(step) / 100_000.0)).collect();
        assert!(shares.windows(2).all(|pair| pair[0] <= pair[1]));
        let mut distinct = shares;
        distinct.dedup();
        assert!(distinct.len() < 550, "{}", distinct.len());
    }

    #[test]
    fn the_number_of_a_share_tells_its_probability() {
        for ratio in [1.0, 0.3, 0.001] {
            let number = Share::near(ratio).number();
            assert_eq!(number, Share::near(ratio).number());
            let grounds = Grounds::of(number).expect("there is room");
            assert_eq!((grounds.kept, grounds.probability()), (Kept::Adaptive, Some(kept(ratio))));
        }
    }
}
