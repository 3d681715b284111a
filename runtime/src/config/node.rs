//! Settings as a tree: every value knows where it was written.

use super::shown::without_password;
use crate::error::{Place, Problem};
use std::fmt;
use std::sync::Arc;

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

/// What a [`Node`] holds.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing: `null`, `~`, or no text at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order it was written; no key twice.
    Map(Vec<Entry>),
}

/// A key of a mapping, and its value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub origin: Origin,
    /// The value.
    pub node: Node,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody said anything: the default.
    Default,
    /// The program's own code.
    Code,
    /// The environment variable of this name.
    Variable(String),
    /// A file, and whether environment variables were put in there.
    File(Arc<Span>),
}

/// A part of one line of a file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// The file.
    pub file: Arc<File>,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// How many characters it takes, at least 1.
    pub width: u32,
    /// The environment variables that were put in here, by `${…}`.
    pub variables: Vec<String>,
}

/// A file of settings.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct File {
    /// The file's name, as the user gave it.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl fmt::Debug for Value {
    // Not what texts and numbers say: they may be values of headers, and nothing here knows their keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(value) => f.debug_tuple("Bool").field(value).finish(),
            Self::Integer(_) => f.write_str("Integer(…)"),
            Self::Number(_) => f.write_str("Number(…)"),
            Self::Text(_) => f.write_str("Text(…)"),
            Self::List(items) => f.debug_tuple("List").field(items).finish(),
            Self::Map(entries) => f.debug_tuple("Map").field(entries).finish(),
        }
    }
}

impl fmt::Debug for File {
    // Not what is in it: that may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

impl Origin {
    /// The place of a problem with this, if it stands in a file.
    pub(crate) fn place(&self) -> Option<Place> {
        let Self::File(span) = self else { return None };
        let text = span.file.text.lines().nth(span.line as usize - 1).unwrap_or_default();
        Some(Place {
            file: span.file.name.clone(),
            line: span.line,
            column: span.column,
            width: span.width,
            text: if text.len() > Place::MAX_TEXT { String::new() } else { without_password(text) },
        })
    }

    /// A problem that stands here.
    pub(crate) fn problem(&self, sentence: impl fmt::Display) -> Problem {
        let problem = Problem::new(sentence);
        let Self::File(span) = self else { return problem };
        let problem = match self.place() {
            Some(place) => problem.at(place),
            None => problem,
        };
        match &span.variables[..] {
            [] => problem,
            names => problem.note(format_args!("after `{}` was put in", names.join("`, `"))),
        }
    }
}

impl fmt::Display for Origin {
    /// `default`, `code`, `$OTEL_SERVICE_NAME`, `otel.yaml:14:18`, `otel.yaml:14:18 with $OTEL_SERVICE_NAME`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Code => f.write_str("code"),
            Self::Variable(name) => write!(f, "${name}"),
            Self::File(span) => {
                write!(f, "{}:{}:{}", span.file.name, span.line, span.column)?;
                span.variables
                    .iter()
                    .enumerate()
                    .try_for_each(|(number, name)| write!(f, "{}${name}", if number == 0 { " with " } else { ", " }))
            }
        }
    }
}

impl Node {
    /// A value from there.
    pub(crate) fn new(value: Value, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// What the mapping has at `key`; `None` if this is no mapping, too.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The entries of a mapping; of anything else, none.
    pub fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a sequence; of anything else, none.
    pub fn items(&self) -> &[Node] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// Whether there is nothing.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self.value { Some(value) } else { None }
    }

    /// The whole number, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self.value {
            Value::Integer(value) => Some(value),
            // As JSON schema has it: a number without a fraction is whole.
            Value::Number(value) if value.fract() == 0.0 && value.abs() < 9.0e15 => Some(value as i64),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self.value {
            Value::Integer(value) => Some(value as f64),
            Value::Number(value) => Some(value),
            _ => None,
        }
    }
}
