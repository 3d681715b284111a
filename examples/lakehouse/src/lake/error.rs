//! What can go wrong on the way to the disk.

use std::fmt;
use std::path::PathBuf;

use otelier::ErrorClass;

/// Why a file was not written. `error.type` is the variant's name in lower case, unless it says something else.
#[derive(Debug, ErrorClass)]
pub enum LakeError {
    /// The directory cannot be created or used.
    #[error_class(kind = configuration, severity = critical, recovery = escalate)]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The table could not be encoded.
    #[error_class(kind = data, severity = high, recovery = skip)]
    Encode {
        /// What the encoder says.
        reason: String,
    },
    /// The store did not take the file.
    #[error_class(kind = unavailable, severity = high, recovery = skip)]
    Write {
        /// Key of the file.
        key: String,
        /// What the store says.
        reason: String,
    },
    /// The task that wrote the file panicked.
    #[error_class(type = "panic", kind = internal, severity = high, recovery = skip)]
    Panicked,
}

impl From<parquet::errors::ParquetError> for LakeError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Encode { reason: error.to_string() }
    }
}

impl fmt::Display for LakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory { path, reason } => write!(f, "cannot use directory `{}`: {reason}", path.display()),
            Self::Encode { reason } => write!(f, "the table cannot be encoded: {reason}"),
            Self::Write { key, reason } => write!(f, "`{key}` cannot be written: {reason}"),
            Self::Panicked => f.write_str("writing panicked"),
        }
    }
}

impl std::error::Error for LakeError {}
