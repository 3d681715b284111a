//! YAML as a tree in which everything knows where it stands.
//!
//! The tree is made of the parser's events and not by `saphyr`'s loader, so that a file is refused before it costs
//! anything: deep nesting, lists behind aliases, and aliases of long texts.

use super::{Errors, Place};
use saphyr::Scalar;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Deeper than any registry: an attribute's member is seven deep.
const MAX_DEPTH: usize = 64;

/// How many bytes of text the aliases of a file may stand for.
const MAX_ALIASED: usize = 1 << 20;

/// A value of a YAML file.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) data: Data,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Null,
    Boolean(bool),
    /// Digits, as they are written.
    Int(String),
    /// The same with a fraction or an exponent.
    Double(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// What stands before a colon.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) place: Place,
    pub(super) text: String,
}

/// A list or a mapping whose end has not come yet.
enum Open {
    List(Place, Vec<Node>),
    Map { place: Place, entries: Vec<(Key, Node)>, seen: HashSet<String>, key: Option<Key> },
}

/// How many closing brackets are moved before a file is refused.
const MAX_MOVED: usize = 32;

/// The document in `text`, which is that of `file`; nothing and a mistake if it is no YAML.
pub(super) fn load(file: &Rc<str>, text: &str, errors: &mut Errors) -> Option<Node> {
    let mut moved = String::new();
    for attempt in 0..=MAX_MOVED {
        let text = if attempt == 0 { text } else { &moved };
        let mut tree = Tree { file, errors, open: Vec::new(), root: None, anchors: HashMap::new(), aliased: 0 };
        let error = match tree.fill(text) {
            Ok(()) => {
                let empty = Node { place: Place { file: file.clone(), line: 1, column: 1 }, data: Data::Null };
                return Some(tree.root.unwrap_or(empty));
            }
            Err(Stop::Refused) => return None,
            Err(Stop::Scan(error)) => error,
        };
        match with_bracket_moved(text, *error.marker()) {
            Some(next) if attempt < MAX_MOVED => moved = next,
            _ => {
                let message = format!("this is not YAML: {}", error.info());
                tree.refuse(*error.marker(), message);
                return None;
            }
        }
    }
    None
}

/// `text` with the closing bracket at `mark` further right, if one is there with nothing before it.
///
/// Strictly such a bracket stands further right than the `-` of its list. Everybody but this parser takes it anywhere,
/// and the semantic conventions have it under the `-`.
fn with_bracket_moved(text: &str, mark: Marker) -> Option<String> {
    let start: usize = text.split_inclusive('\n').take(mark.line().checked_sub(1)?).map(str::len).sum();
    let line = text.get(start..)?.split('\n').next()?;
    let at = line.find(|c| c != ' ')?;
    (at == mark.col() && line[at..].starts_with([']', '}'])).then(|| {
        let (before, after) = text.split_at(start);
        format!("{before}{}{after}", " ".repeat(2 * MAX_DEPTH))
    })
}

/// Why the rest of a file is not read.
enum Stop {
    /// The mistake is told.
    Refused,
    Scan(ScanError),
}

struct Tree<'a> {
    file: &'a Rc<str>,
    errors: &'a mut Errors,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Data>,
    aliased: usize,
}

impl Tree<'_> {
    fn fill(&mut self, text: &str) -> Result<(), Stop> {
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(Stop::Scan)?;
            self.take(event, span.start).ok_or(Stop::Refused)?;
        }
        Ok(())
    }

    fn place(&self, mark: Marker) -> Place {
        Place { file: self.file.clone(), line: mark.line(), column: mark.col() + 1 }
    }

    fn refuse(&mut self, mark: Marker, message: impl Into<String>) {
        let place = self.place(mark);
        self.errors.push(&place, message);
    }

    /// Takes one event; nothing if the rest of the file cannot be read.
    fn take(&mut self, event: Event<'_>, mark: Marker) -> Option<()> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                if self.root.is_some() {
                    self.refuse(mark, "a second YAML document begins here; expected one document in a file");
                    return None;
                }
            }
            Event::SequenceStart(_, _) => {
                self.nest(mark)?;
                self.open.push(Open::List(self.place(mark), Vec::new()));
            }
            Event::MappingStart(_, _) => {
                self.nest(mark)?;
                let place = self.place(mark);
                self.open.push(Open::Map { place, entries: Vec::new(), seen: HashSet::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop()? {
                    Open::List(place, items) => Node { place, data: Data::List(items) },
                    Open::Map { place, entries, .. } => Node { place, data: Data::Map(entries) },
                };
                self.add(node)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let text = match style {
                    // The line break that ends a block is the file's, not the text's.
                    ScalarStyle::Literal | ScalarStyle::Folded => text.trim_end_matches('\n').to_owned().into(),
                    _ => text,
                };
                let data = match Scalar::parse_from_cow_and_metadata(text.clone(), style, tag.as_ref()) {
                    Some(Scalar::Null) => Data::Null,
                    Some(Scalar::Boolean(value)) => Data::Boolean(value),
                    Some(Scalar::Integer(value)) => Data::Int(value.to_string()),
                    Some(Scalar::FloatingPoint(_)) => Data::Double(text.into_owned()),
                    Some(Scalar::String(text)) => Data::Text(text.into_owned()),
                    None => {
                        self.refuse(mark, format!("`{text}` is not of the type its tag names; expected no tag"));
                        return None;
                    }
                };
                if anchor > 0 {
                    self.anchors.insert(anchor, data.clone());
                }
                self.add(Node { place: self.place(mark), data })?;
            }
            Event::Alias(anchor) => {
                let Some(data) = self.anchors.get(&anchor).cloned() else {
                    self.refuse(mark, "this alias stands for a list or a mapping; expected an alias of a text");
                    return None;
                };
                if let Data::Text(text) | Data::Double(text) = &data {
                    self.aliased += text.len();
                }
                if self.aliased > MAX_ALIASED {
                    self.refuse(mark, "the aliases of this file stand for more than 1 MiB; expected less");
                    return None;
                }
                self.add(Node { place: self.place(mark), data })?;
            }
        }
        Some(())
    }

    fn nest(&mut self, mark: Marker) -> Option<()> {
        if self.open.len() < MAX_DEPTH {
            return Some(());
        }
        self.refuse(mark, format!("lists and mappings nest too deeply; expected at most {MAX_DEPTH} levels"));
        None
    }

    fn add(&mut self, node: Node) -> Option<()> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map { entries, seen, key, .. }) => match key.take() {
                Some(key) => entries.push((key, node)),
                None => {
                    let text = match node.data {
                        Data::Text(text) | Data::Int(text) | Data::Double(text) => text,
                        Data::Boolean(value) => value.to_string(),
                        Data::Null | Data::List(_) | Data::Map(_) => {
                            self.errors.push(&node.place, "this is no key; expected a word before `:`");
                            return None;
                        }
                    };
                    if !seen.insert(text.clone()) {
                        self.errors.push(&node.place, format!("`{text}` is given twice; expected it once"));
                    }
                    *key = Some(Key { place: node.place, text });
                }
            },
        }
        Some(())
    }
}

