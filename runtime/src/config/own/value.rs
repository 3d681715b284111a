//! From a value as it was written to one of Rust's, by the description of its key.

use super::reader::Reader;
use crate::config::describe::Type;
use crate::config::shown::{short, without_password};
use crate::config::{Node, Origin, Value};
use otelier_spec::{duration, size, suggest};
use std::time::Duration;

/// What is expected of a value, for the end of a sentence.
pub(crate) fn expected(kind: &Type) -> String {
    match kind {
        Type::Bool => "`true` or `false`".to_owned(),
        Type::Integer { min, max } => whole(*min, *max),
        Type::Number { min, max, above_min, below_max } => numbers(*min, *max, *above_min, *below_max),
        Type::Text => "a text".to_owned(),
        Type::Duration { bare, min, max } => {
            let example = if bare.is_empty() {
                "a length of time such as `250ms`".to_owned()
            } else {
                format!("a length of time such as `250ms`, or a number in `{bare}`")
            };
            format!("{example}{}", limits(&durations(*min, *max)))
        }
        Type::Size { min, max } => format!("a size such as `16MiB`{}", limits(&sizes(*min, *max))),
        Type::Word(words) => suggest::list(words.iter().map(|word| word.word)),
        Type::List { of, .. } => format!("a list, each of it {}", expected(of)),
        Type::Map(of) => format!("a mapping, each value of it {}", expected(of)),
        Type::Section(section) => {
            format!("a mapping with {}", suggest::list(section.fields.iter().map(|field| field.key)))
        }
        Type::Either(types) => types.iter().map(expected).collect::<Vec<_>>().join(", or "),
        Type::Any => "anything".to_owned(),
    }
}

fn limits(range: &str) -> String {
    if range.is_empty() { String::new() } else { format!(", {range}") }
}

/// The range of a type for tables; nothing if it has none.
pub(crate) fn range(kind: &Type) -> String {
    match kind {
        Type::Integer { min, max } => whole(*min, *max).trim_start_matches("a whole number").trim().to_owned(),
        Type::Number { min, max, above_min, below_max } => {
            numbers(*min, *max, *above_min, *below_max).trim_start_matches("a number").trim().to_owned()
        }
        Type::Duration { min, max, .. } => durations(*min, *max),
        Type::Size { min, max } => sizes(*min, *max),
        Type::Word(words) => words.iter().map(|word| format!("`{}`", word.word)).collect::<Vec<_>>().join(", "),
        Type::List { of, .. } | Type::Map(of) => range(of),
        _ => String::new(),
    }
}

fn whole(min: i64, max: i64) -> String {
    match (min, max) {
        (i64::MIN, i64::MAX) => "a whole number".to_owned(),
        (min, i64::MAX) => format!("a whole number from {min}"),
        (i64::MIN, max) => format!("a whole number up to {max}"),
        (min, max) => format!("a whole number from {min} to {max}"),
    }
}

fn numbers(min: f64, max: f64, above_min: bool, below_max: bool) -> String {
    let (low, high) = (min > -f64::from(f32::MAX), max < f64::from(f32::MAX));
    let least = if above_min { format!("above {min:?}") } else { format!("{min:?}") };
    match (low, high, below_max) {
        (false, false, _) => "a number".to_owned(),
        (true, false, _) if above_min => format!("a number {least}"),
        (true, false, _) => format!("a number from {least}"),
        (false, true, true) => format!("a number below {max:?}"),
        (false, true, false) => format!("a number up to {max:?}"),
        (true, true, true) => format!("{least} to below {max:?}"),
        (true, true, false) => format!("{least} to {max:?}"),
    }
}

fn durations(min: u64, max: u64) -> String {
    let show = |nanos| duration::show(Duration::from_nanos(nanos));
    // What ends right below a round number was written as a range without its end.
    let most = if max % 1_000 == 999 { format!("below {}", show(max + 1)) } else { show(max) };
    match (min, max) {
        (0, u64::MAX) => String::new(),
        (min, u64::MAX) => format!("from {}", show(min)),
        (0, max) if max % 1_000 == 999 => most,
        (0, _) => format!("up to {most}"),
        _ => format!("from {} to {most}", show(min)),
    }
}

