//! The user's own settings: structs with `#[derive(TelemetryConfig)]`, beside those of the specification.

mod checks;
mod file;
mod json;
mod reader;
mod reference;
mod setting;
mod sources;
mod telemetry;
mod value;

#[cfg(test)]
mod tests;

pub use checks::{
    Fixed, Range, as_text, count_keys, count_variables, fits, flattened, has_range, has_unit, is_readable, is_section,
    items_have_variables, keys, sentence, twice, variables, with_unit, within,
};
pub use reader::Reader;
pub use setting::{Parsed, Setting, Unparsed};
pub use sources::Sources;

use super::Origin;
use super::describe::Section;
use crate::diagnostics::{self, LogLevel};
use crate::error::{ConfigError, Problem};

/// A struct of settings that reads itself from the environment and from the file in `OTEL_CONFIG_FILE`.
///
/// [`#[derive(TelemetryConfig)]`](macro@super::TelemetryConfig) implements it, and its page says what can be written.
///
/// Of a field's sources the first that says something counts: its environment variables, the file, its default. While a file
/// is named by `OTEL_CONFIG_FILE`, or given by [`Sources::with_file`], variables whose names begin with `OTEL_` count only
/// where the file puts them in by `${…}`, as OpenTelemetry's specification has it; a warning says so. Variables with names
/// of your own count with a file as well. Blanks around the value of a variable do not count, and an empty one is as good as
/// none.
///
/// ```
/// use otelier::config::{Sources, TelemetryConfig, Variables};
///
/// /// How the lakehouse collects.
/// #[derive(Debug, TelemetryConfig)]
/// #[config(section = "lakehouse")]
/// struct Lakehouse {
///     /// Symbols that are collected.
///     #[config(env = "LAKEHOUSE_SYMBOLS", default = ["BTCUSDT"])]
///     symbols: Vec<String>,
///     /// Share of the CPU above which work is shed.
///     #[config(env = "LAKEHOUSE_CPU_THRESHOLD", default = 80.0, range = 0.0..=100.0, unit = "%")]
///     cpu_threshold: f64,
/// }
///
/// let variables = Variables::of([("LAKEHOUSE_SYMBOLS", "ETHUSDT, SOLUSDT")]);
/// let lakehouse = Lakehouse::load_from(&Sources::default().with_variables(variables))?;
/// assert_eq!((&*lakehouse.symbols[1], lakehouse.cpu_threshold), ("SOLUSDT", 80.0));
///
/// let variables = Variables::of([("LAKEHOUSE_CPU_THRESHOLD", "120")]);
/// let error = Lakehouse::load_from(&Sources::default().with_variables(variables)).unwrap_err();
/// assert_eq!(error.problems(), ["`LAKEHOUSE_CPU_THRESHOLD` is `120`; expected 0.0 to 100.0"]);
/// # Ok::<(), otelier::ConfigError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no settings of its own",
    label = "expected a struct that derives `TelemetryConfig`",
    note = "write `#[derive(TelemetryConfig)]` above it, or remove `flatten` if it is one value"
)]
pub trait TelemetryConfig: Sized {
    /// The keys of the struct, without those of flattened structs that have a place of their own.
    const SECTION: &'static Section;
    /// All keys from the root of a file.
    const ROOT: &'static Section;
    /// The key below which it stands in a file, `""` for the root. `None`: the root, or where another struct has it.
    const PLACE: Option<&'static str>;

    /// Reads the fields; `None` if one of them is wrong, which was told to the reader.
    #[doc(hidden)]
    fn read_fields(reader: &mut Reader<'_>) -> Option<Self>;

    /// Reads the fields as those of another struct, or at its own place.
    #[doc(hidden)]
    fn read_flattened(reader: &mut Reader<'_>) -> Option<Self> {
        reader.flattened()
    }

    /// Reads the environment, and the file that `OTEL_CONFIG_FILE` names.
    ///
    /// # Errors
    ///
    /// Every setting that cannot be used, all at once. Warnings are in [`load_with_report`](Self::load_with_report).
    fn load() -> Result<Self, ConfigError> {
        let loaded = Self::load_with_report(&Sources::of_the_process())?;
        for warning in loaded.warnings {
            diagnostics::tell(LogLevel::Warn, "Config.Read.Warning", || warning.to_string());
        }
        Ok(loaded.value)
    }

    /// Reads these sources.
    ///
    /// # Errors
    ///
    /// As of [`load`](Self::load).
    fn load_from(sources: &Sources) -> Result<Self, ConfigError> {
        Self::load_with_report(sources).map(|loaded| loaded.value)
    }

    /// Reads these sources, and says where each value comes from and what should be changed.
    ///
    /// # Errors
    ///
    /// As of [`load`](Self::load).
    fn load_with_report(sources: &Sources) -> Result<Loaded<Self>, ConfigError> {
        let mut found = reader::Found::default();
        let mut known = Vec::new();
        reader::keys(Self::ROOT, &mut known, &mut Vec::new());
        found.root_keys = known;
        let file = sources.root(&mut found.problems);
        // Without the file everything would seem to be missing that stands there.
        let is_readable = found.problems.problems().is_empty();
        let value = is_readable.then(|| Reader::new(sources, file.as_ref(), &mut found).placed::<Self>()).flatten();
        let reader::Found { problems, warnings, origins, .. } = found;
        match value {
            Some(value) if problems.problems().is_empty() => Ok(Loaded { value, warnings, origins }),
            _ => Err(problems),
        }
    }

    /// Every key as a Markdown table: key, variable, type, unit, default, range, and what it does.
    ///
    /// ```
    /// use otelier::config::TelemetryConfig;
    ///
    /// /// How the lakehouse collects.
    /// #[derive(TelemetryConfig)]
    /// struct Lakehouse {
    ///     /// Rows per file.
    ///     #[config(env = "LAKEHOUSE_ROWS", default = 1000, range = 1..=65536)]
    ///     rows: u32,
    /// }
    ///
    /// let table = Lakehouse::reference();
    /// let row = "| `rows` | `LAKEHOUSE_ROWS` | whole number | | `1000` | from 1 to 65536 | Rows per file. |";
    /// assert_eq!(table.lines().last(), Some(row));
    /// ```
    fn reference() -> String {
        reference::table(Self::ROOT)
    }

    /// A JSON schema (2020-12) of a file with these settings, for editors and checks.
    ///
    /// The root is open, because a file has the keys of OpenTelemetry's specification as well; below it unknown keys are
    /// errors.
    fn json_schema() -> String {
        json::schema(Self::ROOT, Self::SECTION.name)
    }
}

/// Settings that were read, and what is to be said about them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded<T> {
    /// The settings.
    pub value: T,
    /// What works and should be changed: old names of keys and variables, variables that have no effect.
    pub warnings: Vec<Problem>,
    /// Where the value of each key comes from, in the order of the fields.
    pub origins: Vec<(String, Origin)>,
}

/// Whether the specification has this key at the root of a file.
fn is_of_the_specification(key: &str) -> bool {
    super::keys::CONFIGURATION.fields.iter().any(|field| field.key == key)
}
