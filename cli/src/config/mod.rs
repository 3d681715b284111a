//! `otelier config`: what settings there are, which of them hold, and whether they can be used.

mod check;
pub(crate) mod collector;
mod effective;
mod reference;
mod show;
mod tree;

use crate::Outcome;
use clap::{Arg, ArgAction, ArgMatches, Command};
use otelier::ConfigError;
use otelier::config::keys::CONFIGURATION;
use otelier::config::{Settings, Variables, json_schema};

const EXIT_CODES: &str = "Exit codes: 0 done, 2 mistakes in arguments, files or variables.";

pub(crate) fn command() -> Command {
    let json = || Arg::new("json").long("json").action(ArgAction::SetTrue).help("Prints JSON");
    let files = Arg::new("FILE")
        .num_args(0..)
        .help("Configuration files; without any, the environment, and the file that it names");
    let config =
        Arg::new("config").long("config").value_name("FILE").help("Shows this file instead of the environment");
    let about = |name: &'static str, about: &'static str| Command::new(name).about(about).after_help(EXIT_CODES);
    Command::new("config")
        .about("Checks and shows settings, and describes their keys and variables")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(about("check", "Tells every mistake in files or the environment").args([files, json()]))
        .subcommand(about("show", "Shows the values that hold, and where each comes from").args([config, json()]))
        .subcommand(collector::command().after_help(EXIT_CODES))
        .subcommand(about("schema", "Prints the JSON schema of configuration files"))
        .subcommand(about("reference", "Prints all keys and variables as Markdown"))
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    match matches.subcommand() {
        Some(("check", matches)) => Ok(check::run(matches)),
        Some(("show", matches)) => show::run(matches),
        Some(("collector", matches)) => collector::run(matches),
        Some(("schema", _)) => Ok(json_schema(&CONFIGURATION, "OpenTelemetry configuration").into()),
        Some(("reference", _)) => Ok(reference::markdown(&CONFIGURATION).into()),
        _ => Err("expected a command".to_owned()),
    }
}

/// What programs would start with: the settings of this file, or of the environment and the file that it names.
pub(crate) fn settings(file: Option<&str>) -> Result<Settings, ConfigError> {
    match file {
        Some(path) => Settings::from_file(path, &Variables::of_the_process()),
        None => Settings::from_env(),
    }
}
