//! `otelier schema`: what can be done with the schemas of a program.

mod call_sites;
mod check;
mod collector;
mod dashboards;
mod diff;
mod docs;
mod export;
pub(crate) mod files;
mod import;
mod list;
pub(crate) mod package;
pub(crate) mod program;
mod rules;
mod show;
mod source;

use crate::Outcome;
use clap::{ArgMatches, Command};

/// What every command's help ends with, unless it has codes of its own.
const EXIT_CODES: &str = "Exit codes: 0 done, 2 mistakes in arguments, files or packages.";

pub(crate) fn command() -> Command {
    Command::new("schema")
        .about("Shows, exports, compares and checks span schemas")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(list::command())
        .subcommand(show::command())
        .subcommand(export::command())
        .subcommand(docs::command())
        .subcommand(dashboards::command())
        .subcommand(rules::command())
        .subcommand(collector::command())
        .subcommand(diff::command())
        .subcommand(import::command())
        .subcommand(check::command())
        .subcommand(call_sites::command())
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    match matches.subcommand() {
        Some(("list", matches)) => list::run(matches),
        Some(("show", matches)) => show::run(matches),
        Some(("export", matches)) => export::run(matches),
        Some(("docs", matches)) => docs::run(matches),
        Some(("dashboards", matches)) => dashboards::run(matches),
        Some(("rules", matches)) => rules::run(matches),
        Some(("collector", matches)) => collector::run(matches),
        Some(("diff", matches)) => diff::run(matches),
        Some(("import", matches)) => import::run(matches),
        Some(("check", matches)) => check::run(matches),
        Some(("call-sites", matches)) => call_sites::run(matches),
        _ => Err("expected a command".to_owned()),
    }
}

/// The text given for the argument `name`, if it is there.
fn text<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a str> {
    matches.get_one::<String>(name).map(String::as_str)
}
