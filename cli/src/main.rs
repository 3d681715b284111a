//! The command line of otelier.

mod config;
mod doctor;
mod generate;
mod sampling;
mod schema;

use clap::{ArgMatches, Command};
use std::io::{self, Write};
use std::process::ExitCode;

/// What a command prints, and the code it ends with.
struct Outcome {
    text: String,
    code: u8,
}

impl From<String> for Outcome {
    fn from(text: String) -> Self {
        Self { text, code: 0 }
    }
}

fn command() -> Command {
    Command::new("otelier")
        .about("Typed OpenTelemetry spans: the command line")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(schema::command())
        .subcommand(config::command())
        .subcommand(generate::command())
        .subcommand(doctor::command())
        .subcommand(sampling::command())
}

fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    // The parser has made sure that there are subcommands, and which.
    match matches.subcommand() {
        Some(("schema", matches)) => schema::run(matches),
        Some(("config", matches)) => config::run(matches),
        Some(("generate", matches)) => generate::run(matches),
        Some(("doctor", matches)) => doctor::run(matches),
        Some(("sampling", matches)) => sampling::run(matches),
        _ => Err("expected a command".to_owned()),
    }
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    match run(&matches) {
        Ok(outcome) => match io::stdout().write_all(outcome.text.as_bytes()) {
            // A reader such as `head` that has enough is no failure.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&format!("the output failed: {error}")),
            _ => ExitCode::from(outcome.code),
        },
        Err(message) => fail(&message),
    }
}

fn fail(message: &str) -> ExitCode {
    say(&format!("error: {message}"));
    ExitCode::from(2)
}

/// Tells the user something beside the output. Nobody can be told that this fails.
fn say(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_consistent() {
        super::command().debug_assert();
    }
}
