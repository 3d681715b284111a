//! A circuit breaker: leaves a receiver alone that fails, and looks now and then whether it works again.

use crate::config::CircuitBreaker;
use crate::export::Again;
use std::time::{Duration, Instant};

/// The longest time open, in times of the first.
const LONGEST: u32 = 10;
/// What a receiver may ask for at most: longer pauses would be the end, not a pause.
const LONGEST_THROTTLE: Duration = Duration::from_secs(60 * 60);

/// What a breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Everything. So many attempts in a row have failed.
    Closed { failures: u32 },
    /// Nothing until then. Opened so many times since it was closed.
    Open { until: Instant, times: u32 },
    /// One attempt at a time. So many have succeeded.
    HalfOpen { times: u32, successes: u32, is_probing: bool },
}

/// What a report made of the breaker, worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Opened { open_for: Duration },
    Closed,
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Yes,
    /// Not before then, or, if nobody knows when, before something changes.
    No(Option<Instant>),
}

#[derive(Debug)]
pub(super) struct Breaker {
    settings: CircuitBreaker,
    state: State,
    /// The receiver has asked not to be sent anything until then.
    throttled: Option<Instant>,
    /// The attempt that looks was asked for before its time.
    is_hurried: bool,
}

impl Breaker {
    pub(super) fn new(settings: &CircuitBreaker) -> Self {
        Self { settings: settings.clone(), state: State::Closed { failures: 0 }, throttled: None, is_hurried: false }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Asks for an attempt. Who may make it has to report what came of it, or [`release`](Self::release) it.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        if let Some(until) = self.throttled {
            if now < until {
                return Admission::No(Some(until));
            }
            self.throttled = None;
        }
        match self.state {
            State::Closed { .. } => Admission::Yes,
            State::Open { until, .. } if now < until => Admission::No(Some(until)),
            State::Open { times, .. } => {
                self.state = State::HalfOpen { times, successes: 0, is_probing: true };
                Admission::Yes
            }
            State::HalfOpen { is_probing: true, .. } => Admission::No(None),
            State::HalfOpen { times, successes, .. } => {
                self.state = State::HalfOpen { times, successes, is_probing: true };
                Admission::Yes
            }
        }
    }

    /// The receiver has answered, and not that it cannot take anything.
    pub(super) fn succeeded(&mut self) -> Option<Change> {
        match self.state {
            State::Closed { .. } => self.state = State::Closed { failures: 0 },
            // Of an attempt from before it opened.
            State::Open { .. } => {}
            State::HalfOpen { times, successes, .. } => {
                let successes = successes + 1;
                self.is_hurried = false;
                if successes >= self.settings.successes {
                    self.state = State::Closed { failures: 0 };
                    return Some(Change::Closed);
                }
                self.state = State::HalfOpen { times, successes, is_probing: false };
            }
        }
        None
    }

    /// The attempt has failed, and another may help.
    pub(super) fn failed(&mut self, now: Instant, again: Again) -> Option<Change> {
        if let Again::After(pause) = again {
            // It is there, and says itself when it will take something.
            let until = now + pause.min(LONGEST_THROTTLE);
            self.throttled = self.throttled.max(Some(until));
            self.release();
            return None;
        }
        let is_hurried = std::mem::take(&mut self.is_hurried);
        let mut is_new = false;
        let times = match self.state {
            State::Closed { failures } => {
                let failures = failures.saturating_add(1);
                self.state = State::Closed { failures };
                if self.settings.failures == 0 || failures < self.settings.failures {
                    return None;
                }
                is_new = true;
                1
            }
            State::Open { .. } => return None,
            // Who flushes often does not make it wait longer.
            State::HalfOpen { times, .. } if is_hurried => times,
            State::HalfOpen { times, .. } => times.saturating_add(1),
        };
        let factor = 1u32.checked_shl(times - 1).unwrap_or(LONGEST).min(LONGEST);
        let open_for = self.settings.open_for.saturating_mul(factor);
        self.state = State::Open { until: crate::clock::instant_after(open_for), times };
        is_new.then_some(Change::Opened { open_for })
    }

    /// The attempt ended without an answer to what it was to find out.
    pub(super) fn release(&mut self) {
        if let State::HalfOpen { times, successes, .. } = self.state {
            self.state = State::HalfOpen { times, successes, is_probing: false };
        }
    }

    /// Lets the next attempt through, whatever time it is.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.throttled = None;
        if let State::Open { times, until } = self.state {
            self.is_hurried |= until > now;
            self.state = State::Open { until: now, times };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(
            &CircuitBreaker::default().with_failures(3).with_open_for(Duration::from_secs(10)).with_successes(2),
        )
    }

    /// The end of the time it is open.
    fn until(breaker: &Breaker) -> Instant {
        match breaker.state() {
            State::Open { until, .. } => until,
            other => panic!("{other:?}"),
        }
    }

