//! How much is said.

use std::fmt;
use std::str::FromStr;

/// The least grave messages that are said; [`Telemetry::log_level`](crate::Telemetry::log_level).
///
/// It is read from the names that OpenTelemetry's declarative configuration has for `log_level` (`trace` … `fatal4`), and
/// from `off`, in any case:
///
/// ```
/// use otelier::diagnostics::LogLevel;
///
/// assert_eq!("warn2".parse(), Ok(LogLevel::Warn));
/// assert_eq!("FATAL".parse(), Ok(LogLevel::Error));
/// assert!("loud".parse::<LogLevel>().unwrap_err().to_string().contains("expected `trace`"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum LogLevel {
    /// Nothing is said.
    Off,
    /// What cannot go on, such as a shutdown that lost spans.
    Error,
    /// What somebody should look at, such as a failed export.
    Warn,
    /// What changed, such as settings that were reloaded.
    #[default]
    Info,
    /// What happens, such as a batch that was exported.
    Debug,
    /// Everything. This version says nothing at this level that it does not say at [`Debug`](Self::Debug).
    Trace,
}

impl LogLevel {
    const ALL: [Self; 6] = [Self::Off, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    pub(super) fn from_number(number: u8) -> Self {
        Self::ALL[usize::from(number).min(Self::ALL.len() - 1)]
    }

    /// The name, as it is read.
    pub fn as_str(self) -> &'static str {
        ["off", "error", "warn", "info", "debug", "trace"][self as usize]
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was read is no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownLevel;

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `off`")
    }
}

impl std::error::Error for UnknownLevel {}

impl FromStr for LogLevel {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let text = text.to_ascii_lowercase();
        // The specification has four steps of every severity: `info`, `info2`, `info3`, `info4`.
        let severity = text.strip_suffix(['2', '3', '4']);
        match severity.unwrap_or(&text) {
            "trace" => Ok(Self::Trace),
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" => Ok(Self::Warn),
            "warning" if severity.is_none() => Ok(Self::Warn),
            "error" | "fatal" => Ok(Self::Error),
            "off" | "none" if severity.is_none() => Ok(Self::Off),
            _ => Err(UnknownLevel),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LogLevel;

    #[test]
    fn every_name_of_the_declarative_file_is_a_level() {
        for (name, level) in [
            ("trace", LogLevel::Trace),
            ("debug", LogLevel::Debug),
            ("info", LogLevel::Info),
            ("warn", LogLevel::Warn),
            ("error", LogLevel::Error),
            ("fatal", LogLevel::Error),
        ] {
            for step in ["", "2", "3", "4"] {
                assert_eq!(format!("{name}{step}").parse(), Ok(level), "{name}{step}");
            }
            assert_eq!(name.to_uppercase().parse(), Ok(level));
        }
        for wrong in ["", "info1", "info5", "info22", "off2", "warning2", "2", "verbose"] {
            assert!(wrong.parse::<LogLevel>().is_err(), "{wrong}");
        }
        for level in LogLevel::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
            assert_eq!(LogLevel::from_number(level as u8), level);
        }
    }
}
