//! From the events of a YAML parser to a tree with places.

use super::super::{Entry, File, Node, Origin, Span, Value, Variables, scalar, shown::short, substitute};
use super::text;
use crate::error::Place;
use crate::{ConfigError, Problem};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as Marks, StrInput, Tag};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How deep settings may be nested.
const MAX_DEPTH: usize = 64;

/// How much a document may hold once aliases are resolved and variables put in, in bytes as [`Builder::spend`] counts.
const MAX_COST: usize = 16 << 20;

/// What a node costs beside its text.
const NODE_COST: usize = 64;

/// More mistakes than this help nobody.
const MAX_PROBLEMS: usize = 100;

/// What the file says.
pub(super) fn root(file: &Arc<File>, variables: &Variables) -> Result<Node, ConfigError> {
    let mut lines = vec![0];
    lines.extend(file.text.match_indices('\n').map(|(at, _)| at + 1));
    let mut builder = Builder {
        parser: Parser::new_from_str(&file.text),
        file,
        lines,
        variables,
        problems: ConfigError::default(),
        anchors: HashMap::new(),
        cost: 0,
    };
    let root = builder.document();
    match root {
        Ok(root) => {
            builder.problems.into_result()?;
            Ok(root)
        }
        Err(Stop(problem)) => {
            builder.problems.push(problem);
            Err(builder.problems)
        }
    }
}

/// A problem after which there is nothing to go on with.
struct Stop(Problem);

