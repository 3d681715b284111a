//! `otelier generate`: files for others, made of the settings of programs.

mod collector;

use crate::Outcome;
use clap::{ArgMatches, Command};

pub(crate) fn command() -> Command {
    Command::new("generate")
        .about("Writes files for other programs from the settings of programs")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(collector::command())
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    match matches.subcommand() {
        Some(("collector", matches)) => collector::run(matches),
        _ => Err("expected a command".to_owned()),
    }
}
