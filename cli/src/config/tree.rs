//! Settings as they are shown: a tree of values, each with where it comes from.

use otelier::config::describe::{Count, Field, Section, Type};
use otelier::config::{Node, Value as Setting};
use serde_json::{Map, Value, json};
use std::fmt::Write;

const HIDDEN: &str = "[hidden]";

/// A value, and where it comes from.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) value: Shown,
    /// `default`, `$OTEL_SERVICE_NAME`, `otel.yaml:14:18`; of what only holds others, nothing.
    pub(super) origin: Option<String>,
}

/// What is shown of a value.
#[derive(Debug)]
pub(super) enum Shown {
    One(Value),
    Hidden,
    List(Vec<Item>),
    Map(Vec<(String, Item)>),
}

impl Item {
    pub(super) fn one(value: impl Into<Value>, origin: impl Into<String>) -> Self {
        Self { value: Shown::One(value.into()), origin: Some(origin.into()) }
    }

    pub(super) fn hidden(origin: impl Into<String>) -> Self {
        Self { value: Shown::Hidden, origin: Some(origin.into()) }
    }

    pub(super) fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries = entries.into_iter().map(|(key, item)| (key.into(), item)).collect();
        Self { value: Shown::Map(entries), origin: None }
    }

    /// A tree that was read, described by `kind`: with defaults where it says nothing, and without secrets.
    pub(super) fn of(node: &Node, kind: Option<&Type>) -> Self {
        let origin = Some(node.origin.to_string());
        let one = |value: Value| Self { value: Shown::One(value), origin: origin.clone() };
        match &node.value {
            Setting::Null => one(Value::Null),
            Setting::Bool(value) => one((*value).into()),
            Setting::Integer(value) => one((*value).into()),
            Setting::Number(value) => one((*value).into()),
            Setting::Text(text) => one(without_query(&without_credentials(text)).into()),
            Setting::List(items) => {
                let of = kind.and_then(item_type);
                let items = items.iter().map(|item| Self::of(item, of)).collect();
                Self { value: Shown::List(items), origin }
            }
            Setting::Map(_) => Self::of_map(node, kind),
            // What later versions add is better not shown than shown without care.
            _ => Self { value: Shown::Hidden, origin },
        }
    }

    fn of_map(node: &Node, kind: Option<&Type>) -> Self {
        let section = kind.and_then(section_of);
        let values = kind.and_then(value_type);
        let mut entries: Vec<(String, Self)> = Vec::new();
        let is_choice = section.is_some_and(|section| section.count == Count::One);
        for entry in node.entries() {
            let field = section.and_then(|section| field(section, &entry.key));
            let inner = field.and_then(|field| section_of(&field.kind)).filter(|_| is_choice);
            if let (true, Some(inner)) = (entry.node.is_null(), inner) {
                // `always_on:` is a choice, with nothing said of how.
                let mut chosen = Self::empty(entry.node.origin.to_string());
                chosen.add_defaults(inner);
                entries.push((entry.key.clone(), chosen));
                continue;
            }
            if entry.node.is_null() && field.is_some_and(|field| field.default.is_some()) {
                continue;
            }
            let is_secret = field.is_some_and(|field| field.secret) || entry.key == "headers_list";
            let item = match () {
                () if entry.node.is_null() => Self::of(&entry.node, None),
                () if is_secret => Self::hidden(entry.node.origin.to_string()),
                // Whatever the description says: headers are where credentials are.
                () if entry.key == "headers" => Self::of_headers(&entry.node),
                () => Self::of(&entry.node, field.map(|field| &field.kind).or(values)),
            };
            entries.push((entry.key.clone(), item));
        }
        let mut map = Self { value: Shown::Map(entries), origin: Some(node.origin.to_string()) };
        section.into_iter().for_each(|section| map.add_defaults(section));
        map
    }

    /// A mapping without anything in it.
    pub(super) fn empty(origin: impl Into<String>) -> Self {
        Self { value: Shown::Map(Vec::new()), origin: Some(origin.into()) }
    }

    /// What the keys of this section are that are not there.
    fn add_defaults(&mut self, section: &'static Section) {
        let Shown::Map(entries) = &mut self.value else { return };
        let has = |entries: &[(String, Self)], key: &str| entries.iter().any(|(found, _)| found == key);
        for field in section.fields {
            // There are no exemplars, whatever the specification's default is.
            let is_there = field.key != "exemplar_filter" && !has(entries, field.key);
            let Some(default) = field.default.filter(|_| is_there) else { continue };
            let mut value = match field.kind {
                Type::Text | Type::Word(_) => Value::from(default),
                _ => serde_json::from_str(default).unwrap_or_else(|_| Value::from(default)),
            };
            if field.key == "max_export_batch_size" {
                // No more than there is room for.
                let queue = entries.iter().find(|(key, _)| key == "max_queue_size").map(|(_, item)| &item.value);
                if let Some(Shown::One(queue)) = queue {
                    value = queue.as_u64().min(value.as_u64()).map_or(value, Value::from);
                }
            }
            entries.push((field.key.to_owned(), Self::one(value, "default")));
        }
    }

    /// Adds the defaults of the section at a path of keys, with the section itself if it is not there.
    pub(super) fn fill(&mut self, path: &[&str], section: &'static Section) {
        let Some((key, rest)) = path.split_first() else { return self.add_defaults(section) };
        if let Some(inner) = field(section, key).and_then(|field| section_of(&field.kind)) {
            self.at(&[key]).fill(rest, inner);
        }
    }

    /// What is at a path of keys; made if it is not there.
    pub(super) fn at(&mut self, path: &[&str]) -> &mut Self {
        let Some((key, rest)) = path.split_first() else { return self };
        if !matches!(self.value, Shown::Map(_)) {
            self.value = Shown::Map(Vec::new());
        }
        let Shown::Map(entries) = &mut self.value else { unreachable!("it has just been made a mapping") };
        let index = entries.iter().position(|(found, _)| found == key).unwrap_or_else(|| {
            entries.push(((*key).to_owned(), Self::empty("default")));
            entries.len() - 1
        });
        entries[index].1.at(rest)
    }

    /// The item of a list; made if it is not there.
    pub(super) fn item(&mut self, number: usize) -> &mut Self {
        if !matches!(self.value, Shown::List(_)) {
            self.value = Shown::List(Vec::new());
        }
        let Shown::List(items) = &mut self.value else { unreachable!("it has just been made a list") };
        while items.len() <= number {
            items.push(Self::empty("default"));
        }
        &mut items[number]
    }

    /// Adds to a list.
    pub(super) fn push(&mut self, item: Self) {
        let end = if let Shown::List(items) = &self.value { items.len() } else { 0 };
        *self.item(end) = item;
    }

    /// Sets the value of a key.
    pub(super) fn put(&mut self, key: &str, item: Self) {
        *self.at(&[key]) = item;
    }

    /// Names as they are, and nothing else: of a list of names and values, or of a mapping.
    fn of_headers(node: &Node) -> Self {
        let origin = Some(node.origin.to_string());
        match &node.value {
            Setting::List(items) => Self { value: Shown::List(items.iter().map(Self::of_headers).collect()), origin },
            Setting::Map(entries) => {
                let shown = |key: &str, value: &Node| match key {
                    "name" => Self::of(value, None),
                    _ => Self::hidden(value.origin.to_string()),
                };
                Self::map(entries.iter().map(|entry| (entry.key.as_str(), shown(&entry.key, &entry.node))))
            }
            _ => Self { value: Shown::Hidden, origin },
        }
    }

    /// Like YAML, with a comment behind each value.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text
    }

    fn write(&self, text: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        // Writing to a `String` does not fail.
        match &self.value {
            Shown::Map(entries) => {
                for (key, item) in entries {
                    let _ = write!(text, "{indent}{}:", scalar(&Value::from(key.as_str())));
                    item.write_behind(text, depth + 1);
                }
            }
            Shown::List(items) => {
                for item in items {
                    let _ = write!(text, "{indent}-");
                    item.write_behind(text, depth + 1);
                }
            }
            Shown::One(_) | Shown::Hidden => self.write_behind(text, depth),
        }
    }

    /// Behind a key or a dash: a value in the line, or a tree below.
    fn write_behind(&self, text: &mut String, depth: usize) {
        let value = match &self.value {
            Shown::Map(entries) if !entries.is_empty() => None,
            Shown::List(items) if !items.is_empty() => None,
            Shown::Map(_) => Some("{}".to_owned()),
            Shown::List(_) => Some("[]".to_owned()),
            Shown::Hidden => Some(HIDDEN.to_owned()),
            Shown::One(value) => Some(scalar(value)),
        };
        let Some(value) = value else {
            text.push('\n');
            return self.write(text, depth);
        };
        let _ = match &self.origin {
            Some(origin) => writeln!(text, " {value}  # {origin}"),
            None => writeln!(text, " {value}"),
        };
    }

    /// `{"value": …, "origin": …}` for each value.
    pub(super) fn json(&self) -> Value {
        let value = match &self.value {
            Shown::Map(entries) if !entries.is_empty() => {
                let entries: Map<_, _> = entries.iter().map(|(key, item)| (key.clone(), item.json())).collect();
                return entries.into();
            }
            Shown::List(items) if !items.is_empty() => return items.iter().map(Self::json).collect(),
            Shown::Map(_) => json!({}),
            Shown::List(_) => json!([]),
            Shown::Hidden => HIDDEN.into(),
            Shown::One(value) => value.clone(),
        };
        json!({ "value": value, "origin": self.origin })
    }
}

