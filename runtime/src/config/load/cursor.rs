//! A node, and how one gets there.

use super::Findings;
use crate::config::{Node, Origin, Value};
use crate::error::ConfigError;
use otelier_spec::suggest;
use std::path::PathBuf;
use std::time::Duration;

/// A node of a tree with its path, as messages have it: `tracer_provider.processors[0].batch`.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    node: &'a Node,
    /// Where the key stands; for messages about the whole of it.
    key: &'a Origin,
    path: String,
}

impl<'a> Cursor<'a> {
    pub(super) fn root(node: &'a Node) -> Self {
        Self { node, key: &node.origin, path: String::new() }
    }

    pub(super) fn node(&self) -> &'a Node {
        self.node
    }

    /// The value of a key, unless there is none or it is null.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        self.entry(key).filter(|cursor| !cursor.node.is_null())
    }

    /// The same, and null, too: `always_on:` says something without a value.
    pub(super) fn entry(&self, key: &str) -> Option<Self> {
        let entry = self.node.entries().iter().find(|entry| entry.key == key)?;
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Some(Self { node: &entry.node, key: &entry.origin, path })
    }

    pub(super) fn path(&self, keys: &[&str]) -> Option<Self> {
        keys.iter().try_fold(self.clone(), |cursor, key| cursor.get(key))
    }

    /// The items of a list at a key.
    pub(super) fn items(&self, key: &str) -> Vec<Self> {
        let Some(list) = self.get(key) else { return Vec::new() };
        let items = list.node.items().iter().enumerate();
        items.map(|(number, node)| Self { node, key: &node.origin, path: format!("{}[{number}]", list.path) }).collect()
    }

    /// What stands at a key: itself if it is a mapping, its items if it is a list.
    pub(super) fn one_or_more(&self, key: &str) -> Vec<Self> {
        match self.get(key) {
            Some(one) if matches!(one.node.value, Value::Map(_)) => vec![one],
            _ => self.items(key),
        }
    }

    /// Every key, with null values, too.
    pub(super) fn entries(&self) -> Vec<(&'a str, Self)> {
        self.node.entries().iter().filter_map(|entry| Some((entry.key.as_str(), self.entry(&entry.key)?))).collect()
    }

    /// The key of a mapping that has one.
    pub(super) fn only(&self) -> Option<(&'a str, Self)> {
        self.entries().into_iter().next()
    }

    pub(super) fn bool(&self) -> Option<bool> {
        self.node.as_bool()
    }

    pub(super) fn number(&self) -> Option<f64> {
        self.node.as_number()
    }

    /// A whole number that counts something.
    pub(super) fn size(&self) -> Option<usize> {
        let number = self.node.as_integer()?;
        // More than there can be is as many as there can be.
        (number >= 0).then(|| usize::try_from(number).unwrap_or(usize::MAX))
    }

    /// A number of bytes: `16MiB`, or a whole number.
    pub(super) fn bytes(&self) -> Option<u64> {
        let number = self.node.as_integer().or_else(|| otelier_spec::size::parse(self.text()?))?;
        u64::try_from(number).ok()
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.node.as_text()
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        self.items(key).iter().filter_map(|item| item.text().map(str::to_owned)).collect()
    }

    pub(super) fn file(&self) -> Option<PathBuf> {
        self.text().filter(|text| !text.is_empty()).map(PathBuf::from)
    }

    pub(super) fn milliseconds(&self) -> Option<Duration> {
        u64::try_from(self.node.as_integer()?).ok().map(Duration::from_millis)
    }

    /// A length of time as ours are written: `250ms`, or a number of milliseconds.
    pub(super) fn duration(&self) -> Option<Duration> {
        crate::config::values::nanoseconds(self.node, "ms").map(Duration::from_nanos)
    }

    /// A length of time of which 0 means that there is no end.
    pub(super) fn limit(&self) -> Option<Duration> {
        self.milliseconds().map(|limit| if limit.is_zero() { Duration::MAX } else { limit })
    }

    /// What a message calls it: the variable that said it, or the path in a file.
    pub(super) fn name(&self) -> String {
        match &self.node.origin {
            Origin::Variable(name) => name.clone(),
            _ => self.path.clone(),
        }
    }

    /// Where messages point: at a value, or at the key of what holds others.
    fn origin(&self) -> &'a Origin {
        match (&self.node.value, &self.node.origin) {
            (Value::Map(_) | Value::List(_) | Value::Null, Origin::File(_)) => self.key,
            (_, origin) => origin,
        }
    }

    /// Says that this cannot be used.
    pub(super) fn refuse(&self, reason: &str, findings: &mut Findings) {
        findings.errors.push(self.origin().problem(format_args!("`{}` cannot be used; {reason}", self.name())));
    }

    /// Says that the value is none of those accepted.
    pub(super) fn expected(&self, found: &str, expected: &str, findings: &mut Findings) {
        let sentence = format!("`{}` is `{found}`; expected {expected}", self.name());
        // One variable may be meant for several signals.
        findings.errors.absorb(self.origin().problem(sentence).into());
    }

    /// Says that this has no effect here.
    pub(super) fn warn(&self, reason: &str, findings: &mut Findings) {
        findings.warnings.push(self.origin().problem(format_args!("`{}` has no effect; {reason}", self.name())));
    }

    /// Says that there is no such component; `self` is its configuration.
    pub(super) fn unknown<'n>(&self, what: &str, known: impl Iterator<Item = &'n str>, findings: &mut Findings) {
        let known = suggest::list(known);
        self.refuse(&format!("there is no {what} of this name, expected {known}"), findings);
    }

    /// Takes over what was found of this value elsewhere.
    pub(super) fn absorb(&self, problems: ConfigError, findings: &mut Findings) {
        for problem in problems.problems() {
            findings.errors.push(self.origin().problem(problem.sentence()));
        }
    }
}
