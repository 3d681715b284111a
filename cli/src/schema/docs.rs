//! `otelier schema docs`: the reference.

use super::{files, source};
use crate::Outcome;
use clap::{ArgMatches, Command};
use otelier_registry::markdown;

pub(crate) fn command() -> Command {
    source::arguments(Command::new("docs").about("Writes a reference of the schemas in Markdown"))
        .arg(files::out_file())
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    files::print(matches, markdown::reference(&source::registry(matches)?))
}