/// A mapping or a sequence that an alias may name.
struct Anchor {
    node: Node,
    cost: usize,
    height: usize,
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    file: &'a Arc<File>,
    /// Where each line begins.
    lines: Vec<usize>,
    variables: &'a Variables,
    problems: ConfigError,
    anchors: HashMap<usize, Anchor>,
    cost: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Marks), Stop> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.no_yaml(&error)),
            None => Ok((Event::StreamEnd, Marks::default())),
        }
    }

    fn no_yaml(&self, error: &ScanError) -> Stop {
        let mark = error.marker();
        if error.info().contains("recursion limit") {
            return Stop(text::problem(self.file, mark.line(), mark.col(), 1, too_deep()));
        }
        let sentence = format_args!("this is not YAML: {}", error.info());
        // A tab looks like blanks, so it is the last thing one sees. The parser's mark may be a line off: where the value
        // begins that the tab's line would continue, or where the line after it ends the document.
        let says_something =
            |number: &usize| !matches!(self.line(*number).trim_start().chars().next(), None | Some('#'));
        let near = match error.info() {
            info if info.contains("found a tab") => (mark.line() + 1..=self.lines.len()).find(says_something),
            info if info.contains("<document start>") => (1..mark.line()).rev().find(says_something),
            _ => None,
        };
        let tab = |number: usize| {
            let line = self.line(number);
            line[..line.len() - line.trim_start().len()].find('\t')
        };
        let found = [Some(mark.line()), near].into_iter().flatten().find_map(|number| Some((number, tab(number)?)));
        Stop(match found {
            Some((line, _)) if line == mark.line() => {
                text::problem(self.file, line, mark.col(), 1, sentence).help("YAML is indented by blanks, not by tabs")
            }
            // Before a tab in an indentation there are only characters of one byte, unless somebody indents by others.
            Some((line, column)) => {
                text::problem(self.file, line, column, 1, sentence).help("YAML is indented by blanks, not by tabs")
            }
            None => text::problem(self.file, mark.line(), mark.col(), 1, sentence),
        })
    }

    /// The text of a line, from 1.
    fn line(&self, number: usize) -> &'a str {
        let all = &self.file.text;
        let start = self.lines.get(number.saturating_sub(1)).copied().unwrap_or(all.len());
        // Not searched for: a file may be one line.
        let end = self.lines.get(number.max(1)).map_or(all.len(), |next| next - 1);
        &all[start..end.max(start)]
    }

    fn document(&mut self) -> Result<Node, Stop> {
        let nothing = |this: &Self, at: Marks| {
            Stop(text::problem(this.file, at.start.line(), at.start.col(), 1, "the file has no settings"))
        };
        loop {
            match self.next()? {
                (Event::StreamEnd, at) => return Err(nothing(self, at)),
                (Event::DocumentStart(_), _) => break,
                _ => {}
            }
        }
        let (event, marks) = self.next()?;
        let is_nothing = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text.is_empty());
        let (root, _) = self.node(event, marks, 0)?;
        if is_nothing {
            return Err(nothing(self, marks));
        }
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(root),
                (Event::DocumentStart(_), at) => {
                    return Err(Stop(text::problem(
                        self.file,
                        at.start.line(),
                        at.start.col(),
                        3,
                        "a second document begins here; expected one document in a file",
                    )));
                }
                _ => {}
            }
        }
    }

    /// The node that begins with this event, and how many levels it has.
    fn node(&mut self, event: Event<'a>, at: Marks, depth: usize) -> Result<(Node, usize), Stop> {
        self.deep(depth, at)?;
        let before = self.cost;
        self.spend(NODE_COST, at)?;
        let (node, height, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (self.scalar(&text, style, tag.as_deref(), at)?, 0, anchor),
            Event::SequenceStart(anchor, tag) => {
                self.collection(tag.as_deref(), "seq", at);
                let (items, height) = self.items(depth)?;
                (Node::new(Value::List(items), self.origin(at, Vec::new())), height, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.collection(tag.as_deref(), "map", at);
                let (entries, height) = self.entries(depth)?;
                (Node::new(Value::Map(entries), self.origin(at, Vec::new())), height, anchor)
            }
            Event::Alias(id) => return self.alias(id, at, depth),
            _ => (Node::new(Value::Null, self.origin(at, Vec::new())), 0, 0),
        };
        if anchor != 0 {
            let cost = self.cost - before;
            self.spend(cost, at)?;
            self.anchors.insert(anchor, Anchor { node: node.clone(), cost, height });
        }
        Ok((node, height))
    }

    fn alias(&mut self, id: usize, at: Marks, depth: usize) -> Result<(Node, usize), Stop> {
        let Some(Anchor { node, cost, height }) = self.anchors.get(&id) else {
            return Err(Stop(self.problem(at, "this alias stands inside what it stands for")));
        };
        let (node, cost, height) = (node.clone(), *cost, *height);
        self.spend(cost, at)?;
        self.deep(depth + height, at)?;
        Ok((node, height))
    }

    fn items(&mut self, depth: usize) -> Result<(Vec<Node>, usize), Stop> {
        let (mut items, mut height) = (Vec::new(), 0);
        loop {
            match self.next()? {
                (Event::SequenceEnd | Event::StreamEnd, _) => return Ok((items, height)),
                (event, at) => {
                    let (item, levels) = self.node(event, at, depth + 1)?;
                    height = height.max(levels + 1);
                    items.push(item);
                }
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Result<(Vec<Entry>, usize), Stop> {
        let (mut entries, mut height): (Vec<Entry>, usize) = (Vec::new(), 0);
        let mut seen = HashSet::new();
        loop {
            let (event, at) = self.next()?;
            let key = match event {
                Event::MappingEnd | Event::StreamEnd => return Ok((entries, height)),
                Event::Scalar(text, style, 0, None) => self.key(&text, style, at),
                event => {
                    self.report(self.problem(at, "this key is no text; expected a name without anchors and tags"));
                    self.node(event, at, depth + 1)?;
                    None
                }
            };
            let (event, value_at) = self.next()?;
            // Nothing has no place of its own.
            let is_absent = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, 0, None) if text.is_empty());
            let (node, levels) = self.node(event, if is_absent { at } else { value_at }, depth + 1)?;
            height = height.max(levels + 1);
            let Some(key) = key else { continue };
            self.spend(key.len(), at)?;
            if seen.insert(key.clone()) {
                entries.push(Entry { key, origin: self.origin(at, Vec::new()), node });
            } else {
                let first = entries.iter().find(|entry| entry.key == key).and_then(|entry| entry.origin.place());
                let problem = self.problem(at, format_args!("`{}` is given twice", short(&key)));
                self.report(match first {
                    Some(first) => problem.note(format_args!("it stands in line {}, too", first.line)),
                    None => problem,
                });
            }
        }
    }

    fn key(&mut self, text: &str, style: ScalarStyle, at: Marks) -> Option<String> {
        if style == ScalarStyle::Plain {
            if text == "<<" {
                self.report(self.problem(at, "`<<` is refused: YAML 1.2 has no merge keys").help(
                    "repeat the keys, or give a whole mapping an anchor (`&name`) and use it by an alias (`*name`)",
                ));
                return None;
            }
            if !matches!(scalar::resolve(text), Value::Text(_)) {
                let problem = self.problem(at, format_args!("the key `{}` is no text", short(text)));
                self.report(if text.is_empty() { problem } else { problem.help("write it in quotes") });
                return None;
            }
        }
        Some(text.to_owned())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, at: Marks) -> Result<Node, Stop> {
        let substituted = match substitute::substitute(text, self.variables) {
            Ok(substituted) => substituted,
            Err(malformed) => {
                let (line, column) = self.find(&malformed.reference, at);
                let reference = short(&without_default(&malformed.reference));
                self.report(text::problem(
                    self.file,
                    line,
                    column,
                    malformed.reference.lines().next().map_or(1, |line| line.chars().count()),
                    format_args!("`{reference}` is no reference to a variable; expected {}", malformed.expected),
                ));
                return Ok(Node::new(Value::Null, self.origin(at, Vec::new())));
            }
        };
        self.spend(substituted.text.len(), at)?;
        let origin = self.origin(at, substituted.variables);
        let is_plain = style == ScalarStyle::Plain;
        let text = substituted.text;
        let value = match tag {
            None if is_plain => scalar::resolve(&text),
            None => Value::Text(text.into_owned()),
            Some(tag) => match tagged(tag, &text) {
                Ok(value) => value,
                Err(sentence) => {
                    self.report(self.problem(at, sentence));
                    Value::Null
                }
            },
        };
        Ok(Node::new(value, origin))
    }

    /// Refuses a tag of a collection, other than the one it has anyway.
    fn collection(&mut self, tag: Option<&Tag>, right: &str, at: Marks) {
        let Some(tag) = tag else { return };
        if !(is_non_specific(tag) || tag.is_yaml_core_schema() && tag.suffix == right) {
            self.report(self.problem(at, refused(tag)));
        }
    }

    /// Where a reference stands; where its scalar begins, if it is written in another way there.
    fn find(&self, reference: &str, at: Marks) -> (usize, usize) {
        let reference = reference.lines().next().unwrap_or_default();
        for number in at.start.line()..=at.end.line() {
            let line = self.line(number);
            let skip = if number == at.start.line() { at.start.col() } else { 0 };
            let start = line.char_indices().nth(skip).map_or(line.len(), |(at, _)| at);
            if let Some(found) = line[start..].find(reference) {
                return (number, skip + line[start..start + found].chars().count());
            }
        }
        (at.start.line(), at.start.col())
    }

    fn width(&self, at: Marks) -> usize {
        let line = self.line(at.start.line());
        if line.len() > Place::MAX_TEXT {
            // Nobody will see it, and a million values in one line would each be counted from its beginning.
            return at.end.col().saturating_sub(at.start.col()).max(1);
        }
        let rest = line.chars().skip(at.start.col());
        let text: String = if at.end.line() == at.start.line() {
            rest.take(at.end.col().saturating_sub(at.start.col())).collect()
        } else {
            rest.collect()
        };
        token(&text).chars().count().max(1)
    }

    fn origin(&self, at: Marks, variables: Vec<String>) -> Origin {
        Origin::File(Arc::new(Span {
            file: self.file.clone(),
            line: at.start.line() as u32,
            column: at.start.col() as u32 + 1,
            width: self.width(at) as u32,
            variables,
        }))
    }

    fn problem(&self, at: Marks, sentence: impl std::fmt::Display) -> Problem {
        text::problem(self.file, at.start.line(), at.start.col(), self.width(at), sentence)
    }

    fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn deep(&self, depth: usize, at: Marks) -> Result<(), Stop> {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        Err(Stop(self.problem(at, too_deep())))
    }

    /// Counts what the tree holds.
    fn spend(&mut self, cost: usize, at: Marks) -> Result<(), Stop> {
        // Every problem costs a search for its line.
        if self.problems.problems().len() >= MAX_PROBLEMS {
            return Err(Stop(Problem::new("what comes after these problems was not looked at")));
        }
        self.cost = self.cost.saturating_add(cost);
        if self.cost <= MAX_COST {
            return Ok(());
        }
        let mebibytes = MAX_COST >> 20;
        Err(Stop(self.problem(
            at,
            format_args!("here the settings outgrow {mebibytes} MiB, with aliases resolved and variables put in"),
        )))
    }
}

/// A reference as messages show it: what stands in for a variable that is not set may be a secret, too.
fn without_default(reference: &str) -> String {
    let name = if reference.starts_with("${env:") { 6 } else { 2 };
    let Some((before, after)) = reference.split_at_checked(name).and_then(|(_, rest)| rest.split_once(':')) else {
        return reference.to_owned();
    };
    let mut after = after.chars();
    let operator: String = after.next().into_iter().collect();
    let rest = match after.as_str() {
        rest @ ("" | "}") => rest,
        rest if rest.ends_with('}') => "…}",
        _ => "…",
    };
    format!("{}{before}:{operator}{rest}", &reference[..name])
}

fn too_deep() -> String {
    format!("this is nested deeper than {MAX_DEPTH} levels")
}

/// The text without a comment after it, which the parser counts to a scalar in quotes.
fn token(text: &str) -> &str {
    let end = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let mut escaped = false;
            let close = text.char_indices().skip(1).find(|(_, c)| {
                let is_close = *c == quote && !escaped;
                escaped = quote == '"' && *c == '\\' && !escaped;
                is_close
            });
            close.map(|(at, _)| at + 1)
        }
        _ => text.find(" #"),
    };
    text[..end.unwrap_or(text.len())].trim_end()
}

