//! Files of settings: YAML, with environment variables put in, as a tree with places.

mod build;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
mod text;

use super::{File, Node, Variables};
use crate::{ConfigError, Problem};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// A file of settings, with the environment variables put in.
///
/// The file is YAML 1.2 with the core schema: what is not quoted may be a truth value, a number or nothing, what is quoted
/// is text. `yes` and `1_000` are text. JSON is YAML, too. `<<` (merge) was YAML 1.1, and is refused; anchors and aliases
/// are read.
///
/// | in a value | becomes |
/// |-|-|
/// | `${NAME}`, `${env:NAME}` | the variable; nothing if it is not set |
/// | `${NAME:-default}` | the default, if the variable is not set or empty |
/// | `$$` | `$`, which begins no reference |
///
/// What is put in is not looked at again, and makes no new keys. Without quotes the result is what it looks like: with
/// `PORT=9464`, `port: ${PORT}` is a number and `port: "${PORT}"` a text. Keys stay as they are.
///
/// ```
/// use otelier::config::{Document, Variables};
///
/// let text = "disabled: ${OFF}\nresource:\n  schema_url: ${URL:-https://example.com/1.0.0}\n";
/// let document = Document::parse("otel.yaml", text, &Variables::of([("OFF", "true")]))?;
/// let root = &document.root;
/// assert_eq!(root.get("disabled").and_then(|node| node.as_bool()), Some(true));
/// let url = root.get("resource").and_then(|node| node.get("schema_url")).unwrap();
/// assert_eq!(url.as_text(), Some("https://example.com/1.0.0"));
/// assert_eq!(url.origin.to_string(), "otel.yaml:3:15 with $URL");
/// # Ok::<(), otelier::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Document {
    /// What the file says.
    pub root: Node,
    /// The file's name, as the user gave it.
    pub name: String,
}

impl Document {
    /// Reads a file. Its name in errors is `path`.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is no regular file, is larger than 1 MiB, or for what [`parse`](Self::parse) refuses.
    pub fn read(path: impl AsRef<Path>, variables: &Variables) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = bytes(path).map_err(|reason| Problem::new(format_args!("`{name}` cannot be read: {reason}")))?;
        Self::parse(&name, text::of_bytes(&name, bytes)?, variables)
    }

    /// Reads text, as if it were in a file of this name.
    ///
    /// # Errors
    ///
    /// Each with its place, and as far as possible all at once: what is no YAML (then nothing after it is looked at), a key
    /// twice, a key that is no text, a second document, a tag other than those of the core schema, `<<`, a reference
    /// `${…}` that is none, nesting deeper than 64, aliases or variables that make the file many times larger, and a file
    /// with nothing in it.
    pub fn parse(name: &str, text: impl Into<String>, variables: &Variables) -> Result<Self, ConfigError> {
        let text = text::clean(text.into());
        if text.len() as u64 > MAX_BYTES {
            return Err(
                Problem::new(format_args!("`{name}` is {} bytes; expected at most {MAX_BYTES}", text.len())).into()
            );
        }
        let file = Arc::new(File { name: name.to_owned(), text });
        text::check(&file)?;
        Ok(Self { root: build::root(&file, variables)?, name: name.to_owned() })
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    // Opening a pipe would wait for somebody who writes.
    let kind = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !kind.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("it is larger than {MAX_BYTES} bytes"));
    }
    Ok(bytes)
}
