//! Time stamps for spans: the CPU's counter where it can be trusted, the operating system's clock elsewhere.
//!
//! A span reads [`now`] twice, so the read must be cheap; what the ticks mean in Unix time is worked out later, by the
//! collector, with an [`Anchor`] taken at each export.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const UNDECIDED: u8 = 0;
const COUNTER: u8 = 1;
const SYSTEM: u8 = 2;

static SOURCE: AtomicU8 = AtomicU8::new(UNDECIDED);

/// The current time in ticks. Only differences mean something, and only through an [`Anchor`].
#[inline(always)]
pub(crate) fn now() -> u64 {
    if SOURCE.load(Relaxed) == COUNTER { counter() } else { system() }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn counter() -> u64 {
    // SAFETY: every x86-64 CPU has the instruction, and it reads no memory.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn counter() -> u64 {
    system()
}

#[cold]
fn system() -> u64 {
    match SOURCE.load(Relaxed) {
        UNDECIDED => {
            SOURCE.store(if counter_is_trustworthy() { COUNTER } else { SYSTEM }, Relaxed);
            now()
        }
        _ => base().elapsed().as_nanos() as u64,
    }
}

/// The moment after this duration; a moment too far away to be named becomes one that nobody lives to see.
pub(crate) fn instant_after(duration: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    Instant::now() + duration.min(FAR)
}

fn base() -> Instant {
    static BASE: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *BASE.get_or_init(Instant::now)
}

/// The counter ticks at one rate on every core and in every power state, and the kernel itself relies on it.
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
fn counter_is_trustworthy() -> bool {
    let highest = core::arch::x86_64::__cpuid(0x8000_0000).eax;
    let invariant = highest >= 0x8000_0007 && core::arch::x86_64::__cpuid(0x8000_0007).edx & (1 << 8) != 0;
    let clock_source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    invariant && std::fs::read_to_string(clock_source).is_ok_and(|source| source.trim() == "tsc")
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(miri))))]
fn counter_is_trustworthy() -> bool {
    false
}

/// One moment in ticks and on both clocks of the operating system.
#[derive(Clone, Copy, Debug)]
struct Moment {
    ticks: u64,
    monotonic: Instant,
    unix: Duration,
}

impl Moment {
    /// Of five readings the one that was interrupted least.
    fn take() -> Self {
        (0..5)
            .map(|_| {
                let before = now();
                let monotonic = Instant::now();
                let unix = unix_now();
                let after = now();
                let moment = Moment { ticks: before + (after - before) / 2, monotonic, unix };
                (after - before, moment)
            })
            .min_by_key(|(width, _)| *width)
            .map(|(_, moment)| moment)
            .unwrap_or(Moment { ticks: now(), monotonic: Instant::now(), unix: unix_now() })
    }
}

fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Measures the length of a tick, ever more exactly the longer it lives.
#[derive(Debug)]
pub(crate) struct Clock {
    first: Moment,
}

impl Clock {
    /// Starts measuring.
    pub(crate) fn start() -> Self {
        Self { first: Moment::take() }
    }

    /// The relation between ticks and Unix time at this moment.
    ///
    /// Waits until the clock has run for 5 ms, because a shorter stretch measures the tick too coarsely. Called on the
    /// collector thread only.
    pub(crate) fn anchor(&self) -> Anchor {
        const SHORTEST: Duration = Duration::from_millis(5);
        if let Some(missing) = SHORTEST.checked_sub(self.first.monotonic.elapsed()) {
            std::thread::sleep(missing);
        }
        let last = Moment::take();
        let nanos = (last.monotonic - self.first.monotonic).as_nanos() as f64;
        let ticks = last.ticks.saturating_sub(self.first.ticks).max(1) as f64;
        Anchor { ticks: last.ticks, unix_nanos: last.unix.as_nanos() as i128, nanos_per_tick: nanos / ticks }
    }
}

/// Turns ticks into Unix time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    ticks: u64,
    unix_nanos: i128,
    nanos_per_tick: f64,
}

impl Anchor {
    /// Nanoseconds since 1970-01-01 UTC.
    #[inline]
    pub(crate) fn unix_nanos(&self, ticks: u64) -> u64 {
        let distance = ticks.wrapping_sub(self.ticks) as i64 as f64 * self.nanos_per_tick;
        (self.unix_nanos + distance as i128).clamp(0, u64::MAX as i128) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_maps_now_to_the_wall_clock() {
        let clock = Clock::start();
        let anchor = clock.anchor();
        let (ticks, wall) = (now(), unix_now().as_nanos() as i128);
        let ours = anchor.unix_nanos(ticks) as i128;
        assert!((ours - wall).abs() < 50_000_000, "ours {ours}, wall {wall}");
    }

    #[test]
    fn ticks_before_the_anchor_lie_in_the_past() {
        let clock = Clock::start();
        let earlier = now();
        let anchor = clock.anchor();
        assert!(anchor.unix_nanos(earlier) < anchor.unix_nanos(now()));
    }

    #[test]
    fn ticks_far_before_the_epoch_do_not_wrap() {
        let anchor = Anchor { ticks: 10, unix_nanos: 5, nanos_per_tick: 1.0 };
        assert_eq!(anchor.unix_nanos(0), 0);
    }
}
