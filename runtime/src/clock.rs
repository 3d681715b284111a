//! Time stamps for spans: the CPU's counter where it can be trusted, the operating system's clock elsewhere.
//!
//! A span reads [`now`] twice, so the read must be cheap; what the ticks mean in Unix time is worked out later, by the
//! collector, with an [`Anchor`] taken at each export.
//!
//! The counter is trusted if the CPU says that it ticks at one rate on every core and in every power state, and if the
//! kernel keeps its own time by it: `tsc` on x86-64, the generic timer on AArch64. Everywhere else a tick is a nanosecond of
//! [`Instant`].

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const UNDECIDED: u8 = 0;
const COUNTER: u8 = 1;
const SYSTEM: u8 = 2;

static SOURCE: AtomicU8 = AtomicU8::new(UNDECIDED);

/// The length of a tick in nanoseconds as far as it is known, as the bits of an `f64`; 0 before the first anchor.
static NANOS_PER_TICK: AtomicU64 = AtomicU64::new(0);

/// The current time in ticks. Only differences mean something, and only through an [`Anchor`].
#[inline(always)]
pub(crate) fn now() -> u64 {
    if SOURCE.load(Relaxed) == COUNTER { counter() } else { system() }
}

/// What [`now`] reads: `counter` or `system`.
pub(crate) fn source() -> &'static str {
    now();
    if SOURCE.load(Relaxed) == COUNTER { "counter" } else { "system" }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn counter() -> u64 {
    // SAFETY: every x86-64 CPU has the instruction, and it reads no memory.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline(always)]
fn counter() -> u64 {
    let ticks: u64;
    // SAFETY: the virtual counter can be read in user mode wherever Linux keeps time by it, and only there is it read.
    unsafe { core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack, preserves_flags)) };
    ticks
}

#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
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

/// What the kernel keeps its own time by.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
fn kernel_uses(source: &str) -> bool {
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    std::fs::read_to_string(path).is_ok_and(|current| current.trim() == source)
}

#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
fn counter_is_trustworthy() -> bool {
    // SAFETY: every x86-64 processor has the instruction. Newer compilers know that.
    #[allow(unused_unsafe)]
    let cpuid = |leaf| unsafe { core::arch::x86_64::__cpuid(leaf) };
    let highest = cpuid(0x8000_0000).eax;
    let invariant = highest >= 0x8000_0007 && cpuid(0x8000_0007).edx & (1 << 8) != 0;
    invariant && kernel_uses("tsc")
}

/// The architecture promises one rate for all cores and power states.
#[cfg(all(target_arch = "aarch64", target_os = "linux", not(miri)))]
fn counter_is_trustworthy() -> bool {
    kernel_uses("arch_sys_counter")
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
fn counter_is_trustworthy() -> bool {
    false
}

/// A duration in ticks, as well as it is known.
pub(crate) fn ticks_in(duration: Duration) -> u64 {
    (duration.as_nanos() as f64 / nanos_per_tick()) as u64
}

/// Ticks in seconds, as well as it is known.
pub(crate) fn seconds_in(ticks: u64) -> f64 {
    ticks as f64 * nanos_per_tick() / 1e9
}

/// Waits for the first measurement if there is none.
fn nanos_per_tick() -> f64 {
    let known = f64::from_bits(NANOS_PER_TICK.load(Relaxed));
    if known > 0.0 { known } else { Clock::start().anchor().nanos_per_tick }
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
                let width = after.saturating_sub(before);
                (width, Moment { ticks: before + width / 2, monotonic, unix })
            })
            .min_by_key(|(width, _)| *width)
            .map(|(_, moment)| moment)
            .unwrap_or(Moment { ticks: now(), monotonic: Instant::now(), unix: unix_now() })
    }
}

fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A stretch of the clock is measured against one at least this long ago, and at most twice as long.
const WINDOW: Duration = Duration::from_secs(60);

/// A rate that changes by more than this was not measured but disturbed: the machine slept, or moved to another host.
/// Clocks that are being adjusted differ by 0.05 % at most.
const LARGEST_CHANGE: f64 = 0.001;

