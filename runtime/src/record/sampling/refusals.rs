//! Says why traces are not recorded, while diagnostics are at the level `debug`.
//!
//! Who makes spans never speaks, and never waits for who does. So a refusal is put down where it happens, and the pipeline's
//! thread says it. At most so many are put down in a second; of the others there is a number.

use super::grounds::Grounds;
use super::node::Reason;
use super::{EXPLAIN, RANDOM_MASK, SETTING};
use crate::diagnostics::{self, LogLevel};
use crate::record::thread;
use opentelemetry::trace::TraceId;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::time::{Duration, Instant};

/// As many are said of a second. The pipeline's thread may come later than that, so more are kept than are said of one.
const MOST_A_SECOND: u32 = 20;
const MOST: usize = 200;
/// So much of a name is said.
const LONGEST_NAME: usize = 128;

/// A trace that was not recorded, or not for lack of room.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) trace: (u64, u64),
    pub(super) name: String,
    pub(super) reason: Why,
    /// The rule that matched.
    pub(super) rule: Option<Box<str>>,
    /// Which the trace's randomness did not reach, if it is that.
    pub(super) threshold: Option<u64>,
}

/// Why a trace was refused, by its sampler or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Sampler(Reason),
    /// The queue was half full.
    Queue,
    /// A rule of tail sampling.
    TailRule,
    /// None of them.
    TailRatio,
}

impl Why {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sampler(reason) => reason.as_str(),
            Self::Queue => "half of the room for spans that wait for exporters is taken",
            Self::TailRule => "tail sampling does not keep it",
            Self::TailRatio => {
                "no rule of tail sampling matched, and its random part is below the threshold of the ratio"
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trace = TraceId::from(u128::from(self.trace.0) << 64 | u128::from(self.trace.1));
        write!(f, "trace {trace}, `{}`: {}", self.name, self.reason.as_str())?;
        if let Some(rule) = &self.rule {
            write!(f, ", rule `{rule}`")?;
        }
        if let Some(threshold) = self.threshold {
            let ratio = (RANDOM_MASK + 1).saturating_sub(threshold) as f64 / (RANDOM_MASK + 1) as f64;
            write!(f, ", ratio {}, threshold {threshold:014x}", Ratio(ratio))?;
        }
        Ok(())
    }
}

/// A ratio with as many digits as say something.
struct Ratio(f64);

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = 4 - self.0.max(1e-17).log10().floor() as i32;
        let text = format!("{:.*}", digits.max(0) as usize, self.0);
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        f.write_str(text)
    }
}

/// What is to be said.
struct Waiting {
    refusals: Vec<Refusal>,
    second: Option<Instant>,
    in_second: u32,
}

impl Waiting {
    const fn new() -> Self {
        Self { refusals: Vec::new(), second: None, in_second: 0 }
    }

    /// Whether one more may wait.
    fn admits(&mut self, now: Instant) -> bool {
        if self.second.is_none_or(|second| now.saturating_duration_since(second) >= Duration::from_secs(1)) {
            (self.second, self.in_second) = (Some(now), 0);
        }
        self.in_second += 1;
        self.in_second <= MOST_A_SECOND && self.refusals.len() < MOST
    }
}

static WAITING: Mutex<Waiting> = Mutex::new(Waiting::new());
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

/// Whether somebody wants to know.
#[inline]
pub(super) fn are_said() -> bool {
    SETTING.load(Relaxed) & EXPLAIN != 0
}

/// Follows the level of diagnostics, also where it changes while traces are decided on.
pub(super) fn follow_level() {
    diagnostics::on_level(follow_level);
    // Whoever changes the level or the setting then looks at the other, so the last one sees both.
    fence(SeqCst);
    if diagnostics::says(LogLevel::Debug) {
        SETTING.fetch_or(EXPLAIN, SeqCst);
    } else {
        SETTING.fetch_and(!EXPLAIN, SeqCst);
    }
}

/// Puts a refusal down, unless there are too many, or somebody else is doing so.
#[cold]
#[inline(never)]
pub(super) fn note(refusal: impl FnOnce() -> Refusal) {
    // The allocator may be traced.
    thread::quietly(|| {
        if let Ok(mut waiting) = WAITING.try_lock()
            && waiting.admits(Instant::now())
        {
            return waiting.refusals.push(refusal());
        }
        LEFT_OUT.fetch_add(1, Relaxed);
    });
}

/// As much of a name as is said.
pub(super) fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// A sampler decided below a parent by a trace id of which nobody says that it is random.
static PRESUMED: AtomicBool = AtomicBool::new(false);
/// A sampler of the program's own panicked.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Once of each, for the life of the process.
static SAID_PRESUMED: AtomicBool = AtomicBool::new(false);
static SAID_PANICKED: AtomicBool = AtomicBool::new(false);
static SAID_ROUNDED: AtomicBool = AtomicBool::new(false);
static SAID_LEFT_OUT: AtomicBool = AtomicBool::new(false);

