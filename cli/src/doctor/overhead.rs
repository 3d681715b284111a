//! What a span costs on this machine, measured here and now.

use super::report::Check;
use otelier::Pipeline;
use otelier::config::{Hooks, Sampler, Telemetry};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Spans of one round, and rounds, of which the median counts.
const SPANS: u32 = 2_000;
const ROUNDS: usize = 21;

/// More than a span costs on slow machines that are busy, in an optimised build.
const MUCH: f64 = 5_000.0;

#[otelier::trace]
#[inline(never)]
fn leaf(number: u32) -> u32 {
    black_box(number)
}

#[otelier::trace]
#[inline(never)]
fn round() {
    for number in 0..SPANS {
        leaf(number);
    }
}

/// Nanoseconds a span, the median of the rounds; `between` runs after each, outside of the time.
fn median(mut between: impl FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            round();
            let took = begun.elapsed();
            between();
            took.as_secs_f64() * 1e9 / f64::from(SPANS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// Runs with a pipeline of its own that exports nowhere. `None` if it does not start or loses spans.
fn with_pipeline(sampler: Sampler, recorded: bool) -> Option<f64> {
    // Room for everything, so that no span is refused, which would be cheaper than one that is recorded.
    let settings = Telemetry::default().with_sampler(sampler).with_hooks(Hooks::Manual).with_max_queue_size(1 << 15);
    let guard = Pipeline::new(settings.with_shutdown_timeout(Duration::from_secs(2))).start().ok()?;
    let mut in_time = true;
    let nanos = median(|| in_time &= guard.force_flush(Duration::from_secs(2)).is_ok());
    let stats = guard.shutdown().ok()?;
    let spans = (u64::from(SPANS) + 1) * ROUNDS as u64;
    (in_time && stats.dropped() == 0 && stats.started == if recorded { spans } else { 0 }).then_some(nanos)
}

/// Measures; no pipeline may run meanwhile.
pub(super) fn check() -> Check {
    const NAME: &str = "overhead";
    round();
    let disabled = median(|| ());
    let unsampled = with_pipeline(Sampler::AlwaysOff, false);
    let recorded = with_pipeline(Sampler::AlwaysOn, true);
    let (Some(unsampled), Some(recorded)) = (unsampled, recorded) else {
        return Check::skipped(NAME, "the measurement was disturbed: a pipeline did not take its spans in time");
    };
    let found = format!(
        "a span costs {recorded:.0} ns recorded, {unsampled:.0} ns unsampled, {disabled:.1} ns without telemetry"
    );
    let lines = format!("median of {ROUNDS} rounds of {SPANS} spans on one thread; without attributes, without export");
    let check = if cfg!(debug_assertions) {
        let why = "This command was built without optimisation, so the figures say nothing of programs that are.";
        Check::warn(NAME, found, why).help("Install the command with `cargo install`, which optimises.")
    } else if recorded > MUCH {
        let why = "Every span costs this on the thread that makes it; usual are 50 to 200 ns.";
        Check::warn(NAME, found, why).help("Measure again when the machine is idle, and look at `time source`.")
    } else {
        Check::ok(NAME, found)
    };
    let rounded = |nanos: f64| (nanos * 10.0).round() / 10.0;
    check
        .line(lines)
        .with("recorded_ns", rounded(recorded))
        .with("unsampled_ns", rounded(unsampled))
        .with("disabled_ns", rounded(disabled))
}
