//! What keeps a directory of recordings from being used.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why there is nothing to replay. Damaged parts are not errors: they are skipped and counted.
#[derive(Debug)]
pub enum SourceError {
    /// The directory cannot be listed.
    Unreadable {
        /// The directory as given.
        dir: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The directory has no files of the expected kinds.
    NoRecordings {
        /// The directory as given.
        dir: PathBuf,
    },
    /// There are files, but no market data could be read from them.
    NoMarketData {
        /// The directory as given.
        dir: PathBuf,
        /// How many files were looked at.
        files: usize,
        /// The first thing that went wrong, if something did.
        first_warning: Option<String>,
    },
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { dir, error } => write!(f, "cannot read --data directory `{}`: {error}", dir.display()),
            Self::NoRecordings { dir } => write!(
                f,
                "--data directory `{}` holds no recordings; expected *.jsonl.zst or *.yml files in it, or in its \
                 folders `binance-capture` and `binance-rest`",
                dir.display()
            ),
            Self::NoMarketData { dir, files, first_warning } => {
                write!(f, "no market data in the {files} recordings of --data directory `{}`", dir.display())?;
                match first_warning {
                    Some(warning) => write!(f, "; the first problem: {warning}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            Self::NoRecordings { .. } | Self::NoMarketData { .. } => None,
        }
    }
}
