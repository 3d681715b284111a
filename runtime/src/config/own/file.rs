//! The one place where a file becomes a tree.

use super::sources::Source;
use crate::ConfigError;
use crate::config::{Node, Variables};

/// Reads the file, and puts variables in.
#[cfg(feature = "config-file")]
pub(super) fn read(source: &Source, variables: &Variables) -> Result<Node, ConfigError> {
    use crate::config::{Document, Origin, Value};
    let document = match source {
        Source::Path(path) => Document::read(path, variables),
        // Nothing at all is a file without settings.
        Source::Text { text, .. } if text.trim().is_empty() => return Ok(Node::new(Value::Null, Origin::Default)),
        Source::Text { name, text } => Document::parse(name, text, variables),
    };
    document.map(|document| document.root)
}

/// Refuses the file: this build reads none.
#[cfg(not(feature = "config-file"))]
pub(super) fn read(source: &Source, _: &Variables) -> Result<Node, ConfigError> {
    let name = match source {
        Source::Path(path) => path.display().to_string(),
        Source::Text { name, .. } => name.clone(),
    };
    let why = "`otelier` was built without the feature `config-file`";
    Err(crate::Problem::new(format_args!("`{name}` cannot be read; {why}")).into())
}
