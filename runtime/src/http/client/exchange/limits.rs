//! How much of what hosts allow is used, for the whole process.

use super::headers::Reading;
use crate::record;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many hosts are kept; of others nothing is.
const HOSTS: usize = 256;

/// How many of them may belong to no exchange, unless somebody sets their limit: whoever fetches what strangers link to must not
/// lose sight of exchanges.
const OTHERS: usize = 192;

/// How many there are that belong to none.
static KNOWN_OTHERS: AtomicUsize = AtomicUsize::new(0);

/// A value that was never told.
const UNKNOWN: u64 = u64::MAX;

/// What Binance allows in a minute, which its answers do not say.
const KNOWN: [(&str, u64); 9] = [
    ("api.binance.com", 6000),
    ("api1.binance.com", 6000),
    ("api2.binance.com", 6000),
    ("api3.binance.com", 6000),
    ("api4.binance.com", 6000),
    ("data-api.binance.vision", 6000),
    ("fapi.binance.com", 2400),
    ("dapi.binance.com", 2400),
    ("api.binance.us", 1200),
];

struct Host {
    name: Box<str>,
    /// Perhaps told later than the name.
    exchange: OnceLock<Box<str>>,
    used: AtomicU64,
    limit: AtomicU64,
    /// What was said by [`RateLimits::set_limit`], or is known.
    set_limit: AtomicU64,
    window: AtomicU64,
    // Milliseconds of Unix time.
    resets_at: AtomicU64,
    blocked_until: AtomicU64,
    updated: AtomicU64,
}

/// Hosts are added and never taken away, so that nobody waits for a lock to read: not a sampler, and not the child of a fork.
static TABLE: LazyLock<Box<[OnceLock<Host>]>> = LazyLock::new(|| (0..HOSTS).map(|_| OnceLock::new()).collect());

static HASH: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Host {
    fn new(name: &str, exchange: Option<&str>) -> Self {
        let known = KNOWN.iter().find(|(host, _)| host.eq_ignore_ascii_case(name)).map_or(UNKNOWN, |(_, limit)| *limit);
        let unknown = || AtomicU64::new(UNKNOWN);
        Self {
            name: name.to_ascii_lowercase().into(),
            exchange: exchange.map(|name| OnceLock::from(Box::from(name))).unwrap_or_default(),
            used: unknown(),
            limit: unknown(),
            set_limit: AtomicU64::new(known),
            window: unknown(),
            resets_at: unknown(),
            blocked_until: unknown(),
            updated: unknown(),
        }
    }

    fn find(name: &str) -> Option<&'static Self> {
        let name = without_dot(name);
        // Places are taken in the order in which they are looked at, so behind an empty one there is nothing.
        places(name).map_while(OnceLock::get).find(|host| host.name.eq_ignore_ascii_case(name))
    }

    /// The place of a host; `None` if there are too many.
    fn find_or_add(name: &str, exchange: Option<&str>, is_wanted: bool) -> Option<&'static Self> {
        let name = without_dot(name);
        if let Some(host) = Self::find(name) {
            return Some(host);
        }
        let counts = !is_wanted && exchange.is_none();
        if counts && KNOWN_OTHERS.fetch_update(Relaxed, Relaxed, |known| (known < OTHERS).then_some(known + 1)).is_err()
        {
            return None;
        }
        // It is made before its place is taken, so that nobody, and no child of a fork, waits for more than that.
        let mut new = Some(Self::new(name, exchange));
        let place = places(name).find_map(|place| {
            if place.get().is_none()
                && let Some(host) = new.take()
            {
                new = place.set(host).err();
            }
            place.get().filter(|host| host.name.eq_ignore_ascii_case(name))
        });
        // Somebody else has added it meanwhile, or there was no place.
        if counts && new.is_some() {
            KNOWN_OTHERS.fetch_sub(1, Relaxed);
        }
        place
    }

    fn read(&self) -> Option<RateLimit> {
        let number = |of: &AtomicU64| Some(of.load(Relaxed)).filter(|value| *value != UNKNOWN);
        let moment = |of: &AtomicU64| number(of).and_then(|at| UNIX_EPOCH.checked_add(Duration::from_millis(at)));
        Some(RateLimit {
            updated_at: moment(&self.updated)?,
            used: number(&self.used),
            limit: number(&self.limit).or_else(|| number(&self.set_limit)),
            window: number(&self.window).map(Duration::from_millis),
            resets_at: moment(&self.resets_at),
            blocked_until: moment(&self.blocked_until),
        })
    }
}

/// A name with a dot at its end is the same name.
fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Every place once, beginning with the one of the name.
fn places(name: &str) -> impl Iterator<Item = &'static OnceLock<Host>> {
    let mut hash = HASH.build_hasher();
    name.bytes().for_each(|byte| hash.write_u8(byte.to_ascii_lowercase()));
    let first = usize::try_from(hash.finish() % HOSTS as u64).unwrap_or_default();
    let table = &**TABLE;
    table[first..].iter().chain(&table[..first])
}

