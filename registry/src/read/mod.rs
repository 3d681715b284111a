//! Reads registries in OpenTelemetry's two formats: `groups:` (v1) and `file_format: definition/2` (v2), also mixed in
//! one directory, as the semantic conventions are.
//!
//! Metrics, entities and imports are passed over; attributes that such groups define are known all the same. What
//! several groups define is put together here, so that every span and event of the [`Registry`] has its attributes in
//! full.
//!
//! What the format has no word for stands in `annotations: { otelier: … }`:
//!
//! | where | key | means |
//! |-|-|-|
//! | attribute, ref | `late: true` | [`Attribute::late`](crate::model::Attribute::late) |
//! | attribute | `array: true` | an array, where the type is `any`, of which the format has no arrays |
//! | attribute, ref | `closed: true` | no values beside the members |
//! | attribute, ref | `values: [a, b]` | these of the members only |
//! | attribute | `members: […]` | members of an array, which the format cannot have |
//! | attribute, ref | `enum: Market` | [`Attribute::rust_enum`](crate::model::Attribute::rust_enum) |
//! | attribute, ref | `unit: By`, `sensitivity: secret` | the same words of the model |
//! | ref | `deprecated: false` | not deprecated here, though the definition is |
//! | ref | `constant: true` | not declared, only given by a constant |
//! | span, event | `undeclared: allow` | [`Span::undeclared`](crate::model::Span::undeclared) |
//! | span, event | `constants: { a.b: value }` | [`Span::constants`](crate::model::Span::constants) |
//! | span, event, group | `groups: [a, b]` | the groups, where two of them have one attribute, which Weaver refuses |
//! | span | `pattern: "{a.b}"` | [`Span::name`](crate::model::Span::name) |

mod attribute;
mod node;
mod resolve;
mod v1;
mod v2;

use crate::model::Registry;
use node::{Data, Fields, Node};
use resolve::Found;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The longest file that is read; the semantic conventions' longest has 60 kB.
const MAX_FILE: u64 = 4 << 20;

/// How deep directories may nest.
const MAX_DIRECTORIES: usize = 32;

/// How many mistakes are told.
const MAX_MISTAKES: usize = 1000;

/// Everything that is wrong in a registry: all mistakes at once, in the order of their places, at most a thousand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    mistakes: Vec<Mistake>,
}

/// One mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file, as its path was given or found.
    pub file: String,
    /// The line, from 1; 0 if the mistake is about the file.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what is expected.
    pub message: String,
}

impl Errors {
    /// The mistakes.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    fn push(&mut self, place: &Place, message: impl Into<String>) {
        if self.mistakes.len() < MAX_MISTAKES {
            let Place { file, line, column } = place;
            self.mistakes.push(Mistake {
                file: file.to_string(),
                line: *line,
                column: *column,
                message: message.into(),
            });
        }
    }

    fn file(&mut self, path: &Path, message: impl Into<String>) {
        self.push(&Place { file: path.display().to_string().into(), line: 0, column: 0 }, message);
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message } = self;
        match line {
            0 => write!(f, "{file}: {message}"),
            _ => write!(f, "{file}:{line}:{column}: {message}"),
        }
    }
}

/// Where something stands.
#[derive(Clone, Debug)]
struct Place {
    file: Rc<str>,
    line: usize,
    column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Reads the registry at `path`: one YAML file, or a directory with all the YAML files below it and, if it has one, the
/// `manifest.yaml` in it. Names that begin with a dot are passed over.
///
/// # Errors
///
/// Every mistake there is, each with its file, line and column: text that is not YAML, unknown keys and words,
/// references to nothing or in a circle, and what is defined twice.
pub fn registry(path: &Path) -> Result<Registry, Errors> {
    let mut errors = Errors::default();
    let mut files = Vec::new();
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => directory(path, 0, &mut files, &mut errors),
        Ok(_) => files.push(path.to_owned()),
        Err(error) => errors.file(path, unreadable(&error)),
    }
    let texts = files.into_iter().filter_map(|file| {
        let text = text(&file).map_err(|message| errors.file(&file, message)).ok()?;
        Some((file, text))
    });
    let texts: Vec<(PathBuf, String)> = texts.collect();
    let named = texts.iter().map(|(file, text)| (file.display().to_string(), is_manifest(path, file), text.as_str()));
    read(named, errors)
}

/// Reads a registry from texts, such as those that [`yaml::definition`](crate::yaml::definition) makes: file names and
/// what is in them. The manifest is called `manifest.yaml`.
///
/// # Errors
///
/// As [`registry`].
pub fn texts<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Registry, Errors> {
    let named = files.into_iter().map(|(name, text)| (name.to_owned(), MANIFESTS.contains(&name), text));
    read(named, Errors::default())
}

