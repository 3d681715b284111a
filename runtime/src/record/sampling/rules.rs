//! When a rule matches a trace that enters the process.

use super::grounds::GroundsNumber;
use super::node::{Asked, Composed};
use crate::record::ambient::Ambient;
use crate::record::view::{Value, constants, keyed, links_among};
use crate::record::{Callsite, Priority};
use crate::wire::Items;
use opentelemetry::trace::Link;
use opentelemetry::{Array, KeyValue};
use otelier_spec::Kind;
use std::borrow::Cow;

/// A rule: a sampler, and when it is asked.
#[derive(Debug)]
pub(crate) struct RuleNode {
    /// Among all rules of the sampler that is installed.
    pub(crate) number: usize,
    /// Its own among the rules of the sampler; those that are too many share the last one.
    pub(super) bit: u64,
    /// What it is called where a decision is explained.
    pub(crate) name: Box<str>,
    pub(crate) when: Match,
    pub(crate) sampler: Composed,
    /// What there is to say of a trace that its sampler keeps.
    pub(super) grounds: GroundsNumber,
}

impl RuleNode {
    pub(super) const LAST_BIT: usize = u64::BITS as usize - 1;

    /// A rule without a name is called by its number: `rules[2]`.
    pub(crate) fn new(number: usize, name: Option<&str>, when: Match, sampler: Composed) -> Self {
        let name: Box<str> = name.map_or_else(|| format!("rules[{number}]").into(), Into::into);
        let grounds = sampler.grounds(Some(&name));
        Self { number, bit: 1 << number.min(Self::LAST_BIT), name, when, sampler, grounds }
    }
}

/// What a trace's first span here has to be like; an empty list asks for nothing.
#[derive(Debug, Default)]
pub(crate) struct Match {
    /// Patterns, one of which the name has to match.
    pub(crate) names: Vec<String>,
    /// Patterns, one of which the id of the schema has to match.
    pub(crate) schemas: Vec<String>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) parents: Vec<Parent>,
    /// The call site's is at least this.
    pub(crate) priority: Option<Priority>,
    /// All of them have to be met.
    pub(crate) attributes: Vec<Condition>,
}

/// What an attribute has to be like.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) key: String,
    pub(crate) wanted: Wanted,
}

#[derive(Debug)]
pub(crate) enum Wanted {
    /// One of these texts.
    Values(Vec<String>),
    /// A text that matches one of the first patterns, or there are none, and none of the second.
    Patterns(Vec<String>, Vec<String>),
    /// A number from here to there.
    Within(f64, f64),
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
    /// Besides those among what is given as words.
    pub(in crate::record) links: &'a [Link],
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
        Self { callsite, name: callsite.name, kind: callsite.kind, given: Given::Nothing, links: &[] }
    }
}

impl Who<'_> {
    /// Whether the span has its call site's name and kind.
    #[inline]
    pub(super) fn is_its_call_sites(&self) -> bool {
        self.kind == self.callsite.kind && std::ptr::eq(self.name, self.callsite.name)
    }

    /// Whether there are values of attributes, or links, to come.
    pub(super) fn has_more_to_say(&self) -> bool {
        (self.callsite.given || self.callsite.linked) && matches!(self.given, Given::Nothing)
    }

    /// The attributes that it has from the start, as OpenTelemetry has them.
    pub(super) fn attributes(&self) -> Vec<KeyValue> {
        let mut all: Vec<_> = constants(self.callsite).map(|(key, value)| KeyValue::new(key, value.owned())).collect();
        match self.given {
            Given::Nothing => {}
            Given::KeyValues(given) => all.extend_from_slice(given),
            Given::Words(words) => all.extend(
                Items(words)
                    .filter_map(|item| keyed(self.callsite, &item))
                    .map(|(key, value)| KeyValue::new(key.as_str().to_owned(), value.owned())),
            ),
        }
        all
    }

    /// The links that it has from the start.
    pub(super) fn links(&self) -> Cow<'_, [Link]> {
        match self.given {
            Given::Words(words) => {
                links_among(words).map(|link| link.owned()).chain(self.links.iter().cloned()).collect()
            }
            Given::Nothing | Given::KeyValues(_) => Cow::Borrowed(self.links),
        }
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

    /// Gives `f` the texts of the span's own attribute with this key.
    pub(super) fn texts(&self, key: &str, f: &mut dyn FnMut(&str)) {
        let mut view = |value: Value<'_>| {
            if let Value::Str(text) = value {
                f(text);
            }
        };
        constants(self.callsite).filter(|(found, _)| *found == key).for_each(|(_, value)| view(value));
        match self.given {
            Given::Nothing => {}
            Given::KeyValues(all) => {
                for given in all.iter().filter(|given| given.key.as_str() == key) {
                    if let opentelemetry::Value::String(text) = &given.value {
                        view(Value::Str(text.as_str()));
                    }
                }
            }
            Given::Words(words) => {
                let keyed = Items(words).filter_map(|item| keyed(self.callsite, &item));
                keyed.filter(|(found, _)| found.as_str() == key).for_each(|(_, value)| view(value));
            }
        }
    }

    /// Whether the value of the span's own attribute with this key is what is wanted: of a list, one of the values. `None` if it
    /// has none.
    fn has(&self, Condition { key, wanted }: &Condition) -> Option<bool> {
        let of_callsite =
            constants(self.callsite).filter(|(found, _)| found == key).map(|(_, value)| wanted.is_view(value));
        match self.given {
            Given::Nothing => any(of_callsite),
            Given::KeyValues(all) => any(of_callsite.chain(wanted.of(key, all))),
            Given::Words(words) => any(of_callsite.chain(
                Items(words)
                    .filter_map(|item| keyed(self.callsite, &item))
                    .filter(|(found, _)| found.as_str() == key)
                    .map(|(_, value)| wanted.is_view(value)),
            )),
        }
    }
}