/// How much of what a host allows is used, as its last answer said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    used: Option<u64>,
    limit: Option<u64>,
    window: Option<Duration>,
    resets_at: Option<SystemTime>,
    blocked_until: Option<SystemTime>,
    updated_at: SystemTime,
}

impl RateLimit {
    /// Weight, or requests, used in the window. Where the window has ended since, nothing is used.
    pub fn used(&self) -> Option<u64> {
        self.used.map(|used| if self.is_over(SystemTime::now()) { 0 } else { used })
    }

    /// Weight, or requests, allowed in the window, as the host says or [`RateLimits::set_limit`] did; for Binance's hosts a
    /// figure of 2026 unless that was called, since the answers do not tell it.
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// How long a window is.
    pub fn window(&self) -> Option<Duration> {
        self.window
    }

    /// When the window ends.
    pub fn resets_at(&self) -> Option<SystemTime> {
        self.resets_at
    }

    /// Until when the host wants no requests, if it said so.
    pub fn blocked_until(&self) -> Option<SystemTime> {
        self.blocked_until
    }

    /// When the host said so.
    pub fn updated_at(&self) -> SystemTime {
        self.updated_at
    }

    /// How much is used, from `0.0` to `1.0`, or more if the host lets more pass; `None` if used or limit are not known.
    pub fn share_used(&self) -> Option<f64> {
        let (used, limit) = self.used().zip(self.limit)?;
        (limit > 0).then(|| used as f64 / limit as f64)
    }

    /// Whether the host wants no requests now: it answered 418 or 429, and the time that it named has not passed.
    pub fn is_blocked(&self) -> bool {
        self.blocked_until.is_some_and(|until| until > SystemTime::now())
    }

    /// When the window ends, as far as that is known.
    fn end(&self) -> Option<SystemTime> {
        self.resets_at.or_else(|| self.updated_at.checked_add(self.window?))
    }

    fn is_over(&self, now: SystemTime) -> bool {
        self.end().is_some_and(|end| end <= now)
    }
}

/// How much of what hosts allow is used: what the answers of hosts said that a [`ClientLayer`](crate::http::ClientLayer) or
/// the middleware for reqwest has seen, sampled or not. One table for the process.
///
/// An [adaptive](crate::config::Adaptive) sampler records fewer calls of an exchange of which most is used.
///
/// It keeps 256 hosts, of which 192 may belong to no exchange, and nothing of those that come later. Nobody waits for a lock to
/// read it.
///
/// ```
/// use otelier::http::RateLimits;
///
/// if let Some(limit) = RateLimits::of("binance") {
///     if limit.is_blocked() || limit.share_used().is_some_and(|share| share > 0.9) {
///         // Wait.
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RateLimits;

impl RateLimits {
    /// That of a host (`fapi.binance.com`), or of an exchange (`binance`): of several hosts of one exchange the one that is
    /// blocked, or of which the most is used. `None` if none of its answers said anything.
    pub fn of(name: &str) -> Option<RateLimit> {
        Host::find(name).and_then(Host::read).or_else(|| Self::of_exchange(name))
    }

