//! YAML for the Collector: written so that whatever stands in the settings arrives as it is.

use otelier_registry::yaml::quoted;
use std::fmt::Write;

/// What a file is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Yaml {
    Bool(bool),
    Integer(u64),
    /// A number as it is written.
    Number(String),
    /// Text that the Collector takes as it is.
    Text(String),
    /// The value of this environment variable of the Collector.
    Variable(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
    /// With lines of comment before it.
    Noted(Vec<String>, Box<Yaml>),
}

/// How long a list in one line is at most.
const WIDTH: usize = 100;

impl Yaml {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    pub(super) fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// This with comments before it, if there are any.
    pub(super) fn noted(comments: impl IntoIterator<Item = String>, yaml: Self) -> Self {
        let mut comments: Vec<String> = comments.into_iter().collect();
        match yaml {
            Self::Noted(others, yaml) => {
                comments.extend(others);
                Self::Noted(comments, yaml)
            }
            yaml if comments.is_empty() => yaml,
            yaml => Self::Noted(comments, Box::new(yaml)),
        }
    }

    /// The comments, and what they are about.
    fn parts(&self) -> (&[String], &Self) {
        match self {
            Self::Noted(comments, yaml) => (comments, yaml.parts().1),
            yaml => (&[], yaml),
        }
    }

    /// The mapping's lines, each behind `depth` steps.
    pub(super) fn write(&self, out: &mut String, depth: usize) {
        match self {
            Self::Map(entries) => {
                for (key, value) in entries {
                    let (comments, value) = value.parts();
                    write_comments(comments, out, depth);
                    let _ = write!(out, "{:1$}{key}:", "", depth * 2, key = key_of(key));
                    value.write_behind(out, depth + 1);
                }
            }
            Self::List(items) => items.iter().for_each(|item| item.write_item(out, depth)),
            Self::Noted(_, yaml) => yaml.write(out, depth),
            _ => self.write_behind(out, depth),
        }
    }

    fn write_item(&self, out: &mut String, depth: usize) {
        let indent = depth * 2;
        let (comments, item) = self.parts();
        write_comments(comments, out, depth);
        // Writing to a `String` does not fail.
        match item {
            Self::Map(entries) if !entries.is_empty() => {
                let mut lines = String::new();
                item.write(&mut lines, depth + 1);
                let _ = write!(out, "{:indent$}- {}", "", lines.trim_start_matches(' '));
            }
            _ => {
                let _ = writeln!(out, "{:indent$}- {}", "", item.in_line());
            }
        }
    }

    /// Behind a key: in its line, or below.
    fn write_behind(&self, out: &mut String, depth: usize) {
        match self {
            Self::Map(entries) if !entries.is_empty() => {
                out.push('\n');
                self.write(out, depth);
            }
            Self::List(items)
                if items.iter().any(|item| matches!(item.parts().1, Self::Map(_))) || self.in_line().len() > WIDTH =>
            {
                out.push('\n');
                self.write(out, depth);
            }
            _ => {
                let _ = writeln!(out, " {}", self.in_line());
            }
        }
    }

    fn in_line(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => value.clone(),
            Self::Text(text) => scalar(text),
            Self::Variable(name) => format!("${{env:{name}}}"),
            Self::List(items) => format!("[{}]", items.iter().map(Self::in_line).collect::<Vec<_>>().join(", ")),
            Self::Map(entries) => {
                let entries: Vec<_> =
                    entries.iter().map(|(key, value)| format!("{}: {}", key_of(key), value.in_line())).collect();
                format!("{{{}}}", entries.join(", "))
            }
            Self::Noted(_, yaml) => yaml.in_line(),
        }
    }
}

fn write_comments(comments: &[String], out: &mut String, depth: usize) {
    for comment in comments {
        let _ = writeln!(out, "{:1$}# {2}", "", depth * 2, printable(comment));
    }
}

/// Text without quotes where nobody can take it for anything else. `$` is doubled: a single one may begin a reference.
fn scalar(text: &str) -> String {
    key_of(&text.replace('$', "$$"))
}

/// Keys are not looked at for references.
fn key_of(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let is_word = matches!(
        &*text.to_ascii_lowercase(),
        "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | ".inf" | ".nan"
    );
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    // A duration, such as `250ms`: a number with a letter behind it is text.
    let is_duration = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with('s')
        && text.trim_start_matches(|c: char| c.is_ascii_digit()).bytes().all(|byte| byte.is_ascii_lowercase());
    if !is_word && (begins_well && text.chars().all(is_plain) || is_duration) { text.to_owned() } else { quoted(text) }
}

/// Text in a comment: in one line, whatever it is.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                out.extend(c.escape_default());
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use saphyr::{LoadableYamlNode, YamlOwned};

    const HOSTILE: [&str; 24] = [
        "plain",
        "",
        " ",
        "a: b",
        "# no comment",
        "it's \"quoted\"",
        "two\nlines\r\nand a tab\t",
        "${env:HOME}",
        "$HOME",
        "$$",
        "$${x}",
        "true",
        "No",
        "~",
        "0x10",
        "12e3",
        "1_000",
        "- item",
        "{flow: [1, 2]}",
        "&anchor *alias !tag %directive @at `tick`",
        "C:\\temp\\new",
        "\u{0}\u{7f}\u{85}\u{a0}\u{2028}\u{2029}\u{feff}",
        "grün 𝕏 \u{202e}",
        "---",
    ];

    /// What the Collector makes of text that refers to nothing: `$$` is one `$`.
    fn expanded(text: &str) -> String {
        let alone = text.replace("$$", "");
        assert!(!alone.contains('$'), "{text} refers to something");
        text.replace("$$", "$")
    }

    #[test]
    fn hostile_text_arrives_as_it_is() {
        for text in HOSTILE {
            let yaml = Yaml::map([
                (text, Yaml::text(text)),
                ("list", Yaml::texts([text, "b"])),
                ("items", Yaml::List(vec![Yaml::map([("a", Yaml::text(text)), ("b", Yaml::text(text))])])),
            ]);
            let mut out = String::new();
            yaml.write(&mut out, 0);
            let found = YamlOwned::load_from_str(&out).unwrap_or_else(|error| panic!("{error}\n{out}"));
            let found = &found[0];
            let value = |found: &YamlOwned| expanded(found.as_str().unwrap_or_else(|| panic!("no text in\n{out}")));
            assert_eq!(value(&found[text]), text, "{out}");
            assert_eq!(value(&found["list"][0]), text, "{out}");
            assert_eq!(value(&found["items"][0]["b"]), text, "{out}");
        }
    }

    #[test]
    fn values_are_of_their_types() {
        let yaml = Yaml::map([
            ("bool", Yaml::Bool(true)),
            ("number", Yaml::Number("0.5".to_owned())),
            ("duration", Yaml::text("250ms")),
            ("variable", Yaml::Variable("API_KEY".to_owned())),
            ("levels", Yaml::List(vec![Yaml::texts(["traces/a"]), Yaml::texts(["traces/b"])])),
            ("empty", Yaml::Map(Vec::new())),
        ]);
        let mut out = String::new();
        yaml.write(&mut out, 0);
        assert_eq!(
            out,
            "bool: true\nnumber: 0.5\nduration: 250ms\nvariable: ${env:API_KEY}\nlevels: [[traces/a], \
             [traces/b]]\nempty: {}\n"
        );
    }

    #[test]
    fn comments_stay_in_their_line() {
        assert_eq!(printable("a\nb: c\u{2028}d"), "a\\nb: c\\u{2028}d");
    }
}
