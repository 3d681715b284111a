//! The rate limit: a budget of request weight per minute, refusals past it, and bans for those who go on.

use std::time::{Duration, Instant};

/// Refusals with 429 within one minute before the caller is banned. A caller that waits as it was told stays far below:
/// only its requests that were already under way are refused.
const PATIENCE: u32 = 12;

/// Counts weight in fixed windows, as the exchange does.
#[derive(Debug)]
pub struct Budget {
    limit: u32,
    minute: Duration,
    window_start: Instant,
    used: u32,
    refused: u32,
    bans: u32,
    banned_until: Option<Instant>,
}

/// What the budget says to one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// The request fits.
    Allowed {
        /// Weight used in this minute, this request included.
        used: u32,
    },
    /// The budget is used up: 429.
    TooMany {
        /// Weight used in this minute.
        used: u32,
        /// Whole seconds until requests fit again.
        retry_after: u64,
    },
    /// The caller went on after refusals: 418.
    Banned {
        /// Weight used in this minute.
        used: u32,
        /// Whole seconds until the ban ends.
        retry_after: u64,
    },
}

impl Verdict {
    /// Weight used in this minute.
    pub fn used(self) -> u32 {
        match self {
            Self::Allowed { used } | Self::TooMany { used, .. } | Self::Banned { used, .. } => used,
        }
    }
}

impl Budget {
    /// A fresh budget of `limit` for each `minute`.
    pub fn new(limit: u32, minute: Duration, now: Instant) -> Self {
        Self { limit, minute, window_start: now, used: 0, refused: 0, bans: 0, banned_until: None }
    }

    /// Charges one request and says whether it may pass. Refused requests cost nothing.
    pub fn charge(&mut self, now: Instant, weight: u32) -> Verdict {
        if let Some(until) = self.banned_until {
            if now < until {
                return Verdict::Banned { used: self.used, retry_after: whole_seconds(until - now) };
            }
            self.banned_until = None;
        }
        while now.saturating_duration_since(self.window_start) >= self.minute {
            let behind = now.saturating_duration_since(self.window_start).as_nanos() / self.minute.as_nanos().max(1);
            self.window_start += self.minute * u32::try_from(behind).unwrap_or(u32::MAX);
            (self.used, self.refused) = (0, 0);
        }
        if self.used.saturating_add(weight) <= self.limit {
            self.used += weight;
            return Verdict::Allowed { used: self.used };
        }
        self.refused += 1;
        if self.refused > PATIENCE {
            // Each further ban lasts longer, as the exchange documents.
            self.bans += 1;
            let until = now + self.minute * 2_u32.saturating_pow(self.bans);
            self.banned_until = Some(until);
            return Verdict::Banned { used: self.used, retry_after: whole_seconds(until - now) };
        }
        let window_end = self.window_start + self.minute;
        Verdict::TooMany { used: self.used, retry_after: whole_seconds(window_end - now) }
    }
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn requests_pass_until_the_budget_is_used_up() {
        let start = Instant::now();
        let mut budget = Budget::new(12, MINUTE, start);
        assert_eq!(budget.charge(start, 10), Verdict::Allowed { used: 10 });
        assert_eq!(budget.charge(start, 2), Verdict::Allowed { used: 12 });
        let later = start + Duration::from_millis(15_500);
        assert_eq!(budget.charge(later, 1), Verdict::TooMany { used: 12, retry_after: 45 });
    }

    #[test]
    fn the_next_minute_starts_with_a_fresh_budget() {
        let start = Instant::now();
        let mut budget = Budget::new(1, MINUTE, start);
        assert_eq!(budget.charge(start, 1).used(), 1);
        assert!(matches!(budget.charge(start, 1), Verdict::TooMany { .. }));
        assert_eq!(budget.charge(start + MINUTE, 1), Verdict::Allowed { used: 1 });
        let much_later = start + MINUTE * 100 + Duration::from_secs(30);
        assert_eq!(budget.charge(much_later, 1), Verdict::Allowed { used: 1 });
        assert_eq!(budget.charge(much_later, 1), Verdict::TooMany { used: 1, retry_after: 30 });
    }

    #[test]
    fn going_on_after_refusals_is_answered_with_longer_and_longer_bans() {
        let start = Instant::now();
        let mut budget = Budget::new(1, MINUTE, start);
        budget.charge(start, 1);
        for _ in 0..PATIENCE {
            assert!(matches!(budget.charge(start, 1), Verdict::TooMany { .. }));
        }
        assert_eq!(budget.charge(start, 1), Verdict::Banned { used: 1, retry_after: 120 });
        let second_try = start + Duration::from_secs(90);
        assert_eq!(budget.charge(second_try, 1), Verdict::Banned { used: 1, retry_after: 30 });
        let free = start + Duration::from_secs(120);
        assert_eq!(budget.charge(free, 1), Verdict::Allowed { used: 1 });
        for _ in 0..PATIENCE {
            budget.charge(free, 1);
        }
        assert_eq!(budget.charge(free, 1), Verdict::Banned { used: 1, retry_after: 240 });
    }

    #[test]
    fn a_request_heavier_than_the_budget_never_passes() {
        let start = Instant::now();
        let mut budget = Budget::new(5, MINUTE, start);
        assert!(matches!(budget.charge(start, 10), Verdict::TooMany { used: 0, .. }));
    }
}
