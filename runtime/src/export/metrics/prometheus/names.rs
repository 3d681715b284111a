//! Names of metrics, units and labels.

use crate::config::Translation;
use std::borrow::Cow;

/// What a metric is in Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        ["counter", "gauge", "histogram"][self as usize]
    }
}

/// The name of a metric; `utf8` if other characters than Prometheus' own may stay.
pub(super) fn metric(name: &str, unit: &str, kind: Kind, translation: Translation, utf8: bool) -> String {
    let mut name = if utf8 { name.to_owned() } else { underscored(name, true) };
    if translation.has_suffixes() {
        // What is added comes in one order, wherever `_total` stood.
        if kind == Kind::Counter {
            name.truncate(name.strip_suffix("_total").unwrap_or(&name).len());
        }
        if let Some(unit) = self::unit(unit, kind).filter(|unit| !names(&name, unit)) {
            name.push('_');
            name.push_str(&unit);
        }
        if kind == Kind::Counter {
            name.push_str("_total");
        }
    }
    if utf8 && !name.is_empty() { name } else { underscored(&name, true) }
}

/// The name of a label.
pub(super) fn label(key: &str, utf8: bool) -> String {
    if utf8 && !key.is_empty() { key.to_owned() } else { underscored(key, false) }
}

/// Whether a name can stand outside of quotes.
pub(super) fn is_plain(name: &str, is_metric: bool) -> bool {
    let is_own = |c: char| c.is_ascii_alphanumeric() || c == '_' || (is_metric && c == ':');
    name.starts_with(|c: char| !c.is_ascii_digit()) && name.chars().all(is_own)
}

/// Other characters become underscores, of which several become one.
fn underscored(name: &str, is_metric: bool) -> String {
    let mut made = String::with_capacity(name.len() + 1);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        made.push('_');
    }
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || (is_metric && c == ':') {
            made.push(c);
        } else if !made.ends_with('_') {
            made.push('_');
        }
    }
    made
}

/// Whether the name has the unit in it already.
fn names(name: &str, unit: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric();
    name.match_indices(unit).any(|(at, found)| {
        let (before, behind) = (&name[..at], &name[at + found.len()..]);
        !before.ends_with(is_part) && !behind.starts_with(is_part)
    })
}

/// The unit in words, if it has any: `s` is `seconds`, `By/s` is `bytes_per_second`.
fn unit(unit: &str, kind: Kind) -> Option<String> {
    // What is in braces says what is counted, and is no unit.
    let mut bare = String::new();
    let mut depth = 0usize;
    for c in unit.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    let bare = bare.trim();
    if bare == "1" {
        // A share is measured; what is counted has no unit.
        return (kind == Kind::Gauge).then(|| "ratio".to_owned());
    }
    let (main, per) = bare.split_once('/').unwrap_or((bare, ""));
    let (main, per) = (underscored_unit(plural(main.trim())), underscored_unit(singular(per.trim())));
    match (main.is_empty(), per.is_empty()) {
        (true, true) => None,
        (false, true) => Some(main.into_owned()),
        (true, false) => Some(format!("per_{per}")),
        (false, false) => Some(format!("{main}_per_{per}")),
    }
}

fn underscored_unit(words: &str) -> Cow<'_, str> {
    let words = words.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if words.is_empty() || is_plain(words, false) {
        return Cow::Borrowed(words);
    }
    Cow::Owned(words.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect())
}

/// Units of UCUM, in words.
fn plural(unit: &str) -> &str {
    match unit {
        "1" => "",
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" | "kBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "bit" => "bits",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        other => other,
    }
}

/// What stands behind the stroke.
fn singular(unit: &str) -> &str {
    match unit {
        "s" => "second",
        "ms" => "millisecond",
        "min" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" | "a" => "year",
        "m" => "meter",
        "By" => "byte",
        other => plural(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(name: &str, unit: &str, kind: Kind) -> String {
        metric(name, unit, kind, Translation::UnderscoresWithSuffixes, false)
    }

    #[test]
    fn names_get_underscores_units_and_total() {
        for (name, unit, kind, expected) in [
            ("http.server.duration", "ms", Kind::Histogram, "http_server_duration_milliseconds"),
            ("http.requests", "{request}", Kind::Counter, "http_requests_total"),
            ("requests_total", "s", Kind::Counter, "requests_seconds_total"),
            ("io", "By/s", Kind::Gauge, "io_bytes_per_second"),
            ("io", "{packet}/s", Kind::Gauge, "io_per_second"),
            ("load", "1", Kind::Gauge, "load_ratio"),
            ("orders", "1", Kind::Counter, "orders_total"),
            ("uptime.seconds", "s", Kind::Gauge, "uptime_seconds"),
            ("milliseconds", "s", Kind::Gauge, "milliseconds_seconds"),
            ("a//b--c", "", Kind::Gauge, "a_b_c"),
            ("4xx", "", Kind::Counter, "_4xx_total"),
            ("grün", "k€", Kind::Gauge, "gr_n_k"),
            ("", "", Kind::Gauge, "_"),
            ("a:b", "%", Kind::Gauge, "a:b_percent"),
            ("open", "{unbalanced", Kind::Gauge, "open"),
        ] {
            assert_eq!(usual(name, unit, kind), expected, "{name} in {unit}");
            assert!(is_plain(expected, true), "{expected}");
        }
    }

    #[test]
    fn a_translation_says_what_is_added_and_what_is_replaced() {
        let of = |translation, utf8| metric("a.b", "s", Kind::Counter, translation, utf8);
        assert_eq!(of(Translation::UnderscoresWithoutSuffixes, false), "a_b");
        assert_eq!(of(Translation::Utf8WithSuffixes, true), "a.b_seconds_total");
        assert_eq!(of(Translation::Utf8WithSuffixes, false), "a_b_seconds_total");
        assert_eq!(of(Translation::Untranslated, true), "a.b");
        assert_eq!(of(Translation::Untranslated, false), "a_b");
    }

    #[test]
    fn labels_have_no_colons() {
        assert_eq!(label("http.method", false), "http_method");
        assert_eq!(label("a:b", false), "a_b");
        assert_eq!(label("__name__", false), "_name_");
        assert_eq!(label("a.b", true), "a.b");
    }
}
