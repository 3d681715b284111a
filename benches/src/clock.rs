//! Time as finely as the processor has it, and processor time.

use std::time::{Duration, Instant};

/// A counter that grows steadily; nothing that stands before it is done after it, nor the other way round.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    use std::arch::x86_64::{_mm_lfence, _rdtsc};
    // SAFETY: every x86-64 processor has these instructions.
    unsafe {
        _mm_lfence();
        let ticks = _rdtsc();
        _mm_lfence();
        ticks
    }
}

/// Without an own counter: the standard library's clock.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    use std::sync::LazyLock;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_nanos() as u64
}

/// How long a tick is.
pub(crate) fn nanos_per_tick() -> f64 {
    let (start, first) = (Instant::now(), ticks());
    while start.elapsed() < Duration::from_millis(30) {}
    let (elapsed, last) = (start.elapsed(), ticks());
    elapsed.as_nanos() as f64 / (last - first) as f64
}

#[cfg(unix)]
fn seconds(clock: libc::clockid_t) -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a `timespec` that lives.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return f64::NAN;
    }
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Processor seconds of all threads so far.
#[cfg(unix)]
pub(crate) fn process_seconds() -> f64 {
    seconds(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Processor seconds of this thread so far.
#[cfg(unix)]
pub(crate) fn thread_seconds() -> f64 {
    seconds(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Processor seconds, of user and of system, of all child processes that have ended.
#[cfg(unix)]
pub(crate) fn children_seconds() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the pointer is to a place for an `rusage`.
    if unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) } != 0 {
        return f64::NAN;
    }
    // SAFETY: the call succeeded, so it filled the place.
    let usage = unsafe { usage.assume_init() };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Not known here.
#[cfg(not(unix))]
pub(crate) fn children_seconds() -> f64 {
    f64::NAN
}

/// Not known here.
#[cfg(not(unix))]
pub(crate) fn process_seconds() -> f64 {
    f64::NAN
}

/// Not known here.
#[cfg(not(unix))]
pub(crate) fn thread_seconds() -> f64 {
    f64::NAN
}

/// The most memory the process has had, in megabytes, where the system tells.
pub(crate) fn most_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")).and_then(|text| text.trim().parse().ok());
    kilobytes.map_or(f64::NAN, |kilobytes: f64| kilobytes * 1024.0 / 1e6)
}
