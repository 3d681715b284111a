//! Consistent probability sampling: the `ot` member of a `tracestate`, with its fields `th` and `rv`.
//!
//! `th` is the threshold that the trace's randomness has reached, up to 14 hexadecimal digits without the zeros at the end;
//! `rv` is the randomness if it is not the last seven bytes of the trace id, 14 digits.

use super::{RANDOM_BITS, RANDOM_MASK};
use opentelemetry::trace::TraceState;
use std::str::FromStr;

/// The key of OpenTelemetry in a `tracestate`.
const MEMBER: &str = "ot";
const THRESHOLD: &str = "th";
const RANDOMNESS: &str = "rv";
const DIGITS: u32 = RANDOM_BITS / 4;
/// So many digits that say something a threshold has, as the specification recommends.
const PRECISION: i32 = 4;
/// A member is no longer than this (W3C trace context).
const LONGEST: usize = 256;

/// The threshold of a ratio, rounded so that it is short in a header; above the largest randomness if nothing is kept.
///
/// The closer the ratio is to 0 or 1, the more digits it takes to say how close.
pub(crate) fn threshold_of(ratio: f64) -> u64 {
    const ALL: u64 = RANDOM_MASK + 1;
    let ratio = ratio.clamp(0.0, 1.0);
    let scaled = (ratio * ALL as f64).round() as u64;
    if scaled == 0 || scaled >= ALL {
        return ALL - scaled.min(ALL);
    }
    let digits = (PRECISION + leading_digits(ratio).max(leading_digits(1.0 - ratio))).clamp(1, DIGITS as i32) as u32;
    let shift = 4 * (DIGITS - digits);
    let half = (1_u64 << shift) >> 1;
    let rounded = ((ALL - scaled + half) >> shift) << shift;
    // What is rounded to nothing would keep nothing.
    if rounded >= ALL { ALL - scaled } else { rounded }
}

/// How many hexadecimal digits behind the point are 0, of a number between 0 and 1.
fn leading_digits(number: f64) -> i32 {
    // As `frexp` has it: a half has the exponent 0, a quarter -1.
    let exponent = number.log2().floor() as i32 + 1;
    -exponent / 4
}

/// A threshold as `th` has it. It is at most the largest randomness.
pub(super) fn encoded(threshold: u64) -> String {
    let digits = format!("{threshold:014x}");
    match digits.trim_end_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

/// What the `ot` member of a `tracestate` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ot {
    pub(super) threshold: Option<u64>,
    pub(super) randomness: Option<u64>,
}

impl Ot {
    /// What cannot be read is not there, and what is there twice cannot be read.
    pub(super) fn of(state: &TraceState) -> Self {
        let Some(member) = state.get(MEMBER) else { return Self::default() };
        let randomness = only(member, RANDOMNESS).filter(|digits| digits.len() == DIGITS as usize);
        Self { threshold: only(member, THRESHOLD).and_then(threshold), randomness: randomness.and_then(hex) }
    }

    /// The randomness of a trace with this id.
    pub(super) fn randomness(&self, trace_low: u64) -> u64 {
        self.randomness.unwrap_or(trace_low & RANDOM_MASK)
    }
}

fn fields(member: &str) -> impl Iterator<Item = (&str, &str)> {
    member.split(';').filter_map(|field| field.split_once(':'))
}

/// The field with this key, if there is one such.
fn only<'a>(member: &'a str, key: &str) -> Option<&'a str> {
    let mut values = fields(member).filter(|(found, _)| *found == key).map(|(_, value)| value);
    values.next().filter(|_| values.next().is_none())
}

/// A state with nothing but the randomness in this one, if there is any.
pub(super) fn explicit_randomness(state: &TraceState) -> Option<TraceState> {
    let randomness = Ot::of(state).randomness?;
    TraceState::from_key_value([(MEMBER, format!("{RANDOMNESS}:{randomness:014x}"))]).ok()
}

fn threshold(digits: &str) -> Option<u64> {
    let missing = DIGITS.checked_sub(u32::try_from(digits.len()).ok()?)?;
    (!digits.is_empty()).then(|| hex(digits)).flatten().map(|value| value << (4 * missing))
}

