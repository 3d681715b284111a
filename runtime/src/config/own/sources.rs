//! Where settings are read from.

use super::file;
use crate::ConfigError;
use crate::config::{Node, Variables};
use std::path::PathBuf;

/// Where [`TelemetryConfig::load_from`](super::TelemetryConfig::load_from) reads: variables, and perhaps a file.
///
/// `default` has neither, for tests.
#[derive(Debug)]
pub struct Sources {
    variables: Variables,
    file: Option<Source>,
}

/// A file of settings.
#[derive(Debug)]
pub(super) enum Source {
    Path(PathBuf),
    #[cfg_attr(not(feature = "config-file"), allow(dead_code, reason = "nobody reads it"))]
    Text {
        name: String,
        text: String,
    },
}

impl Default for Sources {
    fn default() -> Self {
        Self { variables: Variables::of([]), file: None }
    }
}

impl Sources {
    /// The environment of this process, and the file that its `OTEL_CONFIG_FILE` names.
    pub fn of_the_process() -> Self {
        Self { variables: Variables::of_the_process(), file: None }
    }

    /// Reads these variables. `OTEL_CONFIG_FILE` among them names the file, unless another one is given.
    ///
    /// ```
    /// use otelier::config::{Sources, Variables};
    ///
    /// let sources = Sources::default().with_variables(Variables::of([("LAKEHOUSE_SYMBOLS", "BTCUSDT")]));
    /// ```
    #[must_use]
    pub fn with_variables(mut self, variables: Variables) -> Self {
        self.variables = variables;
        self
    }

    /// Reads this file in place of the one in `OTEL_CONFIG_FILE`.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(Source::Path(path.into()));
        self
    }

    /// Reads this text as if it were in a file of that name.
    #[must_use]
    pub fn with_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.file = Some(Source::Text { name: name.into(), text: text.into() });
        self
    }

    /// The variables.
    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The value of a variable that counts.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        if self.is_below_the_file(name) { None } else { self.variables.get(name) }
    }

    /// Whether the variable is set, and does not count because there is a file.
    pub(super) fn is_passed_over(&self, name: &str) -> bool {
        self.is_below_the_file(name) && self.variables.get(name).is_some()
    }

    fn is_below_the_file(&self, name: &str) -> bool {
        name.starts_with("OTEL_") && (self.file.is_some() || self.variables.get("OTEL_CONFIG_FILE").is_some())
    }

    /// What is in the file, if there is one.
    pub(super) fn root(&self, problems: &mut ConfigError) -> Option<Node> {
        let named = self.variables.get("OTEL_CONFIG_FILE").map(|path| Source::Path(path.into()));
        let source = self.file.as_ref().or(named.as_ref())?;
        file::read(source, &self.variables).map_err(|error| problems.absorb(error)).ok()
    }
}
