//! The one place where a file becomes a tree.

use super::sources::Source;
use crate::ConfigError;
use crate::config::{Node, Variables};
#[cfg(not(test))]
use crate::config::{Origin, Value};

/// Reads the file, and puts variables in.
#[cfg(not(test))]
pub(super) fn read(source: &Source, _variables: &Variables) -> Result<Node, ConfigError> {
    let name = match source {
        Source::Path(path) => path.display().to_string(),
        // Nothing needs no reader.
        Source::Text { text, .. } if text.trim().is_empty() => return Ok(Node::new(Value::Null, Origin::Default)),
        Source::Text { name, .. } => name.clone(),
    };
    Err(crate::Problem::new(format_args!("`{name}` cannot be read; this build reads no files of settings")).into())
}

#[cfg(test)]
pub(super) fn read(source: &Source, _variables: &Variables) -> Result<Node, ConfigError> {
    match source {
        Source::Path(path) => Err(crate::Problem::new(format_args!("`{}` cannot be read", path.display())).into()),
        Source::Text { name, text } => Ok(super::tests::tree::read(name, text)),
    }
}
