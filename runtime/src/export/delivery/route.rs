//! The receivers of one exporter, and which of them is to get what comes next.

use super::breaker::{Admission, Breaker, Change, State};
use crate::config::CircuitBreaker;
use crate::diagnostics::{self, LogLevel};
use crate::export::{Again, Refused};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// One receiver, or several of which the first that works gets each batch.
#[derive(Debug)]
pub(crate) struct Route {
    members: Box<[Member]>,
    /// The one that took something last; the number of members if none has.
    current: AtomicUsize,
    switches: AtomicU64,
    /// Told when an attempt is over: there may be room for another.
    changed: Notify,
    /// When somebody was last let look before the time.
    hurried: Mutex<Option<Instant>>,
}

/// How often receivers that are left alone are looked at because somebody flushes.
const HURRY_EVERY: Duration = Duration::from_secs(1);

/// One receiver.
#[derive(Debug)]
struct Member {
    name: String,
    breaker: Mutex<Breaker>,
    exported: AtomicU64,
    attempts: AtomicU64,
    failed_attempts: AtomicU64,
}

/// What is known of one receiver of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberNumbers {
    pub(crate) name: String,
    pub(crate) state: BreakerState,
    /// Spans, log records or data points that it took.
    pub(crate) exported: u64,
    pub(crate) attempts: u64,
    pub(crate) failed_attempts: u64,
    pub(crate) is_current: bool,
}

/// What a circuit breaker lets through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakerState {
    /// Everything is sent.
    #[default]
    Closed,
    /// Nothing is sent.
    Open,
    /// Single batches are sent, to see whether the receiver works again.
    HalfOpen,
}

impl BreakerState {
    /// `closed`, `open` or `half_open`.
    pub fn as_str(self) -> &'static str {
        ["closed", "open", "half_open"][self as usize]
    }
}

/// Whom to send to.
#[derive(Debug)]
pub(super) enum Pick<'a> {
    To(Permit<'a>),
    /// Nobody before then, or before something changes.
    Nobody(Option<Instant>),
}

/// One attempt at one receiver. Dropped without a report, it counts neither way.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    route: &'a Route,
    pub(super) number: usize,
    is_reported: bool,
}

impl Route {
    pub(crate) fn new(names: impl IntoIterator<Item = String>, breaker: &CircuitBreaker) -> Self {
        let member = |name| Member {
            name,
            breaker: Mutex::new(Breaker::new(breaker)),
            exported: AtomicU64::new(0),
            attempts: AtomicU64::new(0),
            failed_attempts: AtomicU64::new(0),
        };
        let members: Box<[Member]> = names.into_iter().map(member).collect();
        let current = AtomicUsize::new(members.len());
        Self { members, current, switches: AtomicU64::new(0), changed: Notify::new(), hurried: Mutex::default() }
    }

    /// The first receiver that may be sent something and was not tried yet.
    pub(super) fn pick(&self, tried: &[usize]) -> Pick<'_> {
        let now = Instant::now();
        let mut soonest = None::<Instant>;
        for (number, member) in self.members.iter().enumerate().filter(|(number, _)| !tried.contains(number)) {
            match member.breaker().admit(now) {
                Admission::Yes => return Pick::To(self.permit(number)),
                Admission::No(Some(until)) => soonest = Some(soonest.map_or(until, |soonest| soonest.min(until))),
                Admission::No(None) => {}
            }
        }
        Pick::Nobody(soonest)
    }

    /// The first receiver that was not tried yet, whatever the breakers say: for a last attempt.
    pub(super) fn insist(&self, tried: &[usize]) -> Option<Permit<'_>> {
        (0..self.members.len()).find(|number| !tried.contains(number)).map(|number| self.permit(number))
    }

    fn permit(&self, number: usize) -> Permit<'_> {
        self.members[number].attempts.fetch_add(1, Relaxed);
        Permit { route: self, number, is_reported: false }
    }

    /// Lets somebody look at once whether receivers work again that are left alone. Not more than once a second: a program
    /// that flushes all the time must not press a receiver that asked for a pause.
    pub(super) fn hurry(&self) {
        self.hurry_at(Instant::now());
    }

    fn hurry_at(&self, now: Instant) {
        {
            let mut hurried = self.hurried.lock().unwrap_or_else(PoisonError::into_inner);
            if hurried.is_some_and(|hurried| now.saturating_duration_since(hurried) < HURRY_EVERY) {
                return;
            }
            *hurried = Some(now);
        }
        self.members.iter().for_each(|member| member.breaker().hurry(now));
        self.changed.notify_waiters();
    }

    /// Waits until an attempt is over.
    pub(super) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    /// How often another receiver took over.
    pub(crate) fn switches(&self) -> u64 {
        self.switches.load(Relaxed)
    }

    pub(crate) fn numbers(&self) -> Vec<MemberNumbers> {
        let current = self.current.load(Relaxed);
        let numbers = |(number, member): (usize, &Member)| MemberNumbers {
            name: member.name.clone(),
            state: match member.breaker().state() {
                State::Closed { .. } => BreakerState::Closed,
                State::Open { .. } => BreakerState::Open,
                State::HalfOpen { .. } => BreakerState::HalfOpen,
            },
            exported: member.exported.load(Relaxed),
            attempts: member.attempts.load(Relaxed),
            failed_attempts: member.failed_attempts.load(Relaxed),
            is_current: number == current,
        };
        self.members.iter().enumerate().map(numbers).collect()
    }

    fn took(&self, number: usize) {
        let before = self.current.swap(number, Relaxed);
        if before == number || before == self.members.len() {
            return;
        }
        self.switches.fetch_add(1, Relaxed);
        let (from, to) = (&self.members[before].name, &self.members[number].name);
        diagnostics::say(LogLevel::Warn, "Exporter.Failover.Switched", to, || format!("{to} takes over from {from}"));
    }
}

