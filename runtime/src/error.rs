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
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::AlreadyRunning => None,
            Self::Config(error) => Some(error),
            Self::Thread(error) => Some(error),
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// Every setting that cannot be used, with what was found and what is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl ConfigError {
    pub(crate) fn push(&mut self, problem: impl fmt::Display) {
        self.problems.push(problem.to_string());
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

    /// One sentence for each problem.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}
