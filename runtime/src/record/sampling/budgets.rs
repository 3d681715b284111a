//! How much of what exchanges allow is used, as far as somebody has told: for a sampler that records fewer of their calls.
//!
//! Who reads the answers stands above this module and writes; samplers read. Nobody waits for a lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// How many exchanges are known; of others nothing is.
const MOST: usize = 32;
/// How long a name may be, in bytes.
const LONGEST: usize = 64;
/// Thousandths in the lower bits, above them when the window ends: milliseconds of Unix time.
const BITS: u32 = 16;
const THOUSANDTHS: u64 = (1 << BITS) - 1;
/// Of a window of which nobody knows the end.
const NEVER: u64 = u64::MAX >> BITS;

struct Budget {
    exchange: Box<str>,
    used: AtomicU64,
}

static BUDGETS: [OnceLock<Budget>; MOST] = [const { OnceLock::new() }; MOST];

/// Whether anything is known.
pub(super) fn any() -> bool {
    BUDGETS[0].get().is_some()
}

/// Says which share of an exchange's budget is used, until the window ends. It does nothing where 32 others are known.
#[cfg_attr(not(feature = "tower"), allow(dead_code))]
pub(crate) fn note_budget(exchange: &str, share: f64, until: Option<SystemTime>) {
    if exchange.len() > LONGEST {
        return;
    }
    let millis = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let end = until.map_or(NEVER, |until| u64::try_from(millis(until)).unwrap_or(NEVER).min(NEVER));
    let used = (share.clamp(0.0, 1.0) * 1000.0).round() as u64 | end << BITS;
    for place in &BUDGETS {
        let found = place.get_or_init(|| Budget { exchange: exchange.into(), used: AtomicU64::new(used) });
        if *found.exchange == *exchange {
            found.used.store(used, Relaxed);
            return;
        }
    }
}

/// The share that is used, 0 if nobody knows or the window has ended.
pub(crate) fn used(exchange: &str) -> f64 {
    // Places are taken in order, so behind an empty one there is nothing.
    let found = BUDGETS.iter().map_while(OnceLock::get).find(|budget| *budget.exchange == *exchange);
    let used = found.map_or(0, |budget| budget.used.load(Relaxed));
    let thousandths = used & THOUSANDTHS;
    if thousandths == 0 {
        return 0.0;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    if u128::from(used >> BITS) <= now { 0.0 } else { thousandths as f64 / 1000.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_used_is_known_until_its_window_ends() {
        let now = SystemTime::now();
        let later = Some(now + Duration::from_secs(600));
        assert_eq!(used("budgets_a"), 0.0);
        note_budget("budgets_a", 0.75, later);
        note_budget("budgets_b", 7.0, None);
        assert_eq!([used("budgets_a"), used("budgets_b"), used("budgets_c")], [0.75, 1.0, 0.0]);
        assert!(any());
        note_budget("budgets_a", 0.9, Some(now - Duration::from_secs(1)));
        assert_eq!(used("budgets_a"), 0.0);
        note_budget("budgets_a", f64::NAN, later);
        assert_eq!(used("budgets_a"), 0.0);
        note_budget(&"x".repeat(65), 1.0, None);
        assert_eq!(used(&"x".repeat(65)), 0.0, "a name that long is nobody's");
    }
}
