//! When a rule matches a trace that enters the process.

use super::grounds::GroundsNumber;
use super::node::{Asked, Composed};
use crate::record::ambient::Ambient;
use crate::record::matching::{Condition, Patterns, Wanted};
use crate::record::view::{Value, constants, keyed, links_among};
use crate::record::{Callsite, Priority};
use crate::wire::Items;
use opentelemetry::KeyValue;
use opentelemetry::trace::Link;
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
    /// One of which the name has to match.
    pub(crate) names: Patterns,
    /// One of which the id of the schema has to match.
    pub(crate) schemas: Patterns,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) parents: Vec<Parent>,
    /// The call site's is at least this.
    pub(crate) priority: Option<Priority>,
    /// All of them have to be met.
    pub(crate) attributes: Vec<Condition>,
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
    pub(in crate::record) fn has_more_to_say(&self) -> bool {
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

    /// What is wanted says to the values of the span's own attribute with this key: of several one is enough. `None` if it has
    /// none.
    fn has(&self, Condition { key, wanted }: &Condition) -> Option<bool> {
        let of_callsite = of_constants(self.callsite, key, wanted);
        let given = match self.given {
            Given::Nothing => None,
            Given::KeyValues(all) => wanted.of(key, all),
            Given::Words(words) => Items(words)
                .filter_map(|item| keyed(self.callsite, &item))
                .filter(|(found, _)| *found.as_str() == **key)
                .map(|(_, value)| wanted.is(value))
                .reduce(|found, next| found || next),
        };
        // What there is, and of two what is true.
        of_callsite.max(given)
    }
}

/// What is wanted says to the attribute with this key that all spans of a call site have; `None` if they have none.
pub(super) fn of_constants(callsite: &'static Callsite, key: &str, wanted: &Wanted) -> Option<bool> {
    let those = constants(callsite).filter(|(found, _)| *found == key);
    those.map(|(_, value)| wanted.is(value)).reduce(|found, next| found || next)
}

/// What the span says of itself counts; where it does not say anything, what its context gives to all spans.
fn is_met(condition: &Condition, asked: &Asked<'_>) -> bool {
    let ambient = || condition.wanted.of(&condition.key, asked.context.map_or(&[], Ambient::of));
    asked.who.has(condition).or_else(ambient).unwrap_or_default()
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
        self.priority.is_none_or(|least| callsite.priority >= least)
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.schemas.is_empty() || schema.is_some_and(|id| self.schemas.have(id)))
            && (self.names.is_empty() || self.names.have(name))
    }

    pub(super) fn matches(&self, asked: &Asked<'_>) -> bool {
        self.matches_but_for_attributes(asked) && self.attributes.iter().all(|condition| is_met(condition, asked))
    }

    pub(super) fn matches_but_for_attributes(&self, asked: &Asked<'_>) -> bool {
        let parent = match (asked.parent.is_valid(), asked.parent.is_remote()) {
            (false, _) => Parent::None,
            (true, true) => Parent::Remote,
            (true, false) => Parent::Local,
        };
        let who = &asked.who;
        (self.parents.is_empty() || self.parents.contains(&parent)) && self.is_for(who.callsite, who.name, who.kind)
    }
}
