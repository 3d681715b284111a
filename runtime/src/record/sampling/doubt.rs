//! What is left to ask where a trace begins, once its call site is known: the rules that look at attributes, up to the first
//! that matches whatever the attributes are.
//!
//! ```text
//! rules of a sampler ──► of those that can match at the call site   (found once for each call site and thread)
//!                          │ values: walked once, each asked all questions about its key
//!                          ▼
//!                        the first rule whose questions are all answered with yes ──► its outcome
//! ```

use super::RuleNode;
use super::node::{Asked, Outcome};
use super::rules::{Given, of_constants};
use crate::record::Callsite;
use crate::record::matching::{Condition, Wanted, length_bit};
use crate::record::view::Value;
use crate::wire::{self, Items, Payload};
use opentelemetry::KeyValue;
use otelier_spec::MAX_ATTRIBUTES;
use std::ops::Range;
use std::sync::Arc;

/// A key that nobody asks for.
const NOBODY: u8 = u8::MAX;

/// Rules that attributes decide about.
#[derive(Debug)]
pub(super) struct Doubt {
    keys: Box<[Key]>,
    /// Which of the keys the call site's indices stand for.
    by_index: Box<[u8]>,
    /// Those about one key are together. Each has a bit.
    questions: Box<[Question]>,
    /// For each rule the bits of its questions; all have to be answered with yes.
    rules: Box<[u64]>,
}

/// A key that rules ask for.
#[derive(Debug)]
struct Key {
    name: Box<str>,
    /// Where its questions are.
    questions: Range<u8>,
    /// Whether what the context gives counts if the span says nothing: the call site has no value of its own.
    falls_back: bool,
}

/// What a rule asks of an attribute.
#[derive(Debug)]
struct Question {
    wanted: Arc<Wanted>,
    /// See [`Wanted::lengths`].
    lengths: u64,
    bit: u64,
}

/// What attributes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The rule in this place matches.
    Rule(u8),
    /// None of them does.
    None,
    /// The rules have to be tried one by one.
    Unknown,
}

/// What becomes of traces that begin at a call site.
#[derive(Debug)]
pub(super) struct Outlook {
    /// Where no attribute decides; `None`: that is not one thing.
    pub(super) otherwise: Option<Outcome>,
    /// Rules that attributes decide about, and what becomes of the traces that each of them matches.
    pub(super) doubt: Option<(Doubt, Vec<Option<Outcome>>)>,
}

impl Outlook {
    /// Of such a trace, of which no more is looked at than its call site. `None` if the rules have to be tried one by one: they ask
    /// too many questions.
    pub(super) fn of(all: &[RuleNode], asked: &Asked<'_>) -> Option<Self> {
        let callsite = asked.who.callsite;
        // With whether the call site has a value of its own.
        let mut keys: Vec<(&str, bool)> = Vec::new();
        // With the numbers of their keys.
        let mut questions: Vec<(usize, Question)> = Vec::new();
        let (mut rules, mut outcomes) = (Vec::new(), Vec::new());
        let mut otherwise = Some(Outcome::NO_RULE);
        for rule in all.iter().filter(|rule| rule.when.matches_but_for_attributes(asked)) {
            let (known_keys, known_questions) = (keys.len(), questions.len());
            let (mut bits, mut is_possible) = (0, true);
            for Condition { key, wanted } in &rule.when.attributes {
                let constant = of_constants(callsite, key, wanted);
                if constant == Some(true) {
                    continue;
                }
                is_possible &= callsite.given || constant.is_none();
                let number = keys.iter().position(|(known, _)| **known == **key).unwrap_or_else(|| {
                    keys.push((key, constant.is_some()));
                    keys.len() - 1
                });
                let bit = u32::try_from(questions.len()).ok().and_then(|number| 1_u64.checked_shl(number))?;
                questions.push((number, Question { wanted: Arc::clone(wanted), lengths: wanted.lengths(), bit }));
                bits |= bit;
            }
            if !is_possible {
                keys.truncate(known_keys);
                questions.truncate(known_questions);
            } else if bits == 0 {
                otherwise = rule.outcome(asked);
                break;
            } else {
                rules.push(bits);
                outcomes.push(rule.outcome(asked));
            }
        }
        let doubt = (!rules.is_empty()).then(|| (Doubt::new(callsite, &keys, questions, rules), outcomes));
        Some(Self { otherwise, doubt })
    }
}

fn by_index(callsite: &'static Callsite, keys: &[(&str, bool)]) -> Box<[u8]> {
    let own = callsite.keys.len() + if callsite.schema.is_some() { MAX_ATTRIBUTES } else { 0 };
    let number = |index: usize| {
        let key = u16::try_from(index).ok().and_then(|index| callsite.key(index))?;
        keys.iter().position(|(wanted, _)| *wanted == key)
    };
    (0..own).map(|index| number(index).map_or(NOBODY, |number| number as u8)).collect()
}