    fn open(breaker: &mut Breaker) -> Instant {
        let now = Instant::now();
        assert_eq!([(); 2].map(|()| breaker.failed(now, Again::Later)), [None, None]);
        assert_eq!(breaker.failed(now, Again::Later), Some(Change::Opened { open_for: Duration::from_secs(10) }));
        until(breaker)
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let (mut breaker, now) = (breaker(), Instant::now());
        for _ in 0..5 {
            breaker.failed(now, Again::Later);
            breaker.failed(now, Again::Later);
            breaker.succeeded();
        }
        assert_eq!(breaker.state(), State::Closed { failures: 0 });
        let until = open(&mut breaker);
        assert_eq!(breaker.admit(now), Admission::No(Some(until)));
    }

    #[test]
    fn half_open_one_attempt_at_a_time_is_made_and_two_that_succeed_close_it() {
        let mut breaker = breaker();
        let until = open(&mut breaker);
        assert_eq!(breaker.admit(until), Admission::Yes);
        assert_eq!(breaker.admit(until), Admission::No(None));
        assert_eq!(breaker.succeeded(), None);
        assert_eq!(breaker.admit(until), Admission::Yes);
        assert_eq!(breaker.succeeded(), Some(Change::Closed));
        assert_eq!([breaker.admit(until), breaker.admit(until)], [Admission::Yes; 2]);
    }

    #[test]
    fn an_attempt_that_fails_opens_it_for_twice_as_long_up_to_ten_times() {
        let mut breaker = breaker();
        open(&mut breaker);
        let mut lengths = Vec::new();
        for _ in 0..6 {
            assert_eq!(breaker.admit(until(&breaker)), Admission::Yes);
            assert_eq!(breaker.failed(Instant::now(), Again::Later), None, "it is told once");
            lengths.push(until(&breaker).duration_since(Instant::now()).as_secs_f64().round());
        }
        assert_eq!(lengths, [20.0, 40.0, 80.0, 100.0, 100.0, 100.0]);
    }

    #[test]
    fn an_attempt_that_came_to_nothing_makes_room_for_the_next() {
        let mut breaker = breaker();
        let until = open(&mut breaker);
        assert_eq!(breaker.admit(until), Admission::Yes);
        breaker.release();
        assert_eq!(breaker.admit(until), Admission::Yes);
    }

    #[test]
    fn a_pause_that_the_receiver_asks_for_is_kept_and_does_not_open_it() {
        let (mut breaker, now) = (breaker(), Instant::now());
        for _ in 0..10 {
            assert_eq!(breaker.failed(now, Again::After(Duration::from_secs(2))), None);
        }
        assert_eq!(breaker.admit(now), Admission::No(Some(now + Duration::from_secs(2))));
        assert_eq!(breaker.admit(now + Duration::from_secs(2)), Admission::Yes);
        breaker.failed(now, Again::After(Duration::MAX));
        assert_eq!(breaker.admit(now + LONGEST_THROTTLE), Admission::Yes);
    }

    #[test]
    fn one_that_is_to_hurry_admits_one_at_once() {
        let mut breaker = breaker();
        open(&mut breaker);
        let now = Instant::now();
        breaker.hurry(now);
        assert_eq!([breaker.admit(now), breaker.admit(now)], [Admission::Yes, Admission::No(None)]);
    }

    #[test]
    fn an_attempt_that_was_hurried_and_fails_makes_it_wait_no_longer() {
        let mut breaker = breaker();
        open(&mut breaker);
        for _ in 0..6 {
            breaker.hurry(Instant::now());
            assert_eq!(breaker.admit(Instant::now()), Admission::Yes);
            assert_eq!(breaker.failed(Instant::now(), Again::Later), None);
            assert_eq!(until(&breaker).duration_since(Instant::now()).as_secs_f64().round(), 10.0);
        }
        assert_eq!(breaker.admit(until(&breaker)), Admission::Yes);
        breaker.failed(Instant::now(), Again::Later);
        assert_eq!(until(&breaker).duration_since(Instant::now()).as_secs_f64().round(), 20.0);
    }

    #[test]
    fn a_clock_that_jumps_leaves_it_neither_stuck_nor_open_for_longer() {
        let (mut breaker, year) = (breaker(), Duration::from_secs(365 * 24 * 60 * 60));
        let until = open(&mut breaker);
        // Back: as open as before. On, as after a machine's sleep: it looks.
        let earlier = Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now);
        assert_eq!(breaker.admit(earlier), Admission::No(Some(until)));
        assert_eq!(breaker.admit(Instant::now() + year), Admission::Yes);
        breaker.failed(Instant::now() + year, Again::After(Duration::from_secs(1)));
        assert_eq!(breaker.admit(Instant::now() + 2 * year), Admission::Yes);
        breaker.succeeded();
        assert_eq!(breaker.admit(earlier), Admission::Yes);
        assert_eq!(breaker.succeeded(), Some(Change::Closed));
    }

    #[test]
    fn without_a_number_of_failures_it_never_opens() {
        let (mut breaker, now) = (Breaker::new(&CircuitBreaker::never()), Instant::now());
        (0..1000).for_each(|_| assert_eq!(breaker.failed(now, Again::Later), None));
        assert_eq!(breaker.admit(now), Admission::Yes);
    }
}
