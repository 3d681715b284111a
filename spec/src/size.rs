//! Sizes in bytes as people write them: `512`, `64kB`, `16MiB`.

/// The units and how many bytes one of each has. UCUM writes `MiBy`, people write `MiB`.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// The bytes that a number and a unit spell: `512B`, `1.5MiB`, `16 MiB`; a bare number is in bytes. What is less than a byte
/// is left out. `None` if the text is anything else, or more than 2⁶³ - 1.
pub fn parse(text: &str) -> Option<i64> {
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let unit = unit.trim_start();
    let unit = unit.strip_suffix('y').unwrap_or(unit);
    let bytes = match unit {
        "" => 1,
        _ => UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(18)];
    let parts = fraction.parse::<u128>().ok()? * u128::from(bytes) / 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let total = whole.parse::<u128>().ok()?.checked_mul(bytes.into())?.checked_add(parts)?;
    i64::try_from(total).ok()
}

/// The size in the largest binary unit that needs no fraction: `16MiB`, `1000B`.
pub fn show(bytes: i64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.iter().find(|(_, shift)| bytes != 0 && bytes % (1 << shift) == 0) {
        Some((unit, shift)) => format!("{}{unit}", bytes >> shift),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, show};

    #[test]
    fn a_number_and_a_unit_are_a_size() {
        for (text, bytes) in
            [("0", 0), ("512", 512), ("64kB", 64_000), ("16MiB", 16 << 20), ("16 MiBy", 16 << 20), ("1.5KiB", 1536)]
        {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in
            ["", "MiB", "-1", "1 mib", "1.MiB", ".5MiB", "1.2.3B", "9223372036854775808", "9000000000TiB", "1e3"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_without_a_fraction() {
        for (bytes, text) in [(0, "0B"), (1000, "1000B"), (16 << 20, "16MiB"), (1536, "1536B"), (1 << 40, "1TiB")] {
            assert_eq!(show(bytes), text);
        }
    }
}
