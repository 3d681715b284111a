//! Errors of starting and ending a pipeline.

use std::fmt;

/// Why [`init`](crate::init) refused to start.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A pipeline runs already. Keep its guard, and end it before starting another; [`init_once`](crate::init_once) shares
    /// one.
    AlreadyRunning,
    /// Settings that cannot be used, all of them.
    Config(ConfigError),
    /// The collector thread could not be started.
    Thread(std::io::Error),
    /// The address that metrics are to be served at cannot be listened at, as when another process does.
    Listen {
        /// The address with the port.
        address: String,
        /// Why it is impossible.
        error: std::io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRunning => f.write_str(
                "telemetry is running already; shut its guard down before starting it again, or share one with \
                     `otelier::init_once`",
            ),
            Self::Config(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "the collector thread could not be started: {error}"),
            Self::Listen { address, error } => {
                write!(
                    f,
                    "metrics cannot be served to Prometheus at `{address}`: {error}; expected an address of this "
                )?;
                f.write_str("machine with a port that is free")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::AlreadyRunning => None,
            Self::Config(error) => Some(error),
            Self::Thread(error) | Self::Listen { error, .. } => Some(error),
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// Every setting that cannot be used, with what was found and what is accepted.
///
/// `Display` gives every problem with its place, the line of the file, notes and help.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    pub(crate) fn push(&mut self, problem: impl Into<Problem>) {
        self.problems.push(problem.into());
    }

    /// Adds the other's problems, but none twice.
    pub(crate) fn absorb(&mut self, other: Self) {
        for problem in other.problems {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
    }

    /// The error, unless there is no problem.
    pub(crate) fn into_result(self) -> Result<(), Self> {
        if self.problems.is_empty() { Ok(()) } else { Err(self) }
    }

    /// Every problem, in the order they were found.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

/// One setting that cannot be used: what was found, what is accepted, and where it stands.
///
/// It equals a text if its [`sentence`](Self::sentence) is that text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    sentence: String,
    // In a box, because errors are returned where a file plays no part.
    details: Option<Box<Details>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Details {
    place: Option<Place>,
    notes: Vec<String>,
    help: Vec<String>,
}

/// Where in a file something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// How many characters it takes, at least 1.
    pub width: u32,
    /// The text of the line; secrets in it are the file's.
    pub text: String,
}

impl Problem {
    /// A problem that this sentence tells.
    pub(crate) fn new(sentence: impl fmt::Display) -> Self {
        Self { sentence: sentence.to_string(), details: None }
    }

    /// Says where it stands.
    pub(crate) fn at(mut self, place: Place) -> Self {
        self.details.get_or_insert_default().place = Some(place);
        self
    }

    /// Leaves the text of the line out, because a secret is in it.
    pub(crate) fn without_text(mut self) -> Self {
        if let Some(place) = self.details.as_mut().and_then(|details| details.place.as_mut()) {
            place.text.clear();
        }
        self
    }

    /// Adds something to know.
    pub(crate) fn note(mut self, note: impl fmt::Display) -> Self {
        self.details.get_or_insert_default().notes.push(note.to_string());
        self
    }

    /// Adds something to do.
    pub(crate) fn help(mut self, help: impl fmt::Display) -> Self {
        self.details.get_or_insert_default().help.push(help.to_string());
        self
    }

    /// Leaves out what stands in the line from this column on, because it is secret.
    pub(crate) fn hide_from(&mut self, column: u32) {
        let Some(place) = self.details.as_mut().and_then(|details| details.place.as_mut()) else { return };
        let kept = column.saturating_sub(1) as usize;
        if place.text.chars().nth(kept).is_some() {
            place.text = place.text.chars().take(kept).chain(['…']).collect();
        }
    }

    /// The same with something else to know.
    #[must_use]
    pub fn with_note(self, note: impl fmt::Display) -> Self {
        self.note(note)
    }

    /// What is wrong, without the place: `` `KEY` is `VALUE`; expected … ``.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// Where it stands, if it stands in a file.
    pub fn place(&self) -> Option<&Place> {
        self.details.as_ref()?.place.as_ref()
    }

    /// What else there is to know.
    pub fn notes(&self) -> &[String] {
        self.details.as_ref().map_or(&[], |details| &details.notes)
    }

    /// What can be done.
    pub fn helps(&self) -> &[String] {
        self.details.as_ref().map_or(&[], |details| &details.help)
    }
}

impl fmt::Display for Problem {
    /// ```text
    /// otel.yaml:14:18: `tracer_provider.sampler.trace_id_ratio_based.ratio` is 25; expected 0.0 to 1.0
    ///    |
    /// 14 |           ratio: 25
    ///    |                  ^^
    ///   note: read from the file in `OTEL_CONFIG_FILE`
    ///   help: 0.25 keeps one trace in four
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            Some(place) => {
                write!(f, "{}:{}:{}: {}", place.file, place.line, place.column, self.sentence)?;
                place.show(f)?;
            }
            None => f.write_str(&self.sentence)?,
        }
        self.notes().iter().try_for_each(|note| write!(f, "\n  note: {note}"))?;
        self.helps().iter().try_for_each(|help| write!(f, "\n  help: {help}"))
    }
}

impl Place {
    /// The longest line that is shown, in bytes; of a longer one there is only the place.
    pub(crate) const MAX_TEXT: usize = 400;

    /// The line, and below it what of it is meant.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.trim().is_empty() {
            return Ok(());
        }
        // A tab is one column, and as wide as its reader likes: one blank keeps the marks below their characters.
        let text: String = self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let width = self.line.to_string().len();
        let blanks = " ".repeat(self.column.saturating_sub(1) as usize);
        // What is meant may stand where the line is left out because of something else in it.
        if text.ends_with('…') && blanks.len() >= text.chars().count() {
            return Ok(());
        }
        let left = text.chars().count().saturating_sub(blanks.len()).max(1);
        let marks = "^".repeat((self.width.max(1) as usize).min(left));
        write!(f, "\n{:width$} |\n{} | {}\n{:width$} | {blanks}{marks}", "", self.line, text.trim_end(), "")
    }
}

impl From<&str> for Problem {
    fn from(sentence: &str) -> Self {
        Self::new(sentence)
    }
}

impl From<String> for Problem {
    fn from(sentence: String) -> Self {
        Self::new(sentence)
    }
}

impl From<fmt::Arguments<'_>> for Problem {
    fn from(sentence: fmt::Arguments<'_>) -> Self {
        Self::new(sentence)
    }
}

impl PartialEq<str> for Problem {
    fn eq(&self, sentence: &str) -> bool {
        self.sentence == sentence
    }
}

impl PartialEq<&str> for Problem {
    fn eq(&self, sentence: &&str) -> bool {
        self.sentence == *sentence
    }
}

impl PartialEq<String> for Problem {
    fn eq(&self, sentence: &String) -> bool {
        self.sentence == *sentence
    }
}