fn sizes(min: i64, max: i64) -> String {
    match (min, max) {
        (0, i64::MAX) => String::new(),
        (min, i64::MAX) => format!("from {}", size::show(min)),
        (0, max) => format!("up to {}", size::show(max)),
        (min, max) => format!("from {} to {}", size::show(min), size::show(max)),
    }
}

/// The text of a value that has no types of its own: of a variable, or of one that a default spells.
fn untyped(node: &Node) -> Option<&str> {
    if matches!(node.origin, Origin::File(_)) { None } else { node.as_text() }
}

/// How a value is shown in a sentence: short, on one line, without passwords.
pub(crate) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Number(value) => format!("{value:?}"),
        Value::Text(text) => without_password(text),
        Value::List(_) => return "a list".to_owned(),
        Value::Map(_) => return "a mapping".to_owned(),
    };
    format!("`{}`", short(&text))
}

/// The value if `found` is one; else the problem is told.
fn found<T>(found: Option<T>, node: &Node, kind: &Type, at: &mut Reader<'_>) -> Option<T> {
    if found.is_none() {
        at.refuse(node, &expected(kind));
    }
    found
}

pub(super) fn truth(node: &Node, kind: &Type, at: &mut Reader<'_>) -> Option<bool> {
    let value = node.as_bool().or_else(|| {
        let text = untyped(node)?;
        [true, false].into_iter().find(|value| text.eq_ignore_ascii_case(&value.to_string()))
    });
    found(value, node, kind, at)
}

pub(super) fn integer(node: &Node, kind: &Type, at: &mut Reader<'_>) -> Option<i64> {
    let (text, is_size) = (untyped(node), matches!(kind, Type::Size { .. }));
    // `16MiB` is a text in a file, too.
    let size = if is_size { node.as_text().and_then(size::parse) } else { None };
    let value = node.as_integer().or(size).or_else(|| text.filter(|_| !is_size)?.parse().ok());
    let value = value.filter(|value| match kind {
        Type::Integer { min, max } | Type::Size { min, max } => (min..=max).contains(&value),
        _ => true,
    });
    found(value, node, kind, at)
}

pub(super) fn number(node: &Node, kind: &Type, at: &mut Reader<'_>) -> Option<f64> {
    let value = node.as_number().or_else(|| untyped(node)?.parse().ok());
    let value = value.filter(|value| match kind {
        Type::Number { min, max, above_min, below_max } => {
            (min..=max).contains(&value) && !(*above_min && value <= min) && !(*below_max && value >= max)
        }
        _ => value.is_finite(),
    });
    found(value, node, kind, at)
}

pub(super) fn text<'n>(node: &'n Node, kind: &Type, at: &mut Reader<'_>) -> Option<&'n str> {
    if node.as_text().is_none() && matches!(node.value, Value::Bool(_) | Value::Integer(_) | Value::Number(_)) {
        at.refuse_with_help(node, &expected(kind), "put it in quotes");
        return None;
    }
    found(node.as_text(), node, kind, at)
}

pub(super) fn length_of_time(node: &Node, kind: &Type, at: &mut Reader<'_>) -> Option<Duration> {
    let Type::Duration { bare, min, max } = kind else { return found(None, node, kind, at) };
    let number = match &node.value {
        Value::Integer(value) => Some(value.to_string()),
        Value::Number(value) if *value >= 0.0 => Some(value.to_string()),
        Value::Text(text) if matches!(node.origin, Origin::Variable(_)) && text.parse::<f64>().is_ok() => {
            Some(text.clone())
        }
        _ => None,
    };
    let value = match number {
        Some(_) if bare.is_empty() => None,
        Some(number) => duration::parse(&format!("{number}{bare}")),
        None => node.as_text().and_then(duration::parse_sum),
    };
    let in_range = |value: &Duration| u64::try_from(value.as_nanos()).is_ok_and(|nanos| (*min..=*max).contains(&nanos));
    found(value.filter(in_range), node, kind, at)
}

/// Which of the words it is.
pub(super) fn word(node: &Node, kind: &Type, at: &mut Reader<'_>) -> Option<usize> {
    let Type::Word(words) = kind else { return found(None, node, kind, at) };
    let position = node.as_text().and_then(|text| words.iter().position(|word| word.word == text));
    found(position, node, kind, at)
}
