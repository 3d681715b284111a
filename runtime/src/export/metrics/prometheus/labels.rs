//! Labels of one sample, as they are written.

use super::names;
use opentelemetry::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Labels by their names. Values of attributes whose names become the same are joined by `;`, in the order of their keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    by_name: BTreeMap<String, String>,
    utf8: bool,
}

impl Labels {
    pub(super) fn of<'a>(attributes: impl Iterator<Item = (&'a str, &'a Value)>, utf8: bool) -> Self {
        let mut sorted: Vec<_> = attributes.collect();
        sorted.sort_by_key(|(key, _)| *key);
        let mut labels = Self { by_name: BTreeMap::new(), utf8 };
        for (key, value) in sorted {
            // Reserved for Prometheus itself; a label of this name would be one of the metric's name.
            let name = names::label(key, utf8 && key != "__name__");
            match labels.by_name.get_mut(&name) {
                Some(joined) => {
                    joined.push(';');
                    joined.push_str(&value.as_str());
                }
                None => _ = labels.by_name.insert(name, value.as_str().into_owned()),
            }
        }
        labels
    }

    /// Sets a label, whatever it was.
    pub(super) fn set(&mut self, key: &str, value: &str) {
        self.by_name.insert(names::label(key, self.utf8), value.to_owned());
    }

    /// Adds what has no label of the name yet.
    pub(super) fn add(&mut self, others: &Self) {
        for (name, value) in &others.by_name {
            if !self.by_name.contains_key(name) {
                self.by_name.insert(name.clone(), value.clone());
            }
        }
    }

    /// Gives a label another name, because the one it has stands for something else here.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(value) = self.by_name.remove(from) {
            self.by_name.entry(to.to_owned()).or_insert(value);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// `a="1",b="2"`. A label without a value is the same as none.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.by_name.iter().filter(|(_, value)| !value.is_empty()) {
            if !text.is_empty() {
                text.push(',');
            }
            if names::is_plain(name, false) {
                let _ = write!(text, "{name}=");
            } else {
                quote(&mut text, name);
                text.push('=');
            }
            quote(&mut text, value);
        }
        text
    }
}

/// In quotes. Control characters, of which parsers take some for an end, are replaced.
pub(super) fn quote(to: &mut String, text: &str) {
    to.push('"');
    escape(to, text, true);
    to.push('"');
}

/// In one line.
pub(super) fn escape(to: &mut String, text: &str, quotes: bool) {
    for c in text.chars() {
        match c {
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '"' if quotes => to.push_str("\\\""),
            '\t' => to.push(c),
            c if c.is_control() => to.push(char::REPLACEMENT_CHARACTER),
            c => to.push(c),
        }
    }
}