/// What a manifest may be called; the second is the old name.
const MANIFESTS: [&str; 2] = ["manifest.yaml", "registry_manifest.yaml"];

fn is_manifest(root: &Path, file: &Path) -> bool {
    MANIFESTS.iter().any(|name| file == root.join(name) || (file == root && root.ends_with(name)))
}

fn read<'a>(files: impl Iterator<Item = (String, bool, &'a str)>, mut errors: Errors) -> Result<Registry, Errors> {
    let mut registry = Registry::default();
    let mut found = Found::default();
    for (name, is_manifest, text) in files {
        let Some(node) = node::load(&name.into(), text, &mut errors) else { continue };
        match is_manifest {
            true => manifest(&node, &mut registry, &mut errors),
            false => file(&node, &mut found, &mut errors),
        }
    }
    found.resolve(&mut registry, &mut errors);
    match errors.mistakes.is_empty() {
        true => Ok(registry),
        false => {
            errors.mistakes.sort();
            errors.mistakes.dedup();
            Err(errors)
        }
    }
}

/// The YAML files below `path`, in the order of their paths.
fn directory(path: &Path, depth: usize, files: &mut Vec<PathBuf>, errors: &mut Errors) {
    if depth > MAX_DIRECTORIES {
        errors.file(path, format!("directories nest too deeply; expected at most {MAX_DIRECTORIES} levels"));
        return;
    }
    let entries = std::fs::read_dir(path).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            errors.file(path, unreadable(&error));
            return;
        }
    };
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries.iter().filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".")) {
        let path = entry.path();
        let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        // Links to directories are not followed: they may lead in a circle.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => directory(&path, depth + 1, files, errors),
            Ok(_) if yaml && path.is_file() => files.push(path),
            Ok(_) => {}
            Err(error) => errors.file(&path, unreadable(&error)),
        }
    }
}

fn text(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if size > MAX_FILE {
        return Err(format!("this file has {size} bytes; expected at most {MAX_FILE}"));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(&error))
}

fn unreadable(error: &std::io::Error) -> String {
    format!("this cannot be read: {error}; expected a YAML file or a directory of them")
}

/// Takes what a manifest says of the registry; what it says of other registries is passed over.
fn manifest(node: &Node, registry: &mut Registry, errors: &mut Errors) {
    const KNOWN: &[&str] = &[
        "name",
        "description",
        "schema_url",
        "schema_base_url",
        "semconv_version",
        "dependencies",
        "stability",
        "file_format",
        "resolved_registry_uri",
        "resolved_schema_uri",
    ];
    let Some(fields) = Fields::of(node, "a manifest", KNOWN, errors) else { return };
    registry.name = fields.text("name", errors).unwrap_or_default();
    registry.description = fields.text("description", errors).unwrap_or_default();
    registry.schema_url = match fields.text("schema_url", errors) {
        Some(url) => url,
        // The two fields that were before it.
        None => match (fields.text("schema_base_url", errors), fields.get("semconv_version").and_then(Node::scalar)) {
            (Some(base), Some(version)) => format!("{}/{version}", base.trim_end_matches('/')),
            _ => {
                let message = "a manifest has no `schema_url`; expected `schema_url: https://host/path/<version>`";
                errors.push(fields.place, message);
                return;
            }
        },
    };
}

/// Takes what a file defines.
fn file(node: &Node, found: &mut Found, errors: &mut Errors) {
    if matches!(node.data, Data::Null) {
        return;
    }
    let Some(fields) = Fields::free(node, "a registry's file", errors) else { return };
    match fields.get("file_format") {
        None => v1::file(node, found, errors),
        Some(format) => match format.text("file_format", errors) {
            Some("definition/2") => v2::file(node, found, errors),
            Some("definition/1") => v1::file(node, found, errors),
            Some(other) => errors.push(
                &format.place,
                format!("`{other}` is no `file_format`; expected `definition/2`, or none for `groups:`"),
            ),
            None => {}
        },
    }
}

/// The values of `text` if it is a list in YAML's short notation, each in that notation again.
pub(crate) fn flow_items(text: &str) -> Option<Vec<String>> {
    match node::load(&"".into(), text, &mut Errors::default())?.data {
        Data::List(items) if text.starts_with('[') => Some(items.iter().map(attribute::flow).collect()),
        _ => None,
    }
}

/// Whether `text` means a number or a boolean when it stands without quotes.
pub(crate) fn is_number_or_boolean(text: &str) -> bool {
    let node = node::load(&"".into(), text, &mut Errors::default());
    let is = |node: &Node| matches!(node.data, Data::Boolean(_) | Data::Int(_) | Data::Double(_));
    node.is_some_and(|node| is(&node) && attribute::flow(&node) == text)
}

#[cfg(test)]
mod tests;
