//! The command line of otelier.

mod schema;

use clap::{Arg, ArgMatches, Command};
use std::io::{self, Write};
use std::process::ExitCode;

fn command() -> Command {
    let id = Arg::new("ID").help("The span's type, such as `crypto.exchange_api`").required(true);
    Command::new("otelier")
        .about("Typed OpenTelemetry spans: the command line")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("schema")
                .about("Shows the span schemas that come with otelier")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(Command::new("list").about("Lists the schemas, a line each"))
                .subcommand(Command::new("show").about("Shows one schema with its attributes, as Markdown").arg(id)),
        )
}

/// What the command prints, or why it cannot.
fn run(matches: &ArgMatches) -> Result<String, String> {
    // The parser has made sure that there are subcommands, and which.
    let Some(("schema", matches)) = matches.subcommand() else { return Err("expected a command".to_owned()) };
    match matches.subcommand() {
        Some(("show", matches)) => {
            schema::show(matches.get_one::<String>("ID").map(String::as_str).unwrap_or_default())
        }
        _ => Ok(schema::list()),
    }
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    match run(&matches) {
        Ok(text) => match io::stdout().write_all(text.as_bytes()) {
            // A reader such as `head` that has enough is no failure.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&format!("the output failed: {error}")),
            _ => ExitCode::SUCCESS,
        },
        Err(message) => fail(&message),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_consistent() {
        super::command().debug_assert();
    }
}