fn hex(digits: &str) -> Option<u64> {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    digits.bytes().all(is_hex).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// The state with this threshold in place of its own, or without one; `None` if it stays what it is. What others have
/// written stays.
pub(super) fn with_threshold(state: &TraceState, threshold: Option<u64>) -> Option<TraceState> {
    let before = state.get(MEMBER);
    let mut member = threshold.map(|threshold| format!("{THRESHOLD}:{}", encoded(threshold))).unwrap_or_default();
    for field in before.into_iter().flat_map(|member| member.split(';')) {
        let is_threshold = field.split_once(':').is_some_and(|(key, _)| key == THRESHOLD);
        if !field.is_empty() && !is_threshold {
            if !member.is_empty() {
                member.push(';');
            }
            member.push_str(field);
        }
    }
    if before.unwrap_or_default() == member {
        return None;
    }
    if member.len() > LONGEST {
        // Rather no threshold than one that is wrong.
        return threshold.and_then(|_| with_threshold(state, None));
    }
    match member.is_empty() {
        true => state.delete(MEMBER),
        false => state.insert(MEMBER, member),
    }
    .ok()
}

/// The threshold that a `tracestate` header tells.
pub(crate) fn threshold_in(header: &str) -> Option<u64> {
    Ot::of(&TraceState::from_str(header).ok()?).threshold
}

/// The randomness that a `tracestate` header tells.
pub(crate) fn randomness_in(header: &str) -> Option<u64> {
    Ot::of(&TraceState::from_str(header).ok()?).randomness
}

/// The header with this threshold, if that is larger than the one it tells; `None` if it stays what it is.
pub(crate) fn state_with_threshold(header: &str, threshold: u64) -> Option<String> {
    let state = TraceState::from_str(header).ok()?;
    let told = Ot::of(&state).threshold;
    let larger = told.is_none_or(|told| told < threshold).then_some(threshold)?;
    with_threshold(&state, Some(larger)).map(|state| state.header())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(header: &str) -> TraceState {
        TraceState::from_str(header).expect("it is valid")
    }

    #[test]
    fn thresholds_are_those_of_the_specification() {
        for (one_in, digits) in [
            (1, "0"),
            (2, "8"),
            (3, "aaab"),
            (4, "c"),
            (5, "cccd"),
            (8, "e"),
            (10, "e666"),
            (16, "f"),
            (100, "fd70a"),
            (1000, "ffbe77"),
            (10_000, "fff9724"),
            (100_000, "ffff583a"),
            (1_000_000, "ffffef39"),
        ] {
            assert_eq!(encoded(threshold_of(1.0 / f64::from(one_in))), digits, "1 in {one_in}");
        }
        assert_eq!(threshold_of(0.0), RANDOM_MASK + 1, "nothing reaches it");
        assert_eq!(threshold_of(1e-18), RANDOM_MASK + 1);
        assert_eq!(encoded(threshold_of(2_f64.powi(-56))), "ffffffffffffff");
    }

    #[test]
    fn the_precision_grows_towards_both_ends() {
        assert_eq!(encoded(threshold_of(2.0 / 3.0)), "5555");
        assert_eq!(encoded(threshold_of(0.99)), "028f6");
        assert_eq!(encoded(threshold_of(0.999)), "004189");
        for ratio in [1e-9, 0.001, 0.3, 0.7, 0.999, 1.0 - 1e-9] {
            let kept = (RANDOM_MASK + 1 - threshold_of(ratio)) as f64 / (RANDOM_MASK + 1) as f64;
            assert!((kept / ratio - 1.0).abs() < 1e-4, "{ratio} became {kept}");
        }
    }

    #[test]
    fn a_threshold_is_read_as_it_was_written() {
        for written in ["0", "8", "aaab", "fd70a", "ffbe77", "ffffffffffffff", "c0ffee"] {
            let ot = Ot::of(&state(&format!("ot=th:{written}")));
            assert_eq!(ot.threshold.map(encoded).as_deref(), Some(written));
        }
        assert_eq!(Ot::of(&state("ot=th:c000")).threshold, Ot::of(&state("ot=th:c")).threshold);
    }

    #[test]
    fn what_cannot_be_read_is_not_there() {
        for wrong in [
            "ot=th:",
            "ot=th:G",
            "ot=th:C",
            "ot=th:000000000000000",
            "ot=th:8;th:c",
            "ot=rv:9b8233f7e3a151;rv:0b8233f7e3a151",
            "ot=rv:1234",
            "ot=rv:0123456789abcdef",
            "x=th:8",
            "ot=8",
        ] {
            assert_eq!(Ot::of(&state(wrong)), Ot::default(), "{wrong}");
        }
        let ot = Ot::of(&state("ot=rv:9b8233f7e3a151;th:8,x=y"));
        assert_eq!(ot, Ot { threshold: Some(1 << 55), randomness: Some(0x9b_8233_f7e3_a151) });
    }

    #[test]
    fn what_others_wrote_stays_when_a_threshold_comes_or_goes() {
        let written = |before: &str, threshold| with_threshold(&state(before), threshold).map(|state| state.header());
        assert_eq!(written("", Some(1 << 55)).as_deref(), Some("ot=th:8"));
        assert_eq!(
            written("a=b,ot=rv:9b8233f7e3a151;th:0;x:y", Some(1 << 55)).as_deref(),
            Some("ot=th:8;rv:9b8233f7e3a151;x:y,a=b")
        );
        assert_eq!(written("ot=th:8;x:y", None).as_deref(), Some("ot=x:y"));
        assert_eq!(written("a=b,ot=th:8", None).as_deref(), Some("a=b"));
        assert_eq!(written("ot=th:8", Some(1 << 55)), None, "it says so already");
        assert_eq!(written("a=b", None), None);
        assert_eq!(written(&format!("ot=x:{}", "y".repeat(253)), Some(1 << 55)), None, "it has no room");
        let full = format!("ot=th:0;x:{}", "y".repeat(249));
        let erased = format!("ot=x:{}", "y".repeat(249));
        assert_eq!(written(&full, Some(1 << 4)), Some(erased), "the old one would be wrong");
    }

    #[test]
    fn of_a_state_that_belongs_to_no_trace_the_randomness_counts() {
        let of = |before: &str| explicit_randomness(&state(before)).map(|state| state.header());
        assert_eq!(of("a=b,ot=th:8;rv:9b8233f7e3a151").as_deref(), Some("ot=rv:9b8233f7e3a151"));
        assert_eq!((of("ot=th:8"), of("a=b"), of("ot=rv:1")), (None, None, None));
    }
}