impl Doubt {
    fn new(
        callsite: &'static Callsite,
        keys: &[(&str, bool)],
        mut questions: Vec<(usize, Question)>,
        rules: Vec<u64>,
    ) -> Self {
        questions.sort_by_key(|(key, _)| *key);
        let before = |key: usize| questions.partition_point(|(of, _)| *of < key) as u8;
        let key = |(number, (name, has_constant)): (usize, &(&str, bool))| Key {
            name: (*name).into(),
            questions: before(number)..before(number + 1),
            falls_back: !has_constant,
        };
        Self {
            by_index: by_index(callsite, keys),
            keys: keys.iter().enumerate().map(key).collect(),
            questions: questions.into_iter().map(|(_, question)| question).collect(),
            rules: rules.into(),
        }
    }

    /// The first rule whose questions these attributes answer with yes: the span's own, and those that its context gives.
    #[inline]
    pub(super) fn ask(&self, given: Given<'_>, ambient: &[KeyValue]) -> Found {
        let (yes, said) = match given {
            Given::Nothing => (0, 0),
            Given::Words(words) => self.ask_words(words),
            Given::KeyValues(_) => return Found::Unknown,
        };
        let yes = if ambient.is_empty() { yes } else { yes | self.ask_context(said, ambient) };
        // Most traces answer nothing with yes.
        let is_met = |bits: &u64| yes & bits == *bits;
        if yes == 0 {
            Found::None
        } else {
            self.rules.iter().position(is_met).map_or(Found::None, |rule| Found::Rule(rule as u8))
        }
    }

    /// The bits of the questions that these values answer with yes, of several of one key one of them; and of the keys that are
    /// there.
    #[inline(never)]
    fn ask_words(&self, words: &[u64]) -> (u64, u64) {
        let (mut yes, mut said) = (0, 0);
        let mut items = Items(words);
        while let Some(&head) = items.0.first() {
            // Most values are texts.
            if head as u8 == wire::STR {
                let Some(item) = items.next() else { break };
                if let (Some(key), Payload::Str(text)) = (self.number(head), item.payload) {
                    said |= 1 << key;
                    let length = length_bit(text.len());
                    yes |= self.answers(key, |asked| asked.lengths & length != 0 && asked.wanted.is_text(text));
                }
            } else {
                let (more, key) = self.ask_other(&mut items);
                (yes, said) = (yes | more, said | key);
            }
        }
        (yes, said)
    }

    /// The same of one item.
    #[inline(never)]
    fn ask_other(&self, items: &mut Items<'_>) -> (u64, u64) {
        let head = items.0[0];
        let Some(item) = items.next() else {
            items.0 = &[];
            return (0, 0);
        };
        let (key, value) = match item.payload {
            Payload::Words(words) if item.tag == wire::KEYED => {
                let mut parts = Items(words);
                let Some(Payload::Str(name)) = parts.next().map(|part| part.payload) else { return (0, 0) };
                (self.keys.iter().position(|key| *key.name == *name), parts.next())
            }
            _ => (self.number(head), Some(item)),
        };
        let value = value.and_then(|item| Value::of(item.tag, item.payload));
        match key.zip(value) {
            Some((key, value)) => (self.answers(key, |asked| asked.wanted.is(value)), 1 << key),
            None => (0, 0),
        }
    }

    /// The key that an item is of which has an index.
    #[inline]
    fn number(&self, head: u64) -> Option<usize> {
        self.by_index.get(usize::from(wire::index_of(head))).copied().filter(|key| *key != NOBODY).map(usize::from)
    }

    #[inline]
    fn answers(&self, key: usize, is: impl Fn(&Question) -> bool) -> u64 {
        let Some(Range { start, end }) = self.keys.get(key).map(|key| key.questions.clone()) else { return 0 };
        let questions = self.questions.get(usize::from(start)..usize::from(end)).unwrap_or_default();
        questions.iter().fold(0, |yes, question| if is(question) { yes | question.bit } else { yes })
    }

    /// The bits of the questions about what the span does not say that the context answers with yes.
    #[cold]
    #[inline(never)]
    fn ask_context(&self, said: u64, ambient: &[KeyValue]) -> u64 {
        let keys = self.keys.iter().enumerate().filter(|(number, key)| key.falls_back && said & 1 << number == 0);
        keys.fold(0, |yes, (number, key)| {
            yes | self.answers(number, |asked| asked.wanted.of(&key.name, ambient).unwrap_or_default())
        })
    }
}
