//! Whether settings are what their descriptions ask for: every problem at once, each with its place.

#[cfg(all(test, feature = "config-file"))]
mod tests;

use super::describe::{Count, Field, Others, Section, Type};
use super::keys::own;
use super::shown::{found, kind, short};
use super::values::{LONGEST_NAME, expected, fits, is_scalar, nearest};
use super::{Entry, Node, Origin, Value, rules};
use crate::{ConfigError, Problem};
use otelier_spec::suggest;
use std::collections::HashMap;

/// Checks a mapping against the description of its keys, and adds every problem to `problems`, with its place.
///
/// Keys that the description does not have are problems, with the key that was probably meant. So are components that the
/// specification leaves to others, because nothing here would honour them.
///
/// ```
/// use otelier::config::{Document, Variables, check, keys};
/// use otelier::ConfigError;
///
/// let text = "file_format: \"1.1\"\ntracer_provider:\n  procesors: []\n";
/// let document = Document::parse("otel.yaml", text, &Variables::of([]))?;
/// let mut problems = ConfigError::default();
/// check(&document.root, &keys::CONFIGURATION, &mut problems);
/// assert_eq!(problems.problems()[0], "`tracer_provider.procesors` is unknown");
/// assert_eq!(problems.problems()[0].helps(), ["did you mean `processors`?"]);
/// assert_eq!(problems.problems()[1], "`tracer_provider.processors` is missing");
/// # Ok::<(), ConfigError>(())
/// ```
pub fn check(root: &Node, section: &'static Section, problems: &mut ConfigError) {
    check_with(root, section, &[], problems);
}

/// [`check`], with names of further keys at the root that belong to somebody else: they are not looked at.
pub fn check_with(root: &Node, section: &'static Section, others: &[&str], problems: &mut ConfigError) {
    let mut checker = Checker::default();
    let is_mapping = matches!(root.value, Value::Map(_));
    if is_mapping {
        checker.section("", root, section, &root.origin, others);
    } else {
        checker.report(root.origin.problem(format_args!("the settings are {}; expected a mapping", kind(root))));
    }
    checker.into(problems);
}

