//! One message of a kind in an interval.

use std::time::{Duration, Instant};

/// How long an event is not said again of the same subject.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// More subjects than this are not told apart; a pipeline has a handful.
const MOST: usize = 128;

#[derive(Debug)]
struct Seen {
    event: &'static str,
    subject: String,
    said: Instant,
    suppressed: u64,
}

/// What was said when.
#[derive(Debug)]
pub(super) struct Limiter(Vec<Seen>);

impl Limiter {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// `Some` if it may be said now, with how often it was not since the last time.
    pub(super) fn admit(&mut self, event: &'static str, subject: &str, now: Instant) -> Option<u64> {
        let is_over = |said: Instant| now.saturating_duration_since(said) >= INTERVAL;
        if let Some(seen) = self.0.iter_mut().find(|seen| seen.event == event && seen.subject == subject) {
            if !is_over(seen.said) {
                seen.suppressed += 1;
                return None;
            }
            seen.said = now;
            return Some(std::mem::take(&mut seen.suppressed));
        }
        if self.0.len() >= MOST {
            self.0.retain(|seen| !is_over(seen.said));
        }
        if self.0.len() >= MOST {
            // All of them are fresh: to say no more is better than to grow, or to flood.
            return None;
        }
        self.0.push(Seen { event, subject: subject.to_owned(), said: now, suppressed: 0 });
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{INTERVAL, Limiter, MOST};
    use std::time::{Duration, Instant};

    #[test]
    fn an_event_is_said_once_in_an_interval_of_each_subject() {
        let mut limiter = Limiter::new();
        let begin = Instant::now();
        assert_eq!(limiter.admit("A", "one", begin), Some(0));
        assert_eq!(limiter.admit("A", "one", begin + INTERVAL / 2), None);
        assert_eq!(limiter.admit("A", "two", begin), Some(0));
        assert_eq!(limiter.admit("B", "one", begin), Some(0));
        assert_eq!(limiter.admit("A", "one", begin + INTERVAL - Duration::from_nanos(1)), None);
        assert_eq!(limiter.admit("A", "one", begin + INTERVAL), Some(2));
        assert_eq!(limiter.admit("A", "one", begin + INTERVAL), None);
        assert_eq!(limiter.admit("A", "one", begin + 2 * INTERVAL), Some(1));
    }

    #[test]
    fn the_memory_of_what_was_said_is_bounded() {
        let mut limiter = Limiter::new();
        let begin = Instant::now();
        for number in 0..10 * MOST {
            limiter.admit("A", &number.to_string(), begin);
        }
        assert_eq!(limiter.0.len(), MOST);
        assert_eq!(limiter.admit("B", "", begin), None);
        assert_eq!(limiter.admit("B", "", begin + INTERVAL), Some(0));
    }
}
