//! When a rule matches a trace that enters the process.

use super::node::{Asked, Composed};
use crate::record::Callsite;
use crate::record::view::{Value, constants, keyed};
use crate::wire::Items;
use opentelemetry::{Array, KeyValue};
use otelier_spec::Kind;

/// A rule: a sampler, and when it is asked.
#[derive(Debug)]
pub(crate) struct RuleNode {
    /// Among all rules of the sampler that is installed.
    pub(crate) number: usize,
    pub(crate) when: Match,
    pub(crate) sampler: Composed,
}

/// What a trace's first span here has to be like; an empty list asks for nothing.
#[derive(Debug, Default)]
pub(crate) struct Match {
    /// Patterns, one of which the name has to match.
    pub(crate) names: Vec<String>,
    /// A key, and texts of which its value has to be one.
    pub(crate) values: Option<(String, Vec<String>)>,
    /// A key, patterns of which its value has to match one, and patterns of which it must match none.
    pub(crate) patterns: Option<(String, Vec<String>, Vec<String>)>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) parents: Vec<Parent>,
}

/// Where the parent of a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    None,
    Remote,
    Local,
}

/// The span that asks.
#[derive(Clone, Copy)]
pub(in crate::record) struct Who<'a> {
    pub(in crate::record) callsite: &'static Callsite,
    pub(in crate::record) name: &'a str,
    pub(in crate::record) kind: Kind,
    pub(in crate::record) given: Given<'a>,
}

/// Attributes that the span has from the start, besides its call site's.
#[derive(Clone, Copy)]
pub(in crate::record) enum Given<'a> {
    Nothing,
    KeyValues(&'a [KeyValue]),
    /// As they are recorded.
    Words(&'a [u64]),
}

impl From<&'static Callsite> for Who<'_> {
    fn from(callsite: &'static Callsite) -> Self {
        Self { callsite, name: callsite.name, kind: callsite.kind, given: Given::Nothing }
    }
}

impl Who<'_> {
    /// Whether there are values of attributes to come.
    pub(super) fn has_more_to_say(&self) -> bool {
        self.callsite.given && matches!(self.given, Given::Nothing)
    }

    /// The attribute with this key if it is an integer.
    pub(super) fn int(&self, key: &str) -> Option<i64> {
        let of_view = |value: Value<'_>| match value {
            Value::Int(number) => Some(number),
            _ => None,
        };
        match self.given {
            Given::Nothing => None,
            Given::KeyValues(all) => {
                all.iter().find(|given| given.key.as_str() == key).and_then(|given| match given.value {
                    opentelemetry::Value::I64(number) => Some(number),
                    _ => None,
                })
            }
            Given::Words(words) => Items(words)
                .filter_map(|item| keyed(self.callsite, &item))
                .find_map(|(found, value)| (found.as_str() == key).then(|| of_view(value)).flatten()),
        }
        .or_else(|| {
            constants(self.callsite).find_map(|(found, value)| (found == key).then(|| of_view(value)).flatten())
        })
    }

    /// Whether the span has an attribute with this key whose value is as `is` says: of a list, one of the values.
    fn has(&self, key: &str, is: &dyn Fn(&str) -> bool) -> bool {
        let by_view = |found: &str, value: Value<'_>| found == key && value_is(value, is);
        if constants(self.callsite).any(|(found, value)| by_view(found, value)) {
            return true;
        }
        match self.given {
            Given::Nothing => false,
            Given::KeyValues(all) => all.iter().any(|given| given.key.as_str() == key && owned_is(&given.value, is)),
            Given::Words(words) => Items(words)
                .filter_map(|item| keyed(self.callsite, &item))
                .any(|(found, value)| by_view(found.as_str(), value)),
        }
    }
}

/// Whether a value, or one of a list, is as `is` says of its text.
fn value_is(value: Value<'_>, is: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::Str(text) => is(text),
        Value::Int(number) => is(&number.to_string()),
        Value::Double(number) => is(&number.to_string()),
        Value::Bool(value) => is(if value { "true" } else { "false" }),
        Value::List(list) => list.values().any(|value| value_is(value, is)),
    }
}

/// The same for a value as OpenTelemetry has it.
fn owned_is(value: &opentelemetry::Value, is: &dyn Fn(&str) -> bool) -> bool {
    use opentelemetry::Value as Owned;
    match value {
        Owned::Array(Array::Bool(values)) => values.iter().any(|value| is(&value.to_string())),
        Owned::Array(Array::I64(values)) => values.iter().any(|value| is(&value.to_string())),
        Owned::Array(Array::F64(values)) => values.iter().any(|value| is(&value.to_string())),
        Owned::Array(Array::String(values)) => values.iter().any(|value| is(value.as_str())),
        single => is(&single.as_str()),
    }
}

impl Match {
    pub(super) fn asks_attributes(&self) -> bool {
        self.values.is_some() || self.patterns.is_some()
    }

    pub(super) fn matches(&self, asked: &Asked<'_>) -> bool {
        let parent = match (asked.parent.is_valid(), asked.parent.is_remote()) {
            (false, _) => Parent::None,
            (true, true) => Parent::Remote,
            (true, false) => Parent::Local,
        };
        let who = &asked.who;
        (self.parents.is_empty() || self.parents.contains(&parent))
            && (self.kinds.is_empty() || self.kinds.contains(&who.kind))
            && (self.names.is_empty() || self.names.iter().any(|name| is_like(name, who.name)))
            && self.values.as_ref().is_none_or(|(key, values)| who.has(key, &|text| values.iter().any(|v| v == text)))
            && self.patterns.as_ref().is_none_or(|(key, included, excluded)| {
                who.has(key, &|text| {
                    (included.is_empty() || included.iter().any(|pattern| is_like(pattern, text)))
                        && !excluded.iter().any(|pattern| is_like(pattern, text))
                })
            })
    }
}

/// Whether a text matches a pattern, in which `?` stands for any character and `*` for any number of them.
fn is_like(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on if the rest does not match: the last `*` takes one character more.
    let mut again = None;
    loop {
        let mut rest = text.clone();
        let matches = match (pattern.next(), rest.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                again = Some((pattern.clone(), text.clone()));
                continue;
            }
            (Some('?'), Some(_)) => true,
            (Some(wanted), Some(found)) => wanted == found,
            _ => false,
        };
        if matches {
            text = rest;
            continue;
        }
        let Some((after, mut taken)) = again else { return false };
        if taken.next().is_none() {
            return false;
        }
        (pattern, text) = (after.clone(), taken.clone());
        again = Some((after, taken));
    }
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn patterns_match_as_the_declarative_file_says() {
        for (pattern, text, matches) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "/health", true),
            ("/health*", "/healthz", true),
            ("/health*", "/Health", false),
            ("4??", "404", true),
            ("4??", "40", false),
            ("4??", "4040", false),
            ("*/internal/*", "GET /internal/metrics", true),
            ("*/internal/*", "GET /internal", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("*.rs", "main.rs.rs", true),
            ("?", "ü", true),
            ("über*", "übermut", true),
            ("a?b", "a?b", true),
            ("**a", "bba", true),
        ] {
            assert_eq!(is_like(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "safe code that takes Miri minutes")]
    fn a_pattern_with_many_stars_takes_no_time_to_fail() {
        assert!(!is_like(&"*a".repeat(40), &"a".repeat(39)));
        assert!(!is_like(&format!("{}b", "*a".repeat(200)), &"a".repeat(5000)));
    }
}
