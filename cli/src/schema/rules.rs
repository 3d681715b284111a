//! `otelier schema rules`: rules for Prometheus.

use super::{files, source};
use crate::Outcome;
use clap::{ArgMatches, Command};

pub(crate) fn command() -> Command {
    source::arguments(Command::new("rules").about("Writes recording and alerting rules for Prometheus"))
        .arg(files::out_file())
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    files::print(matches, otelier_registry::rules::rules(&source::registry(matches)?))
}