impl Member {
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    fn member(&self) -> &Member {
        &self.route.members[self.number]
    }

    /// The receiver took so many.
    pub(super) fn took(mut self, items: u64) {
        self.member().exported.fetch_add(items, Relaxed);
        self.answered();
        self.route.took(self.number);
    }

    /// The receiver works, but does not want this.
    pub(super) fn refused(mut self) {
        self.member().failed_attempts.fetch_add(1, Relaxed);
        self.answered();
    }

    fn answered(&mut self) {
        self.is_reported = true;
        let change = self.member().breaker().succeeded();
        self.tell(change, None);
    }

    /// The receiver could not take it now.
    pub(super) fn failed(mut self, why: &Refused) {
        self.is_reported = true;
        let member = self.member();
        member.failed_attempts.fetch_add(1, Relaxed);
        let again = if why.again == Again::Never { Again::Later } else { why.again };
        let change = member.breaker().failed(Instant::now(), again);
        self.tell(change, Some(why));
    }

    fn tell(&self, change: Option<Change>, why: Option<&Refused>) {
        let name = &self.member().name;
        match change {
            Some(Change::Opened { open_for }) => {
                let why = why.map_or("", |why| &why.text);
                diagnostics::say(LogLevel::Warn, "Exporter.Breaker.Opened", name, || {
                    format!("{name}: nothing is sent for {open_for:?}, because it keeps failing: {why}")
                });
            }
            Some(Change::Closed) => {
                diagnostics::say(LogLevel::Info, "Exporter.Breaker.Closed", name, || format!("{name}: it works again"));
            }
            None => {}
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.is_reported {
            self.member().breaker().release();
        }
        self.route.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(failures: u32) -> Route {
        let breaker = CircuitBreaker::default().with_failures(failures).with_open_for(Duration::from_secs(100));
        Route::new(["primary".to_owned(), "secondary".to_owned()], &breaker)
    }

    fn refusal() -> Refused {
        Refused { text: "no".to_owned(), error_type: "503".to_owned(), again: Again::Later, is_answer: true }
    }

    fn pick(route: &Route) -> Permit<'_> {
        match route.pick(&[]) {
            Pick::To(permit) => permit,
            Pick::Nobody(until) => panic!("nobody until {until:?}"),
        }
    }

    #[test]
    fn the_primary_gets_everything_as_long_as_it_works() {
        let route = route(1);
        (0..3).for_each(|_| pick(&route).took(10));
        let exported: Vec<_> = route.numbers().iter().map(|member| member.exported).collect();
        assert_eq!((exported, route.switches()), (vec![30, 0], 0));
    }

    #[test]
    fn a_primary_that_fails_hands_over_and_gets_single_batches_until_it_works_again() {
        let route = route(1);
        pick(&route).failed(&refusal());
        pick(&route).took(1);
        assert_eq!(route.numbers()[0].state, BreakerState::Open);
        assert!(route.numbers()[1].is_current);
        route.hurry();
        // The one that looks, and those beside it.
        let looks = pick(&route);
        assert_eq!(looks.number, 0);
        let beside = pick(&route);
        assert_eq!(beside.number, 1);
        beside.took(1);
        looks.took(1);
        let second = pick(&route);
        assert_eq!((second.number, route.numbers()[0].state), (0, BreakerState::HalfOpen));
        second.took(1);
        assert_eq!(route.numbers()[0].state, BreakerState::Closed);
        assert!(route.numbers()[0].is_current);
    }

    #[test]
    fn who_flushes_all_the_time_does_not_press_a_receiver_that_asked_for_a_pause() {
        let (route, begin) = (route(1), Instant::now());
        let asked = Refused { again: Again::After(Duration::from_secs(1000)), ..refusal() };
        let mut attempts = 0;
        for flush in 0..300 {
            route.hurry_at(begin + flush * Duration::from_millis(10));
            while let Pick::To(permit) = route.pick(&[1]) {
                attempts += 1;
                permit.failed(&asked);
            }
        }
        assert_eq!(attempts, 3);
    }

    #[test]
    fn with_every_receiver_left_alone_there_is_nobody_but_for_a_last_attempt() {
        let route = route(1);
        pick(&route).failed(&refusal());
        pick(&route).failed(&refusal());
        assert!(matches!(route.pick(&[]), Pick::Nobody(Some(_))));
        let last = [route.insist(&[]), route.insist(&[0]), route.insist(&[0, 1])];
        assert_eq!(last.map(|permit| permit.map(|permit| permit.number)), [Some(0), Some(1), None]);
    }

    #[test]
    fn an_attempt_that_is_dropped_lets_the_next_one_look() {
        let route = route(1);
        pick(&route).failed(&refusal());
        route.hurry();
        drop(pick(&route));
        assert_eq!(pick(&route).number, 0);
    }

    #[test]
    fn who_refuses_a_batch_for_good_works() {
        let route = route(1);
        (0..5).for_each(|_| pick(&route).refused());
        assert_eq!(route.numbers()[0].state, BreakerState::Closed);
        assert_eq!(route.numbers()[0].failed_attempts, 5);
    }
}
