//! `otelier schema import`: Rust source of a registry.

use super::{files, source, text};
use crate::Outcome;
use clap::{Arg, ArgAction, ArgMatches, Command};
use otelier_registry::rust::{self, Options};

pub(crate) fn command() -> Command {
    let registry = Arg::new("REGISTRY")
        .help("A registry in OpenTelemetry's format, old or new: a folder, or a file")
        .required(true);
    let path = Arg::new("crate-path")
        .long("crate-path")
        .value_name("PATH")
        .default_value("otelier")
        .help("Where the macros are");
    let groups = Arg::new("no-groups")
        .long("no-groups")
        .action(ArgAction::SetTrue)
        .help("Declares no groups: every span has its attributes in full");
    Command::new("import")
        .about("Writes a registry as Rust source")
        .args([registry, files::out_file(), path, groups])
        .after_help(super::EXIT_CODES)
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let registry = source::read(text(matches, "REGISTRY").unwrap_or_default())?;
    let options = Options {
        crate_path: text(matches, "crate-path").unwrap_or_default().to_owned(),
        groups: !matches.get_flag("no-groups"),
        ..Options::default()
    };
    files::print(matches, rust::source(&registry, &options)?)
}
