//! Where a command's registry comes from: this crate's schemas, a package, or files.

use super::{files, package, text};
use clap::{Arg, ArgMatches, Command};
use otelier::schema::{ALL, EVENTS, GROUPS};
use otelier_registry::model::Registry;
use otelier_registry::{definitions, read};
use std::fs;
use std::io::Read;
use std::path::Path;

/// The longest text with several files that is read.
const MAX_TEXT: u64 = 64 << 20;

/// Adds the arguments that say which registry is meant.
pub(crate) fn arguments(command: Command) -> Command {
    let registry = Arg::new("registry")
        .long("registry")
        .value_name("PATH")
        .help("Takes the schemas of a registry: a folder or a file")
        .conflicts_with("package");
    package::arguments(command).arg(registry).after_help(super::EXIT_CODES)
}

/// The registry that the arguments name; without any, that of the schemas that come with otelier.
pub(crate) fn registry(matches: &ArgMatches) -> Result<Registry, String> {
    match (text(matches, "registry"), text(matches, "package")) {
        (Some(path), _) => read(path),
        (None, Some(name)) => package::registry(matches, name),
        (None, None) => Ok(ready_made()),
    }
}

fn ready_made() -> Registry {
    let (description, version) = ("The schemas that come with otelier.", env!("CARGO_PKG_VERSION"));
    let schema_url = format!("https://otelier.invalid/schemas/{version}");
    let (spans, events, groups) = (ALL.iter().copied(), EVENTS.iter().copied(), GROUPS.iter().copied());
    definitions::registry("otelier", description, &schema_url, spans, events, groups)
}

/// The registry at `path`: a folder, a file, or what `export` prints.
pub(crate) fn read(path: &str) -> Result<Registry, String> {
    let path = Path::new(path);
    if path.is_file() {
        let mut text = String::new();
        let file = fs::File::open(path).map_err(|error| files::failed(path, &error))?;
        // What is no text or too long is refused below.
        let whole = file.take(MAX_TEXT).read_to_string(&mut text);
        let parts = files::split(&text);
        if whole.is_ok() && !parts.is_empty() {
            return read::texts(parts).map_err(|errors| errors.to_string());
        }
    }
    read::registry(path).map_err(|errors| errors.to_string())
}
