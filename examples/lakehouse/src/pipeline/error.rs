//! What ends a run, and what it survives.

use std::fmt;

use otelier::ErrorClass;

use crate::client::ExchangeError;
use crate::lake::LakeError;

/// Why a run has nothing to show. What the client or the lake knows of an error holds for the run as well.
#[derive(Debug, ErrorClass)]
pub enum WorkflowError {
    /// The exchange did not say what it allows.
    #[error_class(transparent)]
    ExchangeInfo(ExchangeError),
    /// Nothing could be downloaded for any symbol.
    #[error_class(kind = unavailable, severity = critical, recovery = escalate)]
    NothingCollected {
        /// All downloads.
        failures: Vec<Failure>,
    },
    /// No file could be written.
    #[error_class(transparent)]
    NothingStored(LakeError),
}

/// Work that failed although the run went on.
#[derive(Debug)]
pub struct Failure {
    /// What failed, such as `klines of BTCUSDT`.
    pub what: String,
    /// What went wrong.
    pub reason: String,
}

impl Failure {
    /// The failure of `what`.
    pub fn new(what: String, error: &impl std::error::Error) -> Self {
        Self { what, reason: error.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.reason)
    }
}

impl fmt::Display for WorkflowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExchangeInfo(error) => write!(f, "the exchange's limits could not be read: {error}"),
            Self::NothingCollected { failures } => {
                write!(f, "none of the {} downloads succeeded", failures.len())?;
                failures.first().map_or(Ok(()), |first| write!(f, "; the first: {first}"))
            }
            Self::NothingStored(error) => write!(f, "no file could be written: {error}"),
        }
    }
}

impl std::error::Error for WorkflowError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::ExchangeInfo(error) => Some(error),
            Self::NothingStored(error) => Some(error),
            Self::NothingCollected { .. } => None,
        }
    }
}
