//! Units in UCUM notation, as OpenTelemetry uses them.

/// Words that people write, and what UCUM calls them.
const WORDS: &[(&str, &str)] = &[
    ("second", "s"),
    ("sec", "s"),
    ("millisecond", "ms"),
    ("milli", "ms"),
    ("msec", "ms"),
    ("microsecond", "us"),
    ("µ", "us"),
    ("nanosecond", "ns"),
    ("minute", "min"),
    ("hour", "h"),
    ("hr", "h"),
    ("day", "d"),
    ("byte", "By"),
    ("b", "By"),
    ("kb", "kBy"),
    ("kib", "KiBy"),
    ("mb", "MBy"),
    ("mib", "MiBy"),
    ("gb", "GBy"),
    ("gib", "GiBy"),
    ("percent", "%"),
    ("pct", "%"),
    ("ratio", "1"),
    ("hertz", "Hz"),
    ("celsius", "Cel"),
    ("count", "{item}"),
    ("record", "{record}"),
    ("row", "{row}"),
    ("request", "{request}"),
];

/// Atoms of UCUM that telemetry uses.
const ATOMS: &[&str] = &[
    "s", "ms", "us", "ns", "ps", "min", "h", "d", "wk", "mo", "a", "By", "kBy", "MBy", "GBy", "TBy", "PBy", "KiBy",
    "MiBy", "GiBy", "TiBy", "PiBy", "bit", "kbit", "Mbit", "Gbit", "Kibit", "Mibit", "Gibit", "%", "1", "Hz", "kHz",
    "MHz", "GHz", "Cel", "K", "V", "mV", "A", "mA", "W", "kW", "J", "m", "cm", "mm", "km", "g", "kg", "deg", "rad",
];

/// Checks a unit: atoms and `{annotations}` with `.` and `/` between them, such as `By`, `{record}`, `By/s`.
///
/// # Errors
///
/// Gives the unit that was probably meant, if one is near.
pub fn check(unit: &str) -> Result<(), Option<&'static str>> {
    let known = |part: &str| {
        let annotation = part.find('{').map_or("", |at| &part[at..]);
        let atom = &part[..part.len() - annotation.len()];
        let inner = annotation.strip_prefix('{').map(|rest| rest.strip_suffix('}').unwrap_or(""));
        inner.is_none_or(|text| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"{}/".contains(c)))
            && (ATOMS.contains(&atom) || atom.is_empty() && !annotation.is_empty())
    };
    if unit.split(['/', '.']).all(known) {
        return Ok(());
    }
    let plain = unit.trim().to_lowercase();
    let plain = plain.trim_end_matches('s');
    let meant = WORDS.iter().find(|(word, _)| *word == plain).map(|(_, unit)| *unit);
    Err(meant.or_else(|| ATOMS.iter().copied().find(|atom| atom.eq_ignore_ascii_case(unit))))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn units_of_ucum_are_accepted() {
        for unit in ["s", "By", "{record}", "By/s", "{record}/s", "%", "1", "ms", "d", "GiBy", "By{cached}"] {
            assert_eq!(check(unit), Ok(()), "{unit}");
        }
    }

    #[test]
    fn words_are_refused_with_the_unit_that_was_meant() {
        assert_eq!(check("seconds"), Err(Some("s")));
        assert_eq!(check("bytes"), Err(Some("By")));
        assert_eq!(check("MS"), Err(Some("ms")));
        assert_eq!(check("records"), Err(Some("{record}")));
        assert_eq!(check(""), Err(None));
        assert_eq!(check("{}"), Err(None));
        assert_eq!(check("furlong"), Err(None));
    }
}
