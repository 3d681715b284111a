//! What `#[derive(TelemetryConfig)]` has rustc evaluate while it compiles.

use crate::config::describe::{Count, Field, Others, Section, Type};
use crate::config::{Node, Origin, Value};

/// A value that stands in the source.
#[derive(Clone, Copy, Debug)]
pub enum Fixed {
    /// None.
    Nothing,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a point.
    Number(f64),
    /// A text, and what it is as a length of time in nanoseconds and as a size in bytes.
    Text(&'static str, Option<u64>, Option<i64>),
    /// A list.
    List(&'static [Fixed]),
}

impl Fixed {
    /// The same as a value that was read.
    pub(super) fn node(&self) -> Option<Node> {
        let value = match *self {
            Self::Nothing => return None,
            Self::Bool(value) => Value::Bool(value),
            Self::Integer(value) => Value::Integer(value),
            Self::Number(value) => Value::Number(value),
            Self::Text(text, ..) => Value::Text(text.to_owned()),
            Self::List(items) => Value::List(items.iter().filter_map(Self::node).collect()),
        };
        Some(Node::new(value, Origin::Default))
    }
}

/// A range that stands in the source.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The least value.
    pub min: Fixed,
    /// The greatest value.
    pub max: Fixed,
    /// Whether `max` itself is out of range.
    pub below_max: bool,
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether a value is one of that type.
pub const fn fits(kind: &Type, value: &Fixed) -> bool {
    match (kind, value) {
        (Type::Bool, Fixed::Bool(_)) | (Type::Text, Fixed::Text(..)) | (Type::Any | Type::Either(_), _) => true,
        (Type::Integer { min, max } | Type::Size { min, max }, Fixed::Integer(value)) => {
            *min <= *value && *value <= *max
        }
        (Type::Size { min, max }, Fixed::Text(_, _, Some(value))) => *min <= *value && *value <= *max,
        (Type::Number { min, max, .. }, Fixed::Number(value)) => *min <= *value && *value <= *max,
        (Type::Number { min, max, .. }, Fixed::Integer(value)) => *min <= *value as f64 && *value as f64 <= *max,
        (Type::Duration { min, max, .. }, Fixed::Text(_, Some(value), _)) => *min <= *value && *value <= *max,
        (Type::Duration { bare, .. }, Fixed::Integer(value)) => !bare.is_empty() && *value >= 0,
        (Type::Word(words), Fixed::Text(text, ..)) => {
            let mut at = 0;
            while at < words.len() {
                if same(words[at].word, text) {
                    return true;
                }
                at += 1;
            }
            false
        }
        (Type::List { of, .. }, Fixed::List(items)) => {
            let mut at = 0;
            while at < items.len() {
                if !fits(of, &items[at]) {
                    return false;
                }
                at += 1;
            }
            true
        }
        (Type::Map(_), Fixed::List(items)) => items.is_empty(),
        _ => false,
    }
}

/// Whether values of the type can be held against the range: those of texts and lists cannot.
pub const fn has_range(kind: &Type, range: &Range) -> bool {
    is_edge(kind, &range.min) && is_edge(kind, &range.max)
}

const fn is_edge(kind: &Type, edge: &Fixed) -> bool {
    match (kind, edge) {
        (Type::Integer { .. } | Type::Number { .. } | Type::Duration { .. } | Type::Size { .. }, Fixed::Nothing) => {
            true
        }
        (Type::Integer { .. } | Type::Number { .. } | Type::Size { .. } | Type::Duration { .. }, edge) => {
            fits(kind, edge)
        }
        _ => false,
    }
}

/// Whether values of the type can have the unit.
pub const fn has_unit(kind: &Type, unit: &str) -> bool {
    match kind {
        Type::Integer { .. } | Type::Number { .. } => true,
        Type::Duration { .. } => {
            same(unit, "ns")
                || same(unit, "us")
                || same(unit, "ms")
                || same(unit, "s")
                || same(unit, "m")
                || same(unit, "h")
        }
        Type::List { of, .. } | Type::Map(of) => has_unit(of, unit) && !matches!(of, Type::Duration { .. }),
        _ => false,
    }
}

/// The type with the unit: bytes may have one of their own, and bare lengths of time have this one.
pub const fn with_unit(kind: Type, unit: &'static str) -> Type {
    match kind {
        Type::Integer { min, max } if same(unit, "By") => Type::Size { min, max },
        Type::Duration { min, max, .. } => Type::Duration { bare: unit, min, max },
        kind => kind,
    }
}

/// The type within the range.
pub const fn within(kind: Type, range: &Range) -> Type {
    let end = range.below_max as i64;
    match kind {
        Type::Integer { min, max } => {
            let (min, max) = whole(min, max, range, end);
            Type::Integer { min, max }
        }
        Type::Size { min, max } => {
            let (min, max) = whole(min, max, range, end);
            Type::Size { min, max }
        }
        Type::Number { min, max, .. } => Type::Number {
            min: number(&range.min, min),
            max: number(&range.max, max),
            above_min: false,
            below_max: range.below_max,
        },
        Type::Duration { bare, min, max } => {
            let min = if let Fixed::Text(_, Some(nanos), _) = range.min { nanos } else { min };
            let max = if let Fixed::Text(_, Some(nanos), _) = range.max { nanos - end as u64 } else { max };
            Type::Duration { bare, min, max }
        }
        kind => kind,
    }
}

const fn whole(min: i64, max: i64, range: &Range, end: i64) -> (i64, i64) {
    let min = match range.min {
        Fixed::Integer(least) | Fixed::Text(_, _, Some(least)) => least,
        _ => min,
    };
    let max = match range.max {
        Fixed::Integer(most) | Fixed::Text(_, _, Some(most)) => most - end,
        _ => max,
    };
    (min, max)
}

const fn number(edge: &Fixed, otherwise: f64) -> f64 {
    match edge {
        Fixed::Integer(value) => *value as f64,
        Fixed::Number(value) => *value,
        _ => otherwise,
    }
}

/// Whether the value of such a type could be a credential.
pub const fn is_readable(kind: &Type) -> bool {
    match kind {
        Type::Text => true,
        Type::List { of, .. } | Type::Map(of) => is_readable(of),
        _ => false,
    }
}

/// A section without keys, in place of a flattened one that has its place elsewhere.
pub const EMPTY: &Section = &Section { name: "", doc: "", fields: &[], count: Count::Any, others: Others::Refused };

/// What a flattened struct adds to the section it stands in, or to the root if it has a place of its own.
pub const fn flattened(has_place: bool, to_root: bool, section: &'static Section) -> Type {
    Type::Section(if has_place == to_root { section } else { EMPTY })
}

/// How many variables set the fields of the section, at any depth.
pub const fn count_variables(section: &'static Section) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < section.fields.len() {
        let field = &section.fields[at];
        count += field.variables.len() + field.old_variables.len();
        if let Some(section) = inner(field)
            && !is_open(section)
        {
            count += count_variables(section);
        }
        at += 1;
    }
    count
}

/// How many keys the section has, with those of flattened structs and old ones.
pub const fn count_keys(section: &'static Section) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < section.fields.len() {
        let field = &section.fields[at];
        count += match inner(field) {
            Some(section) if field.flatten => count_keys(section),
            _ => 1 + field.old_keys.len(),
        };
        at += 1;
    }
    count
}