/// Measures the length of a tick over the last one to two minutes, so that it follows the adjustments of the system's
/// clock.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Where the stretch begins that is measured.
    from: Moment,
    /// Where the next one will.
    next: Moment,
    /// What was measured last.
    nanos_per_tick: Option<f64>,
}

impl Clock {
    /// Starts measuring.
    pub(crate) fn start() -> Self {
        Self::start_at(Moment::take())
    }

    fn start_at(moment: Moment) -> Self {
        Self { from: moment, next: moment, nanos_per_tick: None }
    }

    /// The relation between ticks and Unix time at this moment.
    ///
    /// Waits until the clock has run for 5 ms, because a shorter stretch measures the tick too coarsely. Not for the threads
    /// that make spans.
    pub(crate) fn anchor(&mut self) -> Anchor {
        const SHORTEST: Duration = Duration::from_millis(5);
        if let Some(missing) = SHORTEST.checked_sub(self.from.monotonic.elapsed())
            && self.nanos_per_tick.is_none()
        {
            std::thread::sleep(missing);
        }
        let anchor = self.anchor_at(Moment::take());
        NANOS_PER_TICK.store(anchor.nanos_per_tick.to_bits(), Relaxed);
        anchor
    }

    fn anchor_at(&mut self, now: Moment) -> Anchor {
        let nanos = now.monotonic.saturating_duration_since(self.from.monotonic).as_nanos() as f64;
        let ticks = now.ticks.saturating_sub(self.from.ticks) as f64;
        let measured = (ticks > 0.0 && nanos > 0.0).then(|| nanos / ticks);
        let is_disturbed = |measured: f64, known: f64| (measured / known - 1.0).abs() > LARGEST_CHANGE;
        let nanos_per_tick = match (measured, self.nanos_per_tick) {
            (Some(measured), None) => measured,
            (Some(measured), Some(known)) if !is_disturbed(measured, known) => measured,
            // The stretch is worth nothing; the next one begins here.
            (_, known) => {
                (self.from, self.next) = (now, now);
                known.unwrap_or(1.0)
            }
        };
        self.nanos_per_tick = Some(nanos_per_tick);
        if now.monotonic.saturating_duration_since(self.next.monotonic) >= WINDOW {
            (self.from, self.next) = (self.next, now);
        }
        Anchor { ticks: now.ticks, unix_nanos: now.unix.as_nanos() as i64, nanos_per_tick }
    }
}

/// Turns ticks into Unix time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    ticks: u64,
    unix_nanos: i64,
    nanos_per_tick: f64,
}

