//! Whether one value is what its key asks for, and how a problem says so.

use super::describe::{Type, Word};
use super::{Node, Value};
use otelier_spec::suggest;

/// Whether the value is of this type and in range. Of collections only what they are, not what is in them.
pub(crate) fn fits(node: &Node, kind: &Type) -> bool {
    match kind {
        Type::Any => true,
        Type::Bool => node.as_bool().is_some(),
        Type::Integer { min, max } => node.as_integer().is_some_and(|value| (*min..=*max).contains(&value)),
        Type::Number { min, max, above_min, below_max } => node.as_number().is_some_and(|value| {
            value.is_finite()
                && value >= *min
                && value <= *max
                && !(*above_min && value <= *min)
                && !(*below_max && value >= *max)
        }),
        Type::Text => node.as_text().is_some(),
        Type::Duration { bare, min, max } => {
            nanoseconds(node, bare).is_some_and(|value| (*min..=*max).contains(&value))
        }
        Type::Size { min, max } => node
            .as_integer()
            .or_else(|| otelier_spec::size::parse(node.as_text()?))
            .is_some_and(|value| (*min..=*max).contains(&value)),
        Type::Word(words) => node.as_text().is_some_and(|text| words.iter().any(|word| word.word == text)),
        Type::List { of, min } => match &node.value {
            Value::List(items) => items.len() >= *min && (!is_scalar(of) || items.iter().all(|item| fits(item, of))),
            _ => false,
        },
        Type::Map(_) | Type::Section(_) => matches!(node.value, Value::Map(_)),
        Type::Either(kinds) => kinds.iter().any(|kind| fits(node, kind)),
    }
}

/// Whether values of this type are scalars only.
pub(crate) fn is_scalar(kind: &Type) -> bool {
    match kind {
        Type::List { .. } | Type::Map(_) | Type::Section(_) | Type::Any => false,
        Type::Either(kinds) => kinds.iter().all(is_scalar),
        _ => true,
    }
}

/// What a value of this type is, to go after "expected ".
pub(crate) fn expected(kind: &Type, unit: Option<&str>) -> String {
    let of = match unit {
        Some("ms") => " of milliseconds",
        Some("s") => " of seconds",
        Some("By") => " of bytes",
        _ => "",
    };
    match kind {
        Type::Any => "anything".to_owned(),
        Type::Bool => "`true` or `false`".to_owned(),
        Type::Integer { min: i64::MIN, max: i64::MAX } => format!("a whole number{of}"),
        Type::Integer { min, max: i64::MAX } => format!("a whole number{of} of at least {min}"),
        Type::Integer { min, max } => format!("a whole number{of} from {min} to {max}"),
        Type::Number { min, max, above_min, below_max } => {
            let low = if *above_min { "above" } else { "of at least" };
            let high = if *below_max { "below" } else { "of at most" };
            match (*min > f64::MIN, *max < f64::MAX) {
                (false, false) => format!("a number{of}"),
                (true, false) => format!("a number{of} {low} {min}"),
                (false, true) => format!("a number{of} {high} {max}"),
                (true, true) if !above_min && !below_max => format!("a number{of} from {min} to {max}"),
                (true, true) => format!("a number{of} {low} {min} and {high} {max}"),
            }
        }
        Type::Text => "a text".to_owned(),
        Type::Duration { min, max, .. } => format!(
            "a length of time such as `250ms`, `5s` or `1m 30s`, from {} to {}",
            length_of_time(*min),
            length_of_time(*max)
        ),
        Type::Size { min: i64::MIN..=0, max: i64::MAX } => "a size such as `16MiB`".to_owned(),
        Type::Size { min, max } => {
            let show = otelier_spec::size::show;
            format!("a size such as `16MiB`, from {} to {}", show(*min), show(*max))
        }
        Type::Word(words) => match words.len() {
            0..=12 => suggest::list(words.iter().map(|word| word.word)),
            _ => {
                let words: Vec<&str> = words.iter().map(|word| word.word).collect();
                format!("one of `{}`", words.join("`, `"))
            }
        },
        Type::List { of, min } => {
            let least = if *min > 0 { " with at least one item" } else { "" };
            format!("a list{least}; each item: {}", expected(of, None))
        }
        Type::Map(_) | Type::Section(_) => "a mapping".to_owned(),
        Type::Either(kinds) => either(kinds, unit),
    }
}

fn either(kinds: &[Type], unit: Option<&str>) -> String {
    let of_lists = |kind: &&Type| matches!(kind, Type::List { .. });
    let mut parts: Vec<String> = kinds.iter().filter(|kind| !of_lists(kind)).map(|kind| part(kind, unit)).collect();
    if kinds.iter().any(|kind| of_lists(&kind)) {
        let of = if parts.len() == 1 { "a list of such" } else { "a list of one kind of these" };
        parts.push(of.to_owned());
    }
    match parts.pop() {
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} or {last}", parts.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// One of several; of a mapping its keys, so that one sees what the choice is.
fn part(kind: &Type, unit: Option<&str>) -> String {
    match kind {
        Type::Section(section) => {
            format!("a mapping with {}", suggest::list(section.fields.iter().map(|field| field.key)))
        }
        Type::Word(words) => format!("`{}`", words.iter().map(|word| word.word).collect::<Vec<_>>().join("`, `")),
        kind => expected(kind, unit),
    }
}

/// The word that was probably meant.
pub(crate) fn nearest(text: &str, words: &[Word]) -> Option<&'static str> {
    (text.len() <= LONGEST_NAME).then(|| suggest::did_you_mean(text, words.iter().map(|word| word.word)))?
}

