//! Reads the fields of a section from the sources, and collects what is wrong.

use super::value::{expected, shown};
use super::{Fixed, Sources, TelemetryConfig};
use crate::config::describe::{Field, Others, Section, Type};
use crate::config::{Entry, Node, Origin, Value};
use crate::error::{ConfigError, Problem};
use otelier_spec::suggest;
use std::fmt::Display;

/// What is found out while settings are read.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) problems: ConfigError,
    pub(super) warnings: Vec<Problem>,
    pub(super) origins: Vec<(String, Origin)>,
    /// The keys at the root of the file that the program knows.
    pub(super) root_keys: Vec<&'static str>,
}

/// [`Setting::of`](super::Setting::of) of a type.
type Of<T> = fn(Option<&Node>, &Type, &mut Reader<'_>) -> Option<T>;

/// One place in the settings: a section, a field, an item of a list.
#[derive(Debug)]
pub struct Reader<'a> {
    sources: &'a Sources,
    /// The file, if there is one.
    file: Option<&'a Node>,
    found: &'a mut Found,
    /// The full key of this place.
    key: String,
    /// The mapping whose fields are read.
    here: Option<&'a Node>,
    /// The field that is read.
    field: Option<&'static Field>,
    /// Whether variables set what stands here: in lists and maps they would set every item.
    in_list: bool,
    secret: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources, file: Option<&'a Node>, found: &'a mut Found) -> Self {
        Self { sources, file, found, key: String::new(), here: file, field: None, in_list: false, secret: false }
    }

    fn at(&mut self, key: String) -> Reader<'_> {
        Reader {
            sources: self.sources,
            file: self.file,
            found: self.found,
            key,
            here: self.here,
            field: self.field,
            in_list: self.in_list,
            secret: self.secret,
        }
    }

    /// The same place, whose values are not shown.
    pub(super) fn hidden(&mut self) -> Reader<'_> {
        let key = self.key.clone();
        Reader { secret: true, ..self.at(key) }
    }

    pub(super) fn item(&mut self, number: usize) -> Reader<'_> {
        let key = format!("{}[{number}]", self.key);
        Reader { in_list: true, ..self.at(key) }
    }

    pub(super) fn entry(&mut self, name: &str) -> Reader<'_> {
        let key = self.below(name);
        Reader { in_list: true, ..self.at(key) }
    }

    fn below(&self, key: &str) -> String {
        if self.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.key) }
    }

    pub(crate) fn sources(&self) -> &Sources {
        self.sources
    }

    pub(crate) fn file(&self) -> Option<&Node> {
        self.file
    }

    pub(super) fn root_keys(&self) -> &[&'static str] {
        &self.found.root_keys
    }

    pub(crate) fn problems(&mut self) -> &mut ConfigError {
        &mut self.found.problems
    }

    // A field.

    /// The value of a field: from its variables, the file, or its default.
    pub fn field<T>(&mut self, field: &'static Field, default: &Fixed, of: Of<T>) -> Option<T> {
        let found = self.variable(field);
        let in_file = self.in_file(field);
        let default = default.node();
        let node = found.as_ref().or(in_file).or(default.as_ref());
        let key = self.below(field.key);
        if !matches!(field.kind, Type::Section(_)) {
            let origin = node.map_or(Origin::Default, |node| node.origin.clone());
            self.found.origins.push((key.clone(), origin));
        }
        let mut at = Reader { field: Some(field), secret: self.secret || field.secret, ..self.at(key) };
        of(node, &field.kind, &mut at)
    }

    /// What the variables of the field say.
    fn variable(&mut self, field: &'static Field) -> Option<Node> {
        if self.in_list {
            return None;
        }
        let read = |name: &&'static str| self.sources.variable(name).map(|value| (*name, value));
        let (new, old) = (field.variables.iter().find_map(read), field.old_variables.iter().find_map(read));
        if let Some((name, _)) = &old {
            let instead = match field.variables {
                [first, ..] => format!("the variable `{first}`"),
                [] => format!("the key `{}`", self.below(field.key)),
            };
            let mut warning = Problem::new(format_args!("the variable `{name}` is old; use {instead}"));
            if let Some((new, _)) = &new {
                warning = warning.note(format_args!("`{new}` is set as well, so `{name}` has no effect"));
            }
            self.found.warnings.push(warning);
        }
        for name in field.variables.iter().chain(field.old_variables).filter(|name| self.sources.is_passed_over(name)) {
            let warning = Problem::new(format_args!("`{name}` has no effect, because settings come from a file"))
                .help(format_args!("write `{}: ${{{name}}}` in the file", field.key));
            self.found.warnings.push(warning);
        }
        let (name, text) = new.or(old)?;
        Some(Node::new(Value::Text(text), Origin::Variable(name.to_owned())))
    }

    /// What the file says of the field, by its key or an old one. `null` says nothing.
    fn in_file(&mut self, field: &'static Field) -> Option<&'a Node> {
        let here = self.here?;
        let entry = |key: &str| here.entries().iter().find(|entry| entry.key == key);
        let new = entry(field.key);
        let old = field.old_keys.iter().find_map(|key| entry(key));
        if let Some(old) = old {
            let (is, now) = (self.below(&old.key), self.below(field.key));
            if new.is_some() {
                let problem = old.origin.problem(format_args!("`{is}` and `{now}` are the same setting"));
                self.found.problems.push(problem.help(format_args!("remove `{is}`, which is old")));
            } else {
                let problem = old.origin.problem(format_args!("the key `{is}` is old; use `{now}`"));
                self.found.warnings.push(problem);
            }
        }
        new.or(old).map(|entry| &entry.node).filter(|node| !node.is_null())
    }

    /// The fields of another struct, as if they were those of the one that is read.
    pub(super) fn flattened<T: TelemetryConfig>(&mut self) -> Option<T> {
        match T::PLACE {
            None => T::read_fields(self),
            Some(_) => Reader { here: self.file, field: None, in_list: false, ..self.at(String::new()) }.placed::<T>(),
        }
    }

    /// A struct at its place in the file.
    pub(super) fn placed<T: TelemetryConfig>(&mut self) -> Option<T> {
        let key = T::PLACE.unwrap_or_default();
        if key.is_empty() {
            let value = T::read_fields(self);
            self.unknown_keys(T::ROOT);
            return value;
        }
        self.misspelt_section(key);
        let node = self.file.and_then(|file| file.get(key)).filter(|node| !node.is_null());
        self.at(key.to_owned()).section::<T>(node)
    }

    /// A struct from its mapping.
    pub fn section<T: TelemetryConfig>(&mut self, node: Option<&Node>) -> Option<T> {
        if let Some(node) = node
            && !matches!(node.value, Value::Map(_))
        {
            self.refuse(node, &expected(&Type::Section(T::SECTION)));
            return None;
        }
        let key = self.key.clone();
        let mut at = Reader { here: node, field: None, ..self.at(key) };
        let value = T::read_fields(&mut at);
        at.unknown_keys(T::SECTION);
        value
    }

    /// A unit variant of an enum, as its place among the words.
    pub fn word(&mut self, node: Option<&Node>, kind: &Type) -> Option<usize> {
        match node {
            Some(node) => super::value::word(node, kind, self),
            None => {
                self.miss(kind);
                None
            }
        }
    }

    /// Other keys at the root belong to others, unless one of them is nearly ours, which is not there.
    fn misspelt_section(&mut self, key: &'static str) {
        let Some(file) = self.file.filter(|file| file.get(key).is_none()) else { return };
        for entry in file.entries().iter().filter(|entry| !super::is_of_the_specification(&entry.key)) {
            let begins_alike = entry.key.chars().next() == key.chars().next();
            if begins_alike && suggest::did_you_mean(&entry.key, [key]).is_some() {
                let problem = format!("unknown key `{}`; did you mean `{key}`?", entry.key);
                self.found.problems.push(entry.origin.problem(problem));
            }
        }
    }

    fn unknown_keys(&mut self, section: &'static Section) {
        if !matches!(section.others, Others::Refused) {
            return;
        }
        let mut known = Vec::new();
        let mut old = Vec::new();
        keys(section, &mut known, &mut old);
        let is_root = self.key.is_empty();
        for Entry { key, origin, .. } in self.here.map_or(&[][..], Node::entries) {
            let key = key.as_str();
            if known.contains(&key) || old.contains(&key) || is_root && super::is_of_the_specification(key) {
                continue;
            }
            let hint = match suggest::did_you_mean(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("expected {}", suggest::list(known.iter().copied())),
            };
            let path = self.below(key);
            self.found.problems.push(origin.problem(format_args!("unknown key `{path}`; {hint}")));
        }
    }

    /// Whether the kind is a section with a field that a variable sets.
    pub(super) fn is_set_by_variables(&self, kind: &Type) -> bool {
        let is_set = |name: &&str| self.sources.variable(name).is_some();
        match kind {
            Type::Section(section) if !self.in_list => section.fields.iter().any(|field| {
                field.variables.iter().chain(field.old_variables).any(is_set) || self.is_set_by_variables(&field.kind)
            }),
            _ => false,
        }
    }

    // Values.

    /// The items of a text from a variable, between commas.
    pub(super) fn separated(&self, node: &Node) -> Option<Value> {
        let (Origin::Variable(_), Value::Text(text)) = (&node.origin, &node.value) else { return None };
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        Some(Value::List(items.map(|item| Node::new(Value::Text(item.to_owned()), node.origin.clone())).collect()))
    }

    /// The pairs of a text from a variable, between commas; `None` if it holds something else, which was told.
    pub(super) fn pairs(&mut self, node: &Node) -> Option<Option<Value>> {
        let (Origin::Variable(_), Value::Text(text)) = (&node.origin, &node.value) else {
            let nothing = node.items().is_empty() && matches!(node.value, Value::List(_));
            // What a default without entries is.
            return Some((nothing && node.origin == Origin::Default).then(|| Value::Map(Vec::new())));
        };
        let mut entries: Vec<Entry> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((key, value)) = part.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
                self.refuse(node, "pairs such as `key=value`, with commas between them");
                return None;
            };
            let (key, value) = (key.trim(), value.trim());
            if entries.iter().any(|entry| entry.key == key) {
                self.refuse(node, "no key twice");
                return None;
            }
            let node = Node::new(Value::Text(value.to_owned()), node.origin.clone());
            entries.push(Entry { key: key.to_owned(), origin: node.origin.clone(), node });
        }
        Some(Some(Value::Map(entries)))
    }

    /// The name by which the user gave the value.
    fn name_of(&self, node: &Node) -> String {
        match &node.origin {
            Origin::Variable(name) => format!("`{name}`"),
            Origin::Default => format!("the default of `{}`", self.key),
            _ => format!("`{}`", self.key),
        }
    }

    fn problem(&self, node: &Node, why: &str) -> Problem {
        let name = self.name_of(node);
        let problem = match self.secret {
            true => node.origin.problem(format_args!("{name} is a secret that cannot be used; {why}")),
            false => node.origin.problem(format_args!("{name} is {}; {why}", shown(&node.value))),
        };
        // The line would show it.
        if self.secret { problem.without_text() } else { problem }
    }

    /// The value cannot be used.
    pub(super) fn refuse(&mut self, node: &Node, expected: &str) {
        let problem = self.problem(node, &format!("expected {expected}"));
        self.found.problems.push(problem);
    }

    pub(super) fn refuse_with_help(&mut self, node: &Node, expected: &str, help: &str) {
        let problem = self.problem(node, &format!("expected {expected}"));
        self.found.problems.push(problem.help(help));
    }

    /// The value cannot be used, for a reason that a parser gives. That of a secret may hold it.
    pub(super) fn refuse_because(&mut self, node: &Node, reason: &dyn Display) {
        let why = if self.secret { "it could not be read".to_owned() } else { reason.to_string() };
        let problem = self.problem(node, &why);
        self.found.problems.push(problem);
    }

    /// Nobody gave a value, and one is needed.
    pub(super) fn miss(&mut self, kind: &Type) {
        let key = &self.key;
        let mut problem = Problem::new(format_args!("`{key}` is not set; expected {}", expected(kind)));
        if let Some(place) = self.here.and_then(|here| here.origin.place()) {
            problem = problem.at(place);
        }
        let variable = self.field.filter(|_| !self.in_list).and_then(|field| field.variables.first());
        let problem = match (variable, self.file) {
            (Some(name), Some(_)) => {
                problem.help(format_args!("set the variable `{name}`, or write the key in the file"))
            }
            (Some(name), None) => problem.help(format_args!("set the variable `{name}`")),
            (None, Some(_)) => problem,
            (None, None) => problem.help("write the key in a file, and name that in `OTEL_CONFIG_FILE`"),
        };
        self.found.problems.push(problem);
    }
}

/// The keys of a section, with those of flattened ones.
pub(super) fn keys(section: &'static Section, known: &mut Vec<&'static str>, old: &mut Vec<&'static str>) {
    for field in section.fields {
        match field.kind {
            Type::Section(inner) if field.flatten => keys(inner, known, old),
            _ => {
                known.push(field.key);
                old.extend(field.old_keys);
            }
        }
    }
}
