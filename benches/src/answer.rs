//! What a child process says: lines of a key and a value.

use std::io;
use std::str::FromStr;

/// What a child said.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    text: String,
}

/// Why there is no measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The peer has no such mode.
    Unavailable,
    /// The child did not do what it should; why has been printed.
    Failed,
}

impl Missing {
    /// What a table has in place of the number.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Unavailable => "n/a",
            Self::Failed => "failed",
        }
    }
}

impl Answer {
    pub(crate) fn new(text: String) -> Self {
        Self { text }
    }

    /// The values of a key, in order.
    pub(crate) fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.text.lines().filter_map(|line| line.split_once(' '));
        pairs.filter(move |(own, _)| *own == key).map(|(_, value)| value)
    }

    /// The values of a key that are numbers.
    pub(crate) fn numbers<T: FromStr>(&self, key: &str) -> Vec<T> {
        self.values(key).filter_map(|value| value.parse().ok()).collect()
    }

    /// The first of them.
    pub(crate) fn number<T: FromStr>(&self, key: &str) -> Result<T, Missing> {
        self.numbers(key).into_iter().next().ok_or_else(|| {
            eprintln!("error: a measurement gave no `{key}`");
            Missing::Failed
        })
    }
}

/// This program.
pub(crate) fn this() -> io::Result<std::path::PathBuf> {
    std::env::current_exe()
}