/// `!`: as if there were no tag, but a scalar is text.
fn is_non_specific(tag: &Tag) -> bool {
    matches!((&*tag.handle, &*tag.suffix), ("", "!") | ("!", ""))
}

fn refused(tag: &Tag) -> String {
    let name = if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
    format!(
        "the tag `{}` is refused; expected `!!bool`, `!!float`, `!!int`, `!!map`, `!!null`, `!!seq` or `!!str`",
        short(&name)
    )
}

/// The value that a scalar's tag asks for.
fn tagged(tag: &Tag, text: &str) -> Result<Value, String> {
    if is_non_specific(tag) {
        return Ok(Value::Text(text.to_owned()));
    }
    let value = scalar::resolve(text);
    match (tag.is_yaml_core_schema(), &*tag.suffix, value) {
        (true, "str", _) => Ok(Value::Text(text.to_owned())),
        (true, "bool", value @ Value::Bool(_))
        | (true, "int", value @ Value::Integer(_))
        | (true, "null", value @ Value::Null)
        | (true, "float", value @ Value::Number(_)) => Ok(value),
        (true, "float", Value::Integer(whole)) => Ok(Value::Number(whole as f64)),
        // Not the value: it may be a secret.
        (true, "bool" | "int" | "null" | "float", _) => Err(format!("the value is no `!!{}`", tag.suffix)),
        _ => Err(refused(tag)),
    }
}