fn section_of(kind: &Type) -> Option<&'static Section> {
    match kind {
        Type::Section(section) => Some(section),
        Type::Either(kinds) => kinds.iter().find_map(section_of),
        _ => None,
    }
}

fn item_type(kind: &Type) -> Option<&'static Type> {
    match kind {
        Type::List { of, .. } => Some(of),
        Type::Either(kinds) => kinds.iter().find_map(item_type),
        _ => None,
    }
}

fn value_type(kind: &Type) -> Option<&'static Type> {
    match kind {
        Type::Map(of) => Some(of),
        Type::Either(kinds) => kinds.iter().find_map(value_type),
        _ => None,
    }
}

/// The field with this key, or one that had it before; those of flattened sections, too.
fn field(section: &'static Section, key: &str) -> Option<&'static Field> {
    section.fields.iter().find_map(|field| match field.flatten {
        true => section_of(&field.kind).and_then(|section| self::field(section, key)),
        false => (field.key == key || field.old_keys.contains(&key)).then_some(field),
    })
}

/// The URL without what stands in its query, which may be a key.
fn without_query(text: &str) -> String {
    match text.split_once('?') {
        Some((url, _)) if url.contains("://") => format!("{url}?{HIDDEN}"),
        _ => text.to_owned(),
    }
}

/// A URL without the user and the password in it; other text as it is.
pub(super) fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{HIDDEN}{}", &rest[at..]),
        // A password with a slash in it: what is before the `@` is none of a path.
        None if rest.contains('@') && rest.find(':').is_some_and(|colon| colon < end) && !has_port(&rest[..end]) => {
            format!("{scheme}://{HIDDEN}{}", &rest[rest.rfind('@').unwrap_or(0)..])
        }
        None => text.to_owned(),
    }
}

