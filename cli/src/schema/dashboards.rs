//! `otelier schema dashboards`: dashboards for Grafana.

use super::{files, source, text};
use crate::Outcome;
use clap::{Arg, ArgMatches, Command};
use otelier_registry::dashboard;
use std::path::Path;

pub(crate) fn command() -> Command {
    let out = Arg::new("out").long("out").value_name("DIR").help("The folder for the files").required(true);
    let about = "Writes a Grafana dashboard for each namespace of the span types";
    source::arguments(Command::new("dashboards").about(about)).arg(out)
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let dashboards = dashboard::dashboards(&source::registry(matches)?);
    files::write_all(Path::new(text(matches, "out").unwrap_or_default()), &dashboards)
}