/// Every field of a section, with those of its flattened sections.
pub(crate) fn fields(section: &'static Section) -> Vec<&'static Field> {
    let mut all = Vec::new();
    for field in section.fields {
        match field.kind {
            Type::Section(inner) if field.flatten => all.extend(fields(inner)),
            _ => all.push(field),
        }
    }
    all
}

/// More mistakes than this help nobody.
const MAX_PROBLEMS: usize = 100;

/// What was found so far.
#[derive(Default)]
pub(super) struct Checker {
    problems: Vec<Problem>,
    /// Lines with secrets, and the column from which on they are not shown.
    secrets: HashMap<u32, u32>,
}

impl Checker {
    pub(super) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Whether there are so many problems that nothing more is looked at: each costs a search for its line.
    fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    fn into(self, problems: &mut ConfigError) {
        let is_full = self.is_full();
        for mut problem in self.problems {
            let line = problem.place().map(|place| place.line);
            if let Some(column) = line.and_then(|line| self.secrets.get(&line)) {
                problem.hide_from(*column);
            }
            problems.push(problem);
        }
        if is_full {
            problems.push("what comes after these problems was not looked at");
        }
    }

    /// Sees to it that no problem shows this value by its line.
    fn hide(&mut self, node: &Node) {
        if let Origin::File(span) = &node.origin {
            let column = self.secrets.entry(span.line).or_insert(span.column);
            *column = span.column.min(*column);
        }
        node.items().iter().for_each(|item| self.hide(item));
        node.entries().iter().for_each(|entry| self.hide(&entry.node));
    }

    /// Checks a mapping; `key` is where its name stands, `others` are keys that somebody else reads.
    fn section(&mut self, path: &str, node: &Node, section: &'static Section, key: &Origin, others: &[&str]) {
        let fields = fields(section);
        for entry in node.entries() {
            if self.is_full() {
                return;
            }
            let path = join(path, &entry.key);
            match fields.iter().find(|field| field.key == entry.key) {
                Some(field) => self.field(&path, &entry.node, field, &entry.origin),
                None => match fields.iter().find(|field| field.old_keys.contains(&&*entry.key)) {
                    Some(field) if node.get(field.key).is_some() => self.report(
                        entry
                            .origin
                            .problem(format_args!("`{path}` is the old name of `{}`, which is given, too", field.key)),
                    ),
                    Some(field) => self.field(&path, &entry.node, field, &entry.origin),
                    None if others.contains(&&*entry.key) => {}
                    None => self.unknown(&path, entry, section, &fields),
                },
            }
        }
        for field in fields.iter().filter(|field| field.required) {
            let is_given = |entry: &Entry| entry.key == field.key || field.old_keys.contains(&&*entry.key);
            if !node.entries().iter().any(is_given) {
                self.missing(&join(path, field.key), field, key);
            }
        }
        self.count(path, node, section, &fields, key);
        rules::section(path, node, section, self);
    }

    fn missing(&mut self, path: &str, field: &Field, key: &Origin) {
        let problem = key.problem(format_args!("`{path}` is missing"));
        let expected = expected_of(field);
        self.report(problem.help(format_args!("add `{}`: {expected}", field.key)));
    }

    /// How many keys there must be.
    fn count(&mut self, path: &str, node: &Node, section: &Section, fields: &[&Field], key: &Origin) {
        let entries = node.entries();
        let what = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
        let names = || suggest::list(fields.iter().map(|field| field.key));
        match section.count {
            Count::Any => {}
            Count::AtLeastOne | Count::One if entries.is_empty() => {
                self.report(key.problem(format_args!("{what} is empty; expected {}", names())));
            }
            Count::One if entries.len() > 1 => {
                let given: Vec<String> =
                    entries.iter().take(5).map(|entry| format!("`{}`", short(&entry.key))).collect();
                self.report(entries[1].origin.problem(format_args!(
                    "{what} has {} keys: {}; expected exactly one",
                    entries.len(),
                    given.join(", ")
                )));
            }
            Count::AtLeastOne | Count::One => {}
        }
    }

    /// A key that the section does not have.
    fn unknown(&mut self, path: &str, entry: &Entry, section: &'static Section, fields: &[&'static Field]) {
        if let Others::Free(kind) = section.others {
            return self.value(path, &entry.node, kind, None, false, &entry.origin);
        }
        // Nobody knows what is in there.
        self.hide(&entry.node);
        if let Some(reason) = own::reason(section, &entry.key) {
            return self.report(entry.origin.problem(format_args!("`{path}` is refused: {reason}")));
        }
        let sentence = match section.others {
            Others::Components => format!("`{path}` is a component that this program does not know"),
            _ => format!("`{path}` is unknown"),
        };
        let problem = entry.origin.problem(sentence);
        let near = (entry.key.len() <= LONGEST_NAME).then(|| meant(&entry.key, fields)).flatten();
        self.report(match near {
            Some(name) => problem.help(format_args!("did you mean `{name}`?")),
            None if fields.is_empty() => problem.help("there are no keys here"),
            None if fields.len() <= 12 => {
                problem.help(format_args!("expected {}", suggest::list(fields.iter().map(|field| field.key))))
            }
            None => problem,
        });
    }

    /// Checks a value of a key.
    fn field(&mut self, path: &str, node: &Node, field: &'static Field, key: &Origin) {
        if field.secret {
            self.hide(node);
        }
        if !node.is_null() {
            return self.value(path, node, &field.kind, field.unit, field.secret, key);
        }
        if field.nullable {
            return;
        }
        // Nothing was written, or a variable is not set.
        let problem = match &node.origin {
            Origin::File(span) if !span.variables.is_empty() => node.origin.problem(null(path, field)),
            _ => key.problem(null(path, field)),
        };
        self.report(if field.required { problem } else { problem.help("leave the key out") });
    }

    /// Checks a value that is not null; `key` is where its name stands.
    fn value(&mut self, path: &str, node: &Node, kind: &'static Type, unit: Option<&str>, secret: bool, key: &Origin) {
        if self.is_full() {
            return;
        }
        match (kind, &node.value) {
            (Type::Section(section), Value::Map(_)) => self.section(path, node, section, key, &[]),
            (Type::Map(kind), Value::Map(entries)) => {
                for entry in entries {
                    self.value(&join(path, &entry.key), &entry.node, kind, None, secret, &entry.origin);
                }
            }
            (Type::List { of, min }, Value::List(items)) => {
                if items.len() < *min {
                    self.wrong(path, node, kind, unit, secret);
                }
                for (number, item) in items.iter().enumerate() {
                    self.value(&format!("{path}[{number}]"), item, of, None, secret, &item.origin);
                }
            }
            (Type::Either(kinds), Value::Map(_) | Value::List(_)) => {
                match kinds.iter().find(|kind| has_parts(kind, node)) {
                    Some(inner) => self.value(path, node, inner, unit, secret, key),
                    None if fits(node, kind) => {}
                    None => self.wrong(path, node, kind, unit, secret),
                }
            }
            _ if fits(node, kind) => {}
            _ => self.wrong(path, node, kind, unit, secret),
        }
    }

    fn wrong(&mut self, path: &str, node: &Node, kind: &Type, unit: Option<&str>, secret: bool) {
        let expected = expected(kind, unit);
        let is_text = matches!(node.value, Value::Text(_));
        // A text where there must be something larger is often many settings in one, with secrets among them.
        let shown = if secret || (!is_scalar(kind) && is_text) {
            self.hide(node);
            self::kind(node).to_owned()
        } else {
            found(node)
        };
        let mut problem = node.origin.problem(format_args!("`{path}` is {shown}; expected {expected}"));
        if let Some(help) = help(node, kind).or_else(|| rules::help(path, node)) {
            problem = problem.help(help);
        }
        self.report(problem);
    }
}