/// Names longer than this are compared with nothing: it would cost time and memory.
pub(crate) const LONGEST_NAME: usize = 100;

/// The length of time that this is, in nanoseconds; a bare number is in the unit `bare`.
pub(crate) fn nanoseconds(node: &Node, bare: &str) -> Option<u64> {
    let (bare, _) = unit(bare)?;
    match &node.value {
        Value::Integer(value) => u64::try_from(*value).ok()?.checked_mul(bare),
        Value::Number(value) => times(*value, bare),
        Value::Text(text) => parse_duration(text),
        _ => None,
    }
}

/// `250ms`, `5s`, `1m 30s`, `1.5h`: numbers with units, the larger unit first.
pub(crate) fn parse_duration(text: &str) -> Option<u64> {
    let mut sum = 0u64;
    let mut last = u64::MAX;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let (size, length) = unit(after.trim_start())?;
        if size >= last || number.starts_with('.') || number.ends_with('.') {
            return None;
        }
        let part = match number.parse::<u64>() {
            Ok(whole) => whole.checked_mul(size)?,
            Err(_) => times(number.parse().ok()?, size)?,
        };
        sum = sum.checked_add(part)?;
        last = size;
        rest = after.trim_start()[length..].trim_start();
    }
    Some(sum)
}

fn times(value: f64, size: u64) -> Option<u64> {
    let product = value * size as f64;
    (product.is_finite() && (0.0..9.0e18).contains(&product)).then(|| product.round() as u64)
}

/// The nanoseconds of the unit that the text begins with, and its length.
fn unit(text: &str) -> Option<(u64, usize)> {
    let length = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let size = match &text[..length] {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return None,
    };
    Some((size, length))
}

/// Nanoseconds, in the largest unit of which they are a whole number.
pub(crate) fn length_of_time(nanoseconds: u64) -> String {
    let units = [("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000)];
    let small = [("ms", 1_000_000), ("us", 1_000)];
    let unit = units.iter().chain(&small).find(|(_, size)| nanoseconds > 0 && nanoseconds.is_multiple_of(*size));
    match unit {
        Some((unit, size)) => format!("{}{unit}", nanoseconds / size),
        None if nanoseconds == 0 => "0".to_owned(),
        None => format!("{nanoseconds}ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    #[test]
    fn lengths_of_time_are_numbers_with_units() {
        for (text, expected) in [
            ("250ms", Some(250_000_000)),
            ("5s", Some(5_000_000_000)),
            ("5 s", Some(5_000_000_000)),
            ("1m 30s", Some(90_000_000_000)),
            ("1m30s", Some(90_000_000_000)),
            ("1.5h", Some(5_400_000_000_000)),
            ("0.5ms", Some(500_000)),
            ("30s 1m", None),
            ("1s 1s", None),
            ("5", None),
            ("s", None),
            ("", None),
            ("-5s", None),
            ("5.s", None),
            ("1.2.3s", None),
            ("99999999999999999999d", None),
            ("5fortnights", None),
        ] {
            assert_eq!(parse_duration(text), expected, "{text:?}");
        }
        let bare = |value| nanoseconds(&Node::new(value, Origin::Code), "ms");
        assert_eq!(bare(Value::Integer(250)), Some(250_000_000));
        assert_eq!(bare(Value::Number(0.5)), Some(500_000));
        assert_eq!(bare(Value::Integer(-1)), None);
        assert_eq!(bare(Value::Integer(i64::MAX)), None);
    }

    #[test]
    fn ranges_are_said_in_words() {
        let number = |min, max, above_min, below_max| Type::Number { min, max, above_min, below_max };
        for (kind, unit, text) in [
            (Type::Integer { min: 0, max: i64::MAX }, Some("ms"), "a whole number of milliseconds of at least 0"),
            (Type::Integer { min: -10, max: 20 }, None, "a whole number from -10 to 20"),
            (number(0.0, 1.0, false, false), None, "a number from 0 to 1"),
            (number(0.0, 1.0, true, false), None, "a number above 0 and of at most 1"),
            (number(0.0, f64::MAX, true, false), None, "a number above 0"),
            (
                Type::Duration { bare: "ms", min: 1_000_000, max: 86_400_000_000_000 },
                None,
                "a length of time such as `250ms`, `5s` or `1m 30s`, from 1ms to 1d",
            ),
            (Type::List { of: &Type::Text, min: 1 }, None, "a list with at least one item; each item: a text"),
        ] {
            assert_eq!(expected(&kind, unit), text);
        }
    }
}
