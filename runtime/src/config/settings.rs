//! From where settings come: a file, or else the environment.

use super::{Node, Telemetry, Variables};
use crate::error::{ConfigError, Problem};

const FILE: &str = "OTEL_CONFIG_FILE";
const OLD_FILE: &str = "OTEL_EXPERIMENTAL_CONFIG_FILE";

/// Settings as they were read, with where each of them comes from.
///
/// ```
/// use otelier::config::{Settings, Variables};
///
/// let settings = Settings::from_variables(&Variables::of([("OTEL_BSP_SCHEDULE_DELAY", "250")]))?;
/// let delay = settings.get("tracer_provider.processors[0].batch.schedule_delay").unwrap();
/// assert_eq!(delay.as_integer(), Some(250));
/// assert_eq!(delay.origin.to_string(), "$OTEL_BSP_SCHEDULE_DELAY");
/// # Ok::<(), otelier::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// What [`init`](crate::init) takes.
    pub telemetry: Telemetry,
    /// The tree they were read from, in the form of OpenTelemetry's declarative configuration, whatever the source was.
    pub tree: Node,
    /// The file, if there is one.
    pub file: Option<String>,
}

impl Settings {
    /// Those of this process: of the file that `OTEL_CONFIG_FILE` names, or else of the other variables.
    ///
    /// # Errors
    ///
    /// Every mistake at once, with its place. What the specification wants passed over is in [`Telemetry::warnings`].
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(&Variables::of_the_process())
    }

    /// The same with other variables.
    ///
    /// # Errors
    ///
    /// See [`from_env`](Self::from_env).
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        if let Some(file) = variables.get(FILE) {
            return Self::from_file(&file, variables);
        }
        if let Some(file) = variables.get(OLD_FILE) {
            let mut settings = Self::from_file(&file, variables)?;
            settings.telemetry.warnings.push(Problem::new(format_args!("`{OLD_FILE}` is called `{FILE}` now")));
            return Ok(settings);
        }
        Self::from_environment(variables)
    }

    /// Those of the variables alone, whatever file they name.
    pub(crate) fn from_environment(variables: &Variables) -> Result<Self, ConfigError> {
        let environment = super::environment::environment(variables);
        Self::from_tree(environment.tree, None, environment.warnings, environment.errors)
    }

    /// Those of a file of OpenTelemetry's declarative configuration, in which `${NAME}` stands for `variables`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or every mistake in it, with its place.
    #[cfg(feature = "config-file")]
    pub fn from_file(path: &str, variables: &Variables) -> Result<Self, ConfigError> {
        let document = super::Document::read(path, variables).map_err(|error| named_by(error, path, variables))?;
        Self::from_document(document).map_err(|error| named_by(error, path, variables))
    }

    /// Those of a file; this build reads none.
    ///
    /// # Errors
    ///
    /// Always.
    #[cfg(not(feature = "config-file"))]
    pub fn from_file(path: &str, _: &Variables) -> Result<Self, ConfigError> {
        let problem = format!("`{path}` cannot be read; `otelier` was built without the feature `config-file`");
        Err(Problem::new(problem).into())
    }

    /// Those of a file that has been read.
    ///
    /// # Errors
    ///
    /// Every mistake in it, with its place.
    #[cfg(feature = "config-file")]
    pub fn from_document(document: super::Document) -> Result<Self, ConfigError> {
        Self::from_root(document.root, Some(document.name), &[])
    }

    /// Those of a file's root, in which these keys are somebody else's.
    pub(crate) fn from_root(root: Node, file: Option<String>, foreign: &[&str]) -> Result<Self, ConfigError> {
        let mut errors = ConfigError::default();
        super::check_with(&root, &super::keys::CONFIGURATION, foreign, &mut errors);
        errors.into_result()?;
        Self::from_tree(root, file, Vec::new(), ConfigError::default())
    }

    fn from_tree(
        tree: Node,
        file: Option<String>,
        warnings: Vec<Problem>,
        errors: ConfigError,
    ) -> Result<Self, ConfigError> {
        let mut findings = super::load::Findings { errors, warnings };
        let mut telemetry = super::load::telemetry(&tree, &mut findings);
        telemetry.check(&mut findings.errors);
        findings.errors.into_result()?;
        telemetry.warnings = findings.warnings;
        Ok(Self { telemetry, tree, file })
    }

    /// The setting at a path such as `tracer_provider.processors[0].batch`, if somebody said it.
    pub fn get(&self, path: &str) -> Option<&Node> {
        let keys = path.split('.').flat_map(|part| {
            let mut pieces = part.split('[');
            let key = pieces.next().filter(|key| !key.is_empty()).map(Err);
            key.into_iter().chain(pieces.map(|index| Ok(index.trim_end_matches(']').parse().unwrap_or(usize::MAX))))
        });
        let mut node = &self.tree;
        for key in keys {
            node = match key {
                Err(key) => node.get(key)?,
                Ok(index) => node.items().get(index)?,
            };
        }
        Some(node)
    }
}

/// Says who named the file.
#[cfg(feature = "config-file")]
fn named_by(error: ConfigError, path: &str, variables: &Variables) -> ConfigError {
    let Some(name) = [FILE, OLD_FILE].into_iter().find(|name| variables.get(name).as_deref() == Some(path)) else {
        return error;
    };
    let mut all = ConfigError::default();
    let note = format!(
        "the file is the one in `{name}`; while it is set, other `OTEL_` variables count only where the file names them"
    );
    for (number, problem) in error.problems().iter().enumerate() {
        // Once is enough.
        all.push(if number == 0 { problem.clone().note(&note) } else { problem.clone() });
    }
    all
}