/// Whether one of them is true; `None` if there are none.
fn any(all: impl Iterator<Item = bool>) -> Option<bool> {
    all.reduce(|found, next| found || next)
}

impl Condition {
    /// What the span says of itself counts; where it does not say anything, what its context gives to all spans.
    fn is_met(&self, asked: &Asked<'_>) -> bool {
        let ambient = || any(self.wanted.of(&self.key, asked.context.map_or(&[], Ambient::of)));
        asked.who.has(self).or_else(ambient).unwrap_or_default()
    }
}

impl Wanted {
    /// What it says to all of these that have the key.
    fn of(&self, key: &str, all: &[KeyValue]) -> impl Iterator<Item = bool> {
        all.iter().filter(move |given| given.key.as_str() == key).map(|given| self.is_owned(&given.value))
    }

    fn is_text(&self, text: &str) -> bool {
        match self {
            Self::Values(values) => values.iter().any(|value| value == text),
            Self::Patterns(included, excluded) => {
                (included.is_empty() || included.iter().any(|pattern| is_like(pattern, text)))
                    && !excluded.iter().any(|pattern| is_like(pattern, text))
            }
            // A text is no number, whatever it looks like.
            Self::Within(..) => false,
        }
    }

    fn is_int(&self, number: i64) -> bool {
        match self {
            Self::Within(..) => self.is_within(number as f64),
            _ => self.is_text(&number.to_string()),
        }
    }

    fn is_double(&self, number: f64) -> bool {
        match self {
            Self::Within(..) => self.is_within(number),
            _ => self.is_text(&number.to_string()),
        }
    }

    /// What is not a number lies nowhere.
    fn is_within(&self, number: f64) -> bool {
        matches!(self, Self::Within(min, max) if (*min..=*max).contains(&number))
    }

    fn is_bool(&self, value: bool) -> bool {
        self.is_text(if value { "true" } else { "false" })
    }

    fn is_view(&self, value: Value<'_>) -> bool {
        match value {
            Value::Str(text) => self.is_text(text),
            Value::Int(number) => self.is_int(number),
            Value::Double(number) => self.is_double(number),
            Value::Bool(value) => self.is_bool(value),
            Value::List(list) => list.values().any(|value| self.is_view(value)),
        }
    }

    /// The same for a value as OpenTelemetry has it.
    fn is_owned(&self, value: &opentelemetry::Value) -> bool {
        use opentelemetry::Value as Owned;
        match value {
            Owned::String(text) => self.is_text(text.as_str()),
            Owned::I64(number) => self.is_int(*number),
            Owned::F64(number) => self.is_double(*number),
            Owned::Bool(value) => self.is_bool(*value),
            Owned::Array(Array::Bool(values)) => values.iter().any(|value| self.is_bool(*value)),
            Owned::Array(Array::I64(values)) => values.iter().any(|value| self.is_int(*value)),
            Owned::Array(Array::F64(values)) => values.iter().any(|value| self.is_double(*value)),
            Owned::Array(Array::String(values)) => values.iter().any(|value| self.is_text(value.as_str())),
            other => self.is_text(&other.as_str()),
        }
    }
}

impl Match {
    pub(super) fn asks_attributes(&self) -> bool {
        !self.attributes.is_empty()
    }

    /// Whether it can match a span of this call site, if that has the call site's own name and kind. What nobody knows before
    /// there is a span, such as its attributes and its parent, may be as it wants.
    pub(super) fn is_possible_at(&self, callsite: &'static Callsite) -> bool {
        self.is_for(callsite, callsite.name, callsite.kind)
    }

    fn is_for(&self, callsite: &'static Callsite, name: &str, kind: Kind) -> bool {
        let schema = callsite.schema.map(|schema| schema.id);
        let is_one = |patterns: &[String], text: &str| patterns.iter().any(|pattern| is_like(pattern, text));
        self.priority.is_none_or(|least| callsite.priority >= least)
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.schemas.is_empty() || schema.is_some_and(|id| is_one(&self.schemas, id)))
            && (self.names.is_empty() || is_one(&self.names, name))
    }

    pub(super) fn matches(&self, asked: &Asked<'_>) -> bool {
        let parent = match (asked.parent.is_valid(), asked.parent.is_remote()) {
            (false, _) => Parent::None,
            (true, true) => Parent::Remote,
            (true, false) => Parent::Local,
        };
        let who = &asked.who;
        (self.parents.is_empty() || self.parents.contains(&parent))
            && self.is_for(who.callsite, who.name, who.kind)
            && self.attributes.iter().all(|condition| condition.is_met(asked))
    }
}

/// Whether a text matches a pattern, in which `?` stands for any character and `*` for any number of them.
pub(in crate::record) fn is_like(pattern: &str, text: &str) -> bool {
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