/// Whether it is the specification's root, whose keys are not the program's: its sections are within each other.
pub(super) const fn is_open(section: &Section) -> bool {
    matches!(section.others, Others::Free(_))
}

const fn inner(field: &Field) -> Option<&'static Section> {
    if let Type::Section(section) = field.kind { Some(section) } else { None }
}

/// The variables that [`count_variables`] counts.
pub const fn variables<const N: usize>(section: &'static Section) -> [&'static str; N] {
    let mut names = [""; N];
    add_variables(section, &mut names, 0);
    names
}

const fn add_variables(section: &'static Section, to: &mut [&'static str], mut count: usize) -> usize {
    let mut at = 0;
    while at < section.fields.len() {
        let field = &section.fields[at];
        count = add(field.variables, to, count);
        count = add(field.old_variables, to, count);
        if let Some(section) = inner(field)
            && !is_open(section)
        {
            count = add_variables(section, to, count);
        }
        at += 1;
    }
    count
}

/// The keys that [`count_keys`] counts.
pub const fn keys<const N: usize>(section: &'static Section) -> [&'static str; N] {
    let mut names = [""; N];
    add_keys(section, &mut names, 0);
    names
}

const fn add_keys(section: &'static Section, to: &mut [&'static str], mut count: usize) -> usize {
    let mut at = 0;
    while at < section.fields.len() {
        let field = &section.fields[at];
        count = match inner(field) {
            Some(section) if field.flatten => add_keys(section, to, count),
            _ => {
                to[count] = field.key;
                add(field.old_keys, to, count + 1)
            }
        };
        at += 1;
    }
    count
}

const fn add(names: &[&'static str], to: &mut [&'static str], mut count: usize) -> usize {
    let mut at = 0;
    while at < names.len() {
        to[count] = names[at];
        count += 1;
        at += 1;
    }
    count
}

/// A name that is there twice.
pub const fn twice(names: &[&'static str]) -> Option<&'static str> {
    let mut a = 0;
    while a < names.len() {
        let mut b = a + 1;
        while b < names.len() {
            if same(names[a], names[b]) {
                return Some(names[a]);
            }
            b += 1;
        }
        a += 1;
    }
    None
}

/// Whether the items of a list or a map of this type have variables, which would set every one of them.
pub const fn items_have_variables(kind: &Type) -> bool {
    match kind {
        Type::List { of, .. } | Type::Map(of) => match of {
            Type::Section(section) => count_variables(section) > 0,
            of => items_have_variables(of),
        },
        _ => false,
    }
}

/// A sentence of two parts and a name between them, for a panic while compiling.
pub const fn sentence<const N: usize>(parts: [&str; 3]) -> [u8; N] {
    let mut text = [b' '; N];
    let (mut to, mut part) = (0, 0);
    while part < 3 {
        let bytes = parts[part].as_bytes();
        let mut at = 0;
        while at < bytes.len() && to < N {
            text[to] = bytes[at];
            to += 1;
            at += 1;
        }
        part += 1;
    }
    text
}

/// The sentence of [`sentence`] as a text.
pub const fn as_text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes.trim_ascii_end()) {
        Ok(text) => text,
        Err(_) => "a name is given twice",
    }
}

/// Whether it is a struct's.
pub const fn is_section(kind: &Type) -> bool {
    matches!(kind, Type::Section(_))
}
