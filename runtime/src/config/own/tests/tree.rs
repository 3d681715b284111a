//! A tiny reader of block mappings and sequences, as far as the tests here write them.

use crate::config::{Entry, File, Node, Origin, Span, Value};
use std::sync::Arc;

struct Lines<'a> {
    file: Arc<File>,
    /// Number, indentation and text of each line.
    lines: Vec<(u32, usize, &'a str)>,
    at: usize,
}

pub(crate) fn read(name: &str, text: &str) -> Node {
    let file = Arc::new(File { name: name.to_owned(), text: text.to_owned() });
    let lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number as u32 + 1, line.len() - line.trim_start().len(), line.trim_start()));
    let mut lines = Lines { file, lines: lines.filter(|line| !line.2.is_empty()).collect(), at: 0 };
    lines.block(0)
}

impl Lines<'_> {
    fn origin(&self, line: u32, column: usize, width: usize) -> Origin {
        let (column, width) = (column as u32 + 1, width.max(1) as u32);
        Origin::File(Arc::new(Span { file: self.file.clone(), line, column, width, variables: Vec::new() }))
    }

    fn block(&mut self, indent: usize) -> Node {
        let (line, column, text) = self.lines[self.at];
        let origin = self.origin(line, column, text.len());
        let mut items = Vec::new();
        let mut entries = Vec::new();
        while let Some((line, column, text)) = self.lines.get(self.at).copied().filter(|line| line.1 == indent) {
            if let Some(rest) = text.strip_prefix("- ") {
                self.lines[self.at] = (line, column + 2, rest);
                items.push(self.block(column + 2));
                continue;
            }
            let (key, value) = text.split_once(':').expect("a key");
            self.at += 1;
            let node = match value.trim() {
                "" => self.block(self.lines[self.at].1),
                value => self.scalar(line, column + text.len() - value.len(), value),
            };
            entries.push(Entry { key: key.to_owned(), origin: self.origin(line, column, key.len()), node });
        }
        Node::new(if items.is_empty() { Value::Map(entries) } else { Value::List(items) }, origin)
    }

    fn scalar(&self, line: u32, column: usize, text: &str) -> Node {
        let value = match text {
            "true" | "false" => Value::Bool(text == "true"),
            "null" => Value::Null,
            _ if text.starts_with('[') => {
                let items = text.trim_matches(['[', ']']).split(',').map(str::trim).filter(|item| !item.is_empty());
                Value::List(items.map(|item| self.scalar(line, column, item)).collect())
            }
            _ if text.parse::<i64>().is_ok() => Value::Integer(text.parse().expect("it is")),
            _ if text.parse::<f64>().is_ok() => Value::Number(text.parse().expect("it is")),
            _ => Value::Text(text.trim_matches('"').to_owned()),
        };
        Node::new(value, self.origin(line, column, text.len()))
    }
}
