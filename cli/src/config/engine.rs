//! The seam to what reads configuration: the only file that knows how a file becomes settings.
//!
//! This version reads the environment. Files, their check, the JSON schema and the table of their keys come with
//! `otelier::config::{Document, check, json_schema, keys::CONFIGURATION}`; each function below says what to call. Until
//! then it refuses with [`NO_FILES`].

use otelier::Problem;
use otelier::config::describe::Section;
use otelier::config::{Node, Telemetry, Variables};

/// Whether there is something that reads files.
pub(crate) const READS_FILES: bool = false;

/// Why there is nothing to show for a file.
pub(crate) const NO_FILES: &str = "this build reads no configuration files; it reads environment variables";

/// The file that `OTEL_CONFIG_FILE` names, if this build reads files.
pub(crate) fn file_of_the_environment() -> Option<String> {
    Variables::of_the_process().get("OTEL_CONFIG_FILE").filter(|_| READS_FILES)
}

/// The settings of a file, or without one those of the environment; problems in full, with place, notes and help.
///
/// With files: `Telemetry` from `document(path)`, and without an argument from [`file_of_the_environment`] if there is one,
/// unless `Telemetry::from_env` reads that itself.
pub(crate) fn telemetry(file: Option<&str>) -> Result<Telemetry, Vec<String>> {
    match file {
        None => Telemetry::from_env().map_err(|error| error.problems().iter().map(ToString::to_string).collect()),
        Some(path) => Err(vec![format!("{path}: {NO_FILES}")]),
    }
}

/// A mistake in a file.
#[derive(Debug)]
pub(crate) struct Mistake {
    /// In full: place, line, notes and help.
    pub(crate) text: String,
    pub(crate) sentence: String,
    pub(crate) file: String,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
    pub(crate) notes: Vec<String>,
    pub(crate) help: Vec<String>,
}

impl Mistake {
    fn of(problem: &Problem, file: &str) -> Self {
        let place = problem.place();
        Self {
            text: problem.to_string(),
            sentence: problem.sentence().to_owned(),
            file: place.map_or(file, |place| &place.file).to_owned(),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            notes: problem.notes().to_vec(),
            help: problem.helps().to_vec(),
        }
    }
}

/// Every mistake in the environment.
pub(crate) fn check_environment() -> Vec<Mistake> {
    let problems = Telemetry::from_env().err().map(|error| error.problems().to_vec()).unwrap_or_default();
    problems.iter().map(|problem| Mistake::of(problem, ENVIRONMENT)).collect()
}

/// What is named in place of a file.
pub(crate) const ENVIRONMENT: &str = "environment";

/// Every mistake in a file.
///
/// With files: `Document::read(path, &Variables::of_the_process())`, then `check(&document.root, &CONFIGURATION, &mut
/// problems)`; each `Problem` becomes a [`Mistake`] by [`Mistake::of`].
pub(crate) fn check(path: &str) -> Vec<Mistake> {
    let sentence = NO_FILES.to_owned();
    let text = format!("{path}: {sentence}");
    vec![Mistake { text, sentence, file: path.to_owned(), line: None, column: None, notes: vec![], help: vec![] }]
}

/// The values of a file with their places.
///
/// With files: `Document::read(path, &Variables::of_the_process()).map(|document| document.root)`.
pub(crate) fn document(path: &str) -> Result<Node, Vec<String>> {
    Err(vec![format!("{path}: {NO_FILES}")])
}

/// The keys of a file.
///
/// With files: `Some(&otelier::config::keys::CONFIGURATION)`.
pub(crate) fn keys() -> Option<&'static Section> {
    None
}

/// The JSON schema of a file.
///
/// With files: `Ok(json_schema(&CONFIGURATION, "OpenTelemetry configuration"))`.
pub(crate) fn schema() -> Result<String, String> {
    Err(NO_FILES.to_owned())
}