pub(super) fn note_presumed() {
    PRESUMED.store(true, Relaxed);
}

pub(super) fn note_panic() {
    PANICKED.store(true, Relaxed);
}

fn is_to_be_said(noted: &AtomicBool, said: &AtomicBool) -> bool {
    noted.load(Relaxed) && noted.swap(false, Relaxed) && !said.swap(true, Relaxed)
}

/// Says what samplers have to say, since the last time. For the pipeline's thread; quick if there is nothing.
pub(crate) fn tell_refusals() {
    if is_to_be_said(&PRESUMED, &SAID_PRESUMED) {
        diagnostics::tell(LogLevel::Warn, "Sampling.Probability.NotRandom", || {
            "a probability sampler takes the ids of traces that begin elsewhere for random, and their random flag does not say \
             so; have the callers propagate W3C Trace Context Level 2 (said once)"
                .to_owned()
        });
    }
    if is_to_be_said(&PANICKED, &SAID_PANICKED) {
        diagnostics::tell(LogLevel::Warn, "Sampling.Custom.Panicked", || {
            "the sampler of this program panicked; where it does, parents' decisions hold, and traces that begin here are not \
             recorded (said once, `SamplingCounts::by_panic` counts)"
                .to_owned()
        });
    }
    let (has_rounded, has_left_out) = Grounds::are_too_many();
    if has_rounded && !SAID_ROUNDED.swap(true, Relaxed) {
        diagnostics::tell(LogLevel::Warn, "Sampling.Reasons.Rounded", || {
            "this process has sampled with so many different ratios that of further ones traces tell a probability that is rounded \
             up, by a 32nd of it at most; decisions are exact all the same (said once)"
                .to_owned()
        });
    }
    if has_left_out && !SAID_LEFT_OUT.swap(true, Relaxed) {
        diagnostics::tell(LogLevel::Warn, "Sampling.Reasons.Full", || {
            "this process has sampled with so many different rules and ratios that of further ones traces tell \
             `otelier.sampler.reason` alone, without a rule and a probability; decisions are right all the same (said once)"
                .to_owned()
        });
    }
    drain(&mut |text| diagnostics::tell(LogLevel::Debug, "Sampling.Trace.Refused", || text));
}

/// Gives `f` what was refused and why, one text for each, and last how many were left out.
fn drain(f: &mut dyn FnMut(String)) {
    if !are_said() && LEFT_OUT.load(Relaxed) == 0 {
        return;
    }
    let refusals = match WAITING.try_lock() {
        Ok(mut waiting) => std::mem::take(&mut waiting.refusals),
        Err(_) => return,
    };
    refusals.iter().for_each(|refusal| f(refusal.to_string()));
    match LEFT_OUT.swap(0, Relaxed) {
        0 => {}
        left_out => f(format!("{left_out} more traces were refused and are not said one by one")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, threshold: Option<u64>) -> Refusal {
        let reason = Why::Sampler(Reason::Ratio);
        Refusal { trace: (1, 2), name: name.to_owned(), reason, rule: None, threshold }
    }

    #[test]
    fn a_refusal_names_the_trace_the_reason_the_rule_and_the_ratio() {
        let plain = refusal("load", Some(super::super::threshold(0.001)));
        assert_eq!(
            plain.to_string(),
            "trace 00000000000000010000000000000002, `load`: its random part is below the threshold of a ratio, \
             ratio 0.001, threshold ffbe76c8b43959"
        );
        let by_rule = Refusal {
            rule: Some("rules[2]".into()),
            reason: Why::Sampler(Reason::RateLimit),
            ..refusal("GET /orders", None)
        };
        assert!(by_rule.to_string().ends_with(", rule `rules[2]`"), "{by_rule}");
        assert_eq!(Ratio(1.0).to_string(), "1");
        assert_eq!(Ratio(0.0).to_string(), "0");
        assert_eq!(Ratio(0.25).to_string(), "0.25");
        assert_eq!(shortened(&"ü".repeat(200)), format!("{}…", "ü".repeat(LONGEST_NAME)));
    }

    #[test]
    fn no_more_than_so_many_wait_in_a_second_and_no_more_than_so_many_at_all() {
        let mut waiting = Waiting::new();
        let begin = Instant::now();
        let mut put = |second: u64| {
            let now = begin + Duration::from_secs(second);
            let admitted = (0..100).filter(|_| {
                let admits = waiting.admits(now);
                if admits {
                    waiting.refusals.push(refusal("a", None));
                }
                admits
            });
            admitted.count()
        };
        assert_eq!(put(0), MOST_A_SECOND as usize);
        assert_eq!((1..100).map(&mut put).sum::<usize>(), MOST - MOST_A_SECOND as usize);
    }
}
