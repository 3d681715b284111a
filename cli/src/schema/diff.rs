//! `otelier schema diff`: what changed between two registries.

use super::{source, text};
use crate::Outcome;
use clap::{Arg, ArgAction, ArgMatches, Command};
use otelier_registry::diff;
use std::fmt::Write;

pub(crate) fn command() -> Command {
    let path = |name, help| Arg::new(name).help(help).required(true);
    let all = Arg::new("all").long("all").action(ArgAction::SetTrue).help("Shows changes that break nobody, too");
    Command::new("diff")
        .about("Compares two registries and tells what breaks those who produce or read the spans")
        .arg(path("OLD", "The older registry: a folder, or a file"))
        .arg(path("NEW", "The newer one"))
        .arg(all)
        .after_help("Exit codes: 0 nothing breaks, 1 something breaks, 2 a registry cannot be read.")
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let read = |name| source::read(text(matches, name).unwrap_or_default());
    let changes = diff::changes(&read("OLD")?, &read("NEW")?);
    let breaking = changes.iter().filter(|change| change.is_breaking()).count();
    let mut said = String::new();
    for change in changes.iter().filter(|change| change.is_breaking() || matches.get_flag("all")) {
        // Writing to a `String` does not fail.
        let _ = writeln!(said, "{change}");
    }
    let _ = writeln!(said, "{breaking} breaking, {} other changes", changes.len() - breaking);
    Ok(Outcome { text: said, code: u8::from(breaking > 0) })
}