fn has_port(authority: &str) -> bool {
    authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A value in a line of YAML: text without quotes where it cannot be taken for anything else.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+' | '=' | ' ' | ',' | '@' | ':');
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let is_word =
        matches!(&*text.to_ascii_lowercase(), "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n");
    let is_safe = begins_well && !is_word && text.chars().all(is_plain);
    if is_safe && !text.contains(": ") && !text.ends_with([':', ' ']) { text.clone() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_yaml_with_origins_behind_it() {
        let tree = Item::map([
            ("disabled", Item::one(false, "default")),
            ("resource", Item::map([("service.name", Item::one("shop: a", "$OTEL_SERVICE_NAME"))])),
            ("headers", Item::hidden("$OTEL_EXPORTER_OTLP_HEADERS")),
            (
                "list",
                Item {
                    value: Shown::List(vec![Item::one("on", "code"), Item::map([("a", Item::one(1, "code"))])]),
                    origin: None,
                },
            ),
            ("none", Item { value: Shown::List(vec![]), origin: Some("default".to_owned()) }),
        ]);
        let expected = "\
disabled: false  # default
resource:
  service.name: \"shop: a\"  # $OTEL_SERVICE_NAME
headers: [hidden]  # $OTEL_EXPORTER_OTLP_HEADERS
list:
  - \"on\"  # code
  -
    a: 1  # code
none: []  # default
";
        assert_eq!(tree.text(), expected);
        assert_eq!(
            tree.json()["resource"]["service.name"],
            json!({ "value": "shop: a", "origin": "$OTEL_SERVICE_NAME" })
        );
        assert_eq!(tree.json()["headers"]["value"], "[hidden]");
    }

    #[test]
    fn urls_are_shown_without_passwords() {
        for (url, shown) in [
            ("http://a:1/b", "http://a:1/b"),
            ("http://user:secret@a:1/b@c", "http://[hidden]@a:1/b@c"),
            ("http://user:sec/ret@a", "http://[hidden]@a"),
            ("http://a/b@c", "http://a/b@c"),
            ("text", "text"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
    }
}