/// The entries of a mapping whose keys are all known.
pub(super) struct Fields<'a> {
    pub(super) place: &'a Place,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    /// The entries of `node`, which is `what`; keys beside `known` are mistakes.
    pub(super) fn of(node: &'a Node, what: &str, known: &[&str], errors: &mut Errors) -> Option<Self> {
        let fields = Self::free(node, what, errors)?;
        for (key, _) in fields.entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            errors.push(&key.place, format!("unknown key `{}` in {what}; expected {}", key.text, one_of(known)));
        }
        Some(fields)
    }

    /// The entries of `node`, whatever their keys.
    pub(super) fn free(node: &'a Node, what: &str, errors: &mut Errors) -> Option<Self> {
        match &node.data {
            Data::Map(entries) => Some(Self { place: &node.place, entries }),
            _ => {
                errors.push(&node.place, format!("{what} is {}; expected a mapping", node.kind()));
                None
            }
        }
    }

    /// All of them.
    pub(super) fn entries(&self) -> &'a [(Key, Node)] {
        self.entries
    }

    /// The value of `key`, if it is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        let (_, node) = self.entries.iter().find(|(found, _)| found.text == key)?;
        (!matches!(node.data, Data::Null)).then_some(node)
    }

    /// The text of `key`.
    pub(super) fn text(&self, key: &str, errors: &mut Errors) -> Option<String> {
        self.get(key)?.text(key, errors).map(str::to_owned)
    }

    /// The text of `key`, which is a mistake to leave out of `what`.
    pub(super) fn required(&self, key: &str, what: &str, errors: &mut Errors) -> Option<String> {
        if self.get(key).is_none() {
            errors.push(self.place, format!("{what} has no `{key}`; expected `{key}: …`"));
        }
        self.text(key, errors)
    }

    /// The items of the list of `key`; none if it is absent.
    pub(super) fn list(&self, key: &str, errors: &mut Errors) -> &'a [Node] {
        match self.get(key) {
            None => &[],
            Some(Node { data: Data::List(items), .. }) => items,
            Some(node) => {
                errors.push(&node.place, format!("`{key}` is {}; expected a list", node.kind()));
                &[]
            }
        }
    }

    /// What `key` says with one of `words`.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)], errors: &mut Errors) -> Option<T> {
        let node = self.get(key)?;
        let text = node.text(key, errors)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            errors.push(&node.place, format!("`{text}` is no `{key}`; expected {}", one_of(&words)));
        }
        found.map(|(_, value)| *value)
    }

    /// The truth of `key`.
    pub(super) fn boolean(&self, key: &str, errors: &mut Errors) -> Option<bool> {
        let node = self.get(key)?;
        match node.data {
            Data::Boolean(value) => Some(value),
            _ => {
                errors.push(&node.place, format!("`{key}` is {}; expected `true` or `false`", node.kind()));
                None
            }
        }
    }
}

impl Node {
    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.data {
            Data::Null => "empty",
            Data::Boolean(_) => "a boolean",
            Data::Int(_) | Data::Double(_) => "a number",
            Data::Text(_) => "text",
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
        }
    }

    /// The text it is, as the value of `key`.
    pub(super) fn text(&self, key: &str, errors: &mut Errors) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => {
                errors.push(&self.place, format!("`{key}` is {}; expected text", self.kind()));
                None
            }
        }
    }

    /// Its text if it is a single value, whatever its type.
    pub(super) fn scalar(&self) -> Option<String> {
        match &self.data {
            Data::Text(text) | Data::Int(text) | Data::Double(text) => Some(text.clone()),
            Data::Boolean(value) => Some(value.to_string()),
            Data::Null | Data::List(_) | Data::Map(_) => None,
        }
    }
}

/// `` `a` `` or `` one of `a`, `b` ``.
pub(super) fn one_of(words: &[&str]) -> String {
    match words {
        [word] => format!("`{word}`"),
        _ => format!("one of {}", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")),
    }
}
