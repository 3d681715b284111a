//! `otelier schema check`: whether the spans of a program are as their schemas say.

mod json;
mod otlp;
mod receiver;
mod report;

use super::{source, text};
use crate::{Outcome, say};
use clap::{Arg, ArgMatches, Command};
use otelier_registry::check::{Checker, Level};
use report::Report;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};

/// The longest file that is read.
const MAX_FILE: u64 = 1 << 30;

const LEVELS: [Level; 3] = [Level::Violation, Level::Improvement, Level::Information];

/// How many reasons for refused requests are told.
const MAX_REASONS: usize = 20;

pub(crate) fn command() -> Command {
    let file = Arg::new("FILE")
        .help("Spans in OTLP: JSON, one request or one a line, or protobuf; `-` is standard input")
        .required_unless_present("COMMAND")
        .conflicts_with("COMMAND");
    let command = Arg::new("COMMAND")
        .help("A program and its arguments; it is run, and its spans are received")
        .num_args(1..)
        .last(true)
        .value_parser(clap::value_parser!(OsString));
    let format = Arg::new("format").long("format").value_parser(["text", "json"]).default_value("text");
    let fail_on = Arg::new("fail-on")
        .long("fail-on")
        .value_name("LEVEL")
        .value_parser(LEVELS.map(Level::as_str))
        .default_value(Level::Violation.as_str())
        .help("The mildest finding that makes the check fail");
    source::arguments(Command::new("check").about("Checks spans of a program against their schemas"))
        .args([file, command, format.help("How findings are printed"), fail_on])
        .after_help(
            "The program gets OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf,\n\
             OTEL_TRACES_EXPORTER=otlp, OTEL_TRACES_SAMPLER=always_on and OTELIER_SPAN_TYPES=true in its environment.\n\n\
             Exit codes: 0 the spans are as their schemas say, 1 there are findings as bad as --fail-on, 2 there are no\n\
             spans, they cannot be read, or the program failed.",
        )
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    let registry = source::registry(matches)?;
    let mut report = Report::new(Checker::new(&registry));
    let whole = match matches.get_many::<OsString>("COMMAND") {
        Some(words) => {
            let whole = of_command(words, &mut report)?;
            if report.is_empty() {
                let hint = if whole { "; does the program export them by OTLP?" } else { "" };
                return Err(format!("no spans were received{hint}"));
            }
            whole
        }
        None => {
            let path = text(matches, "FILE").unwrap_or_default();
            let spans = read(path).and_then(|bytes| otlp::file(&bytes)).map_err(|why| format!("{path}: {why}"))?;
            if spans.is_empty() {
                return Err(format!("{path}: there are no spans in it"));
            }
            report.take(&spans);
            true
        }
    };
    let fail_on = text(matches, "fail-on").unwrap_or_default();
    let level = LEVELS.into_iter().find(|level| level.as_str() == fail_on).unwrap_or(Level::Violation);
    let said = if text(matches, "format") == Some("json") { report.json() } else { report.text() };
    let code = if whole { u8::from(report.has(level)) } else { 2 };
    Ok(Outcome { text: said, code })
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    let source: Box<dyn Read> = match path {
        "-" => Box::new(io::stdin().lock()),
        _ => Box::new(File::open(path).map_err(|error| error.to_string())?),
    };
    let mut bytes = Vec::new();
    source.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    match bytes.len() as u64 > MAX_FILE {
        true => Err(format!("this is longer than {MAX_FILE} bytes")),
        false => Ok(bytes),
    }
}

/// Runs the command that `words` are, and tells whether it and all it sent was good.
fn of_command<'a>(words: impl IntoIterator<Item = &'a OsString>, report: &mut Report<'_>) -> Result<bool, String> {
    let mut words = words.into_iter();
    let mut command = std::process::Command::new(words.next().ok_or("expected a command")?);
    let mut refused: BTreeMap<String, u64> = BTreeMap::new();
    let status = receiver::run(command.args(words), |received| match received {
        Ok(spans) => report.take(&spans),
        Err(why) if refused.len() < MAX_REASONS || refused.contains_key(&why) => *refused.entry(why).or_default() += 1,
        Err(_) => *refused.entry("for other reasons".to_owned()).or_default() += 1,
    })?;
    for (why, count) in &refused {
        let times = if *count == 1 { String::new() } else { format!(" ({count} times)") };
        say(&format!("error: a request was refused{times}: {why}"));
    }
    if !status.success() {
        say(&format!("error: the command failed: {status}"));
    }
    Ok(status.success() && refused.is_empty())
}