/// Whether the value is a mapping with known keys, or a list of such, and this type is one of these: what is in it is looked at.
fn has_parts(kind: &Type, node: &Node) -> bool {
    match (kind, &node.value) {
        (Type::Section(_), Value::Map(_)) => true,
        (Type::List { of, .. }, Value::List(_)) => matches!(of, Type::Section(_)),
        _ => false,
    }
}

fn null(path: &str, field: &Field) -> String {
    format!("`{path}` is null; expected {}", expected_of(field))
}

fn expected_of(field: &Field) -> String {
    match field.kind {
        Type::Section(section) if section.count == Count::One => {
            let names = section.fields.iter().map(|field| field.key);
            format!("a mapping with {}", suggest::list(names))
        }
        _ => expected(&field.kind, field.unit),
    }
}

/// What would be right in place of this.
fn help(node: &Node, kind: &Type) -> Option<String> {
    match (kind, &node.value) {
        (Type::Text | Type::Word(_), Value::Bool(_) | Value::Integer(_) | Value::Number(_)) => {
            Some("write it in quotes".to_owned())
        }
        (Type::Word(words), Value::Text(text)) => Some(format!("did you mean `{}`?", nearest(text, words)?)),
        (Type::Bool | Type::Integer { .. } | Type::Number { .. }, Value::Text(text)) => {
            let plain = Node::new(super::scalar::resolve(text), Origin::Code);
            fits(&plain, kind).then(|| "leave the quotes out".to_owned())
        }
        (Type::Number { min, max, .. }, _) if *min == 0.0 && *max == 1.0 => {
            let value = node.as_number().filter(|value| *value > 1.0 && *value <= 100.0)?;
            Some(format!("{} is {value} %", value / 100.0))
        }
        _ => None,
    }
}

/// The key that was probably meant.
fn meant(key: &str, fields: &[&'static Field]) -> Option<&'static str> {
    let names = || fields.iter().map(|field| field.key);
    // `otlp_file` for `otlp_file/development`.
    let stem = |name: &str| name.split_once('/').is_some_and(|(stem, rest)| stem == key || rest == key);
    let longer = names().find(|name| stem(name)).or_else(|| {
        let (stem, _) = key.split_once('/')?;
        names().find(|name| *name == stem)
    });
    longer.or_else(|| suggest::did_you_mean(key, names()))
}

fn join(path: &str, key: &str) -> String {
    let key = short(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}
