//! How long to wait before something is tried again.

use crate::config::Retry;
use crate::export::Again;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The pause after so many attempts that failed: drawn evenly from nothing to a limit that doubles, so that programs that
/// were cut off together do not come back together.
pub(super) fn pause(retry: &Retry, attempts: u32, again: Again) -> Duration {
    match again {
        Again::After(pause) => pause,
        Again::Later | Again::Never => {
            let factor = 1u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
            up_to(retry.initial_backoff.saturating_mul(factor).min(retry.max_backoff))
        }
    }
}

/// A duration between nothing and this.
pub(super) fn up_to(longest: Duration) -> Duration {
    longest.mul_f64(random())
}

/// A number from 0 to 1. Nothing depends on its quality.
fn random() -> f64 {
    static KEYS: OnceLock<RandomState> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let hash = KEYS.get_or_init(RandomState::new).hash_one(NEXT.fetch_add(1, Relaxed));
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread_evenly_below_a_limit_that_doubles_up_to_the_longest() {
        let retry = Retry::default();
        for (attempts, limit) in [(1, 5.0), (2, 10.0), (3, 20.0), (4, 30.0), (9, 30.0), (u32::MAX, 30.0)] {
            let pauses: Vec<f64> =
                (0..2000).map(|_| pause(&retry, attempts, Again::Later).as_secs_f64() / limit).collect();
            assert!(pauses.iter().all(|share| (0.0..=1.0).contains(share)), "{attempts}");
            // Full jitter: every tenth of the range has about a tenth of the pauses; 200, of which 60 are 4.5 deviations.
            for tenth in 0..10 {
                let there = pauses.iter().filter(|share| (**share * 10.0) as usize == tenth).count();
                assert!((140..=260).contains(&there), "{attempts} attempts, tenth {tenth}: {there}");
            }
        }
    }

    #[test]
    fn the_pause_that_the_receiver_asks_for_counts() {
        let asked = Again::After(Duration::from_secs(77));
        assert_eq!(pause(&Retry::default(), 1, asked), Duration::from_secs(77));
    }
}