impl Anchor {
    /// Nanoseconds since 1970-01-01 UTC.
    #[inline]
    pub(crate) fn unix_nanos(&self, ticks: u64) -> u64 {
        let distance = ticks.wrapping_sub(self.ticks) as i64 as f64 * self.nanos_per_tick;
        self.unix_nanos.saturating_add(distance as i64).max(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_maps_now_to_the_wall_clock() {
        let anchor = Clock::start().anchor();
        // Whoever runs in between takes its time.
        let (before, wall, after) = (now(), unix_now().as_nanos() as i128, now());
        let [before, after] = [before, after].map(|ticks| anchor.unix_nanos(ticks) as i128);
        let tolerance = 50_000_000;
        assert!((before - tolerance..after + tolerance).contains(&wall), "ours {before} to {after}, wall {wall}");
    }

    #[test]
    fn ticks_before_the_anchor_lie_in_the_past() {
        let mut clock = Clock::start();
        let earlier = now();
        let anchor = clock.anchor();
        assert!(anchor.unix_nanos(earlier) < anchor.unix_nanos(now()));
    }

    #[test]
    fn ticks_far_before_the_epoch_do_not_wrap() {
        let anchor = Anchor { ticks: 10, unix_nanos: 5, nanos_per_tick: 1.0 };
        assert_eq!(anchor.unix_nanos(0), 0);
    }

    /// A machine whose counter has this rate, and whose clocks run as told.
    struct Machine {
        start: Instant,
        now: Moment,
    }

    /// Ticks in a second of real time.
    const RATE: f64 = 2.6e9;

    impl Machine {
        fn new() -> Self {
            let start = Instant::now();
            Self { start, now: Moment { ticks: 1 << 40, monotonic: start, unix: Duration::from_secs(1_700_000_000) } }
        }

        /// Real time passes; the system's clocks run faster than it by so many millionths.
        fn pass(&mut self, time: Duration, ppm: f64) {
            let system = time.mul_f64(1.0 + ppm / 1e6);
            self.now.ticks += (time.as_secs_f64() * RATE) as u64;
            self.now.monotonic += system;
            self.now.unix += system;
        }

        fn unix(&self) -> i128 {
            self.now.unix.as_nanos() as i128
        }
    }

    /// What an anchor makes of a moment that is not its own, against what the wall clock said then.
    fn error(anchor: &Anchor, machine: &Machine) -> i128 {
        (anchor.unix_nanos(machine.now.ticks) as i128 - machine.unix()).abs()
    }

    #[test]
    fn spans_of_a_flush_stay_within_a_microsecond_of_the_wall_clock() {
        let mut machine = Machine::new();
        let mut clock = Clock::start_at(machine.now);
        for _ in 0..100 {
            machine.pass(Duration::from_secs(5), 20.0);
            let mut later = Machine { start: machine.start, now: machine.now };
            let anchor = clock.anchor_at(machine.now);
            later.pass(Duration::from_secs(5), 20.0);
            assert!(error(&anchor, &later) < 1000, "{} ns after 5 s", error(&anchor, &later));
        }
    }

    #[test]
    fn an_adjusted_clock_is_followed_within_two_windows() {
        let mut machine = Machine::new();
        let mut clock = Clock::start_at(machine.now);
        for _ in 0..720 {
            machine.pass(Duration::from_secs(5), 0.0);
            clock.anchor_at(machine.now);
        }
        // After an hour the clock is made to run 500 millionths faster, as fast as the kernel adjusts it.
        let mut worst_late = 0;
        for flush in 0..48 {
            machine.pass(Duration::from_secs(5), 500.0);
            let anchor = clock.anchor_at(machine.now);
            let mut later = Machine { start: machine.start, now: machine.now };
            later.pass(Duration::from_secs(5), 500.0);
            let error = error(&anchor, &later);
            assert!(error <= 2_500_000, "{error} ns, more than 500 millionths of 5 s");
            if flush >= 24 {
                worst_late = worst_late.max(error);
            }
        }
        assert!(worst_late < 1000, "{worst_late} ns two minutes later");
    }

    #[test]
    fn a_machine_that_slept_does_not_stretch_time() {
        let mut machine = Machine::new();
        let mut clock = Clock::start_at(machine.now);
        machine.pass(Duration::from_secs(30), 0.0);
        let before = clock.anchor_at(machine.now).nanos_per_tick;
        // The counter and the wall clock went on for an hour, the monotonic clock did not.
        machine.now.ticks += (3600.0 * RATE) as u64;
        machine.now.unix += Duration::from_secs(3600);
        machine.pass(Duration::from_secs(1), 0.0);
        let anchor = clock.anchor_at(machine.now);
        assert_eq!(anchor.nanos_per_tick, before);
        assert_eq!(error(&anchor, &machine), 0);
        // A counter that begins anew, on another host, is no different.
        machine.now.ticks = 5;
        assert_eq!(clock.anchor_at(machine.now).nanos_per_tick, before);
        machine.pass(Duration::from_secs(20), 0.0);
        let rate = clock.anchor_at(machine.now).nanos_per_tick;
        assert!((rate / before - 1.0).abs() < 1e-6, "{rate} and {before}");
    }

    #[test]
    fn a_wall_clock_that_is_set_moves_later_spans_only_by_that() {
        let mut machine = Machine::new();
        let mut clock = Clock::start_at(machine.now);
        machine.pass(Duration::from_secs(30), 0.0);
        clock.anchor_at(machine.now);
        let begin = machine.now.ticks;
        machine.pass(Duration::from_secs(2), 0.0);
        machine.now.unix -= Duration::from_secs(1000);
        let anchor = clock.anchor_at(machine.now);
        let length = anchor.unix_nanos(machine.now.ticks) - anchor.unix_nanos(begin);
        assert!((length as i64 - 2_000_000_000).abs() < 1000, "{length} ns");
    }
}
