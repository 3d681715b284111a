//! `otelier schema collector`: what the Collector has to be told.

use super::{files, source};
use crate::Outcome;
use clap::{ArgMatches, Command};
use otelier_registry::dashboard;

pub(crate) fn command() -> Command {
    let about = "Writes the settings of the OpenTelemetry Collector that dashboards and rules need";
    source::arguments(Command::new("collector").about(about)).arg(files::out_file())
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    files::print(matches, dashboard::collector_dimensions(&source::registry(matches)?))
}
