//! Durations as people write them: `500ms`, `1.5s`.

use std::time::Duration;

/// The units and how many nanoseconds one of each has, the shortest first.
pub const UNITS: [(&str, u64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The duration that a number and a unit spell, without a space between them: `250us`, `1.5s`, `2h`. What is shorter than a
/// nanosecond is left out. `None` if the text is anything else, or longer than a [`Duration`] can be.
pub fn parse(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(unit);
    let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let nanos = u128::from(*nanos);
    // Digits beyond these are less than a nanosecond, whatever the unit.
    let fraction = &fraction[..fraction.len().min(18)];
    let parts = fraction.parse::<u128>().ok()? * nanos / 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let total = whole.parse::<u128>().ok()?.checked_mul(nanos)?.checked_add(parts)?;
    let seconds = u64::try_from(total / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, u32::try_from(total % 1_000_000_000).ok()?))
}

/// The duration of several of these with blanks between them: `1m 30s`.
pub fn parse_sum(text: &str) -> Option<Duration> {
    let mut parts = text.split_ascii_whitespace().map(parse);
    let first = parts.next()??;
    parts.try_fold(first, |sum, part| sum.checked_add(part?))
}

/// The duration in the largest unit that needs no fraction: `90s`, `1m`, `250ms`.
pub fn show(duration: Duration) -> String {
    let total = duration.as_nanos();
    let unit = UNITS.iter().rev().find(|(_, nanos)| total.is_multiple_of(u128::from(*nanos))).filter(|_| total > 0);
    let (unit, nanos) = unit.copied().unwrap_or(("s", 1));
    format!("{}{unit}", total / u128::from(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_a_duration() {
        for (text, nanos) in [
            ("1ns", 1),
            ("250us", 250_000),
            ("500ms", 500_000_000),
            ("5s", 5_000_000_000),
            ("1.5s", 1_500_000_000),
            ("0.25m", 15_000_000_000),
            ("2h", 7_200_000_000_000),
            ("1.0000000000000000000000001s", 1_000_000_000),
            ("0.5ns", 0),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
        assert_eq!(parse("18446744073709551615s"), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn parts_of_a_duration_are_added() {
        assert_eq!(parse_sum("1m 30s"), Some(Duration::from_secs(90)));
        assert_eq!(parse_sum(" 250ms "), Some(Duration::from_millis(250)));
        for text in ["", "1m30s", "1m,30s", "18446744073709551615s 1s"] {
            assert_eq!(parse_sum(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_shown_without_a_fraction() {
        for (millis, text) in [(0, "0s"), (250, "250ms"), (60_000, "1m"), (90_000, "90s"), (7_200_000, "2h")] {
            assert_eq!(show(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "5",
            "s",
            "5 s",
            " 5s",
            "5sec",
            "5S",
            "-5s",
            ".5s",
            "5.s",
            "1.2.3s",
            "5s5",
            "1e3s",
            "1_000ms",
            "٣s",
            "18446744073709551616s",
            "99999999999999999999999999999999999999999h",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