    fn of_exchange(name: &str) -> Option<RateLimit> {
        let hosts = TABLE.iter().filter_map(OnceLock::get);
        let of_it =
            hosts.filter(|host| host.exchange.get().is_some_and(|exchange| **exchange == *name)).filter_map(Host::read);
        let rank = |limit: &RateLimit| (limit.is_blocked(), limit.share_used().unwrap_or(-1.0));
        of_it.max_by(|a, b| rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal))
    }

    /// Those of all hosts that said something.
    ///
    /// ```
    /// for (host, limit) in otelier::http::RateLimits::all() {
    ///     println!("{host}: {:?}", limit.share_used());
    /// }
    /// ```
    pub fn all() -> Vec<(&'static str, RateLimit)> {
        TABLE.iter().filter_map(OnceLock::get).filter_map(|host| Some((&*host.name, host.read()?))).collect()
    }

    /// Says what a host allows in a window, for hosts whose answers do not. Default: what is known of Binance's, and nothing
    /// for others. It does nothing where 256 hosts are known already; the result says whether it did.
    ///
    /// ```
    /// otelier::http::RateLimits::set_limit("api.binance.example", 1200);
    /// ```
    pub fn set_limit(host: &str, limit: u64) -> bool {
        let known = Host::find_or_add(host, super::of_host(host), true);
        known.is_some_and(|host| {
            host.set_limit.store(limit, Relaxed);
            true
        })
    }

    /// Tells samplers how much of what an exchange allows is used: all of it where it wants no requests.
    fn publish(exchange: &str) {
        let Some(limit) = Self::of_exchange(exchange) else { return };
        let (share, until) = match limit.is_blocked() {
            true => (1.0, limit.blocked_until),
            false => (limit.share_used().unwrap_or_default(), limit.end()),
        };
        record::note_budget(exchange, share, until);
    }

    /// Keeps what an answer said, and gives what is allowed as far as it is known.
    pub(in crate::http) fn note(host: &str, exchange: Option<&str>, reading: &Reading, now: SystemTime) -> Option<u64> {
        let host = Host::find_or_add(host, exchange, false)?;
        if let Some(exchange) = exchange {
            host.exchange.get_or_init(|| exchange.into());
        }
        let millis = |at: SystemTime| {
            let since = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            u64::try_from(since).unwrap_or(UNKNOWN - 1)
        };
        let put = |to: &AtomicU64, value: Option<u64>| {
            if let Some(value) = value {
                to.store(value, Relaxed);
            }
        };
        put(&host.limit, reading.limit);
        put(&host.window, reading.window.and_then(|window| u64::try_from(window.as_millis()).ok()));
        if reading.used.is_some() {
            put(&host.used, reading.used);
            // An end of an earlier window is none of this one.
            host.resets_at.store(reading.resets_at.map_or(UNKNOWN, millis), Relaxed);
        } else {
            put(&host.resets_at, reading.resets_at.map(millis));
        }
        put(&host.blocked_until, reading.blocked_until.map(millis));
        host.updated.store(millis(now), Relaxed);
        if let Some(exchange) = host.exchange.get() {
            Self::publish(exchange);
        }
        reading.limit.or_else(|| Some(host.set_limit.load(Relaxed)).filter(|limit| *limit != UNKNOWN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

    #[test]
    fn what_a_window_that_has_ended_held_is_not_used() {
        let now = SystemTime::now();
        let reading = Reading { used: Some(3000), window: MINUTE, ..Reading::default() };
        assert_eq!(RateLimits::note("api.binance.com", Some("window"), &reading, now), Some(6000));
        let limit = RateLimits::of("API.binance.com").expect("it was told");
        assert_eq!((limit.used(), limit.share_used(), limit.is_blocked()), (Some(3000), Some(0.5), false));
        RateLimits::note("api.binance.com", Some("window"), &reading, now - Duration::from_secs(61));
        assert_eq!(RateLimits::of("window").expect("by its exchange").share_used(), Some(0.0));
    }

    #[test]
    fn of_an_exchange_the_host_that_is_blocked_counts() {
        let now = SystemTime::now();
        let full = Reading { used: Some(99), limit: Some(100), window: MINUTE, ..Reading::default() };
        RateLimits::note("a.ex.example", Some("ex"), &full, now);
        assert_eq!(RateLimits::of("ex").and_then(|limit| limit.share_used()), Some(0.99));
        let until = now + Duration::from_secs(100);
        let blocked = Reading { blocked_until: Some(until), ..Reading::default() };
        RateLimits::note("b.ex.example", Some("ex"), &blocked, now);
        let limit = RateLimits::of("ex").expect("it was told");
        assert!(limit.is_blocked() && limit.share_used().is_none());
        RateLimits::note("b.ex.example", Some("ex"), &Reading { blocked_until: Some(now), ..blocked }, now);
        assert_eq!(RateLimits::of("ex").and_then(|limit| limit.limit()), Some(100));
        assert_eq!(RateLimits::of("nobody"), None);
    }

    #[test]
    fn samplers_know_of_an_exchange_what_its_busiest_host_said_until_the_window_ends() {
        let now = SystemTime::now();
        let reading = |used| Reading { used: Some(used), limit: Some(100), window: MINUTE, ..Reading::default() };
        RateLimits::note("a.budget.example", Some("budget"), &reading(80), now);
        RateLimits::note("b.budget.example", Some("budget"), &reading(10), now);
        assert_eq!(record::budget_used("budget"), 0.8);
        RateLimits::note("a.budget.example", Some("budget"), &reading(80), now - Duration::from_secs(61));
        assert_eq!(record::budget_used("budget"), 0.1);
        let until = Some(now + Duration::from_secs(100));
        let blocked = Reading { blocked_until: until, ..Reading::default() };
        RateLimits::note("b.budget.example", Some("budget"), &blocked, now);
        assert_eq!(record::budget_used("budget"), 1.0);
        RateLimits::note("c.budget.example", None, &reading(100), now);
        assert_eq!(record::budget_used("c.budget.example"), 0.0, "a host of no exchange has no budget here");
    }

    #[test]
    fn a_limit_may_be_told_by_hand_and_says_nothing_alone() {
        assert!(RateLimits::set_limit("told.example", 40));
        assert_eq!(RateLimits::of("told.example"), None);
        let reading = Reading { used: Some(10), ..Reading::default() };
        RateLimits::note("TOLD.example", None, &reading, SystemTime::now());
        assert_eq!(RateLimits::of("told.example").and_then(|limit| limit.share_used()), Some(0.25));
    }
}
