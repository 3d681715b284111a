//! `otelier sampling`: what settings of sampling would do.

mod input;
mod otlp;
mod output;
mod recognise;

use crate::Outcome;
use clap::{Arg, ArgAction, ArgMatches, Command};
use otelier::sampling::Simulation;

const AFTER: &str = "\
The rules are those of a configuration file as programs have it: `tracer_provider.sampler`, and `rules` and `ratio` in \
`distribution.otelier.tail_sampling`. What programs send, and where, is not looked at.

The input is OTLP as JSON: requests (ExportTraceServiceRequest), one a line, as the Collector's `file` exporter and otelier's \
`otlp_file` exporter write them, or laid out over several lines. It may be compressed with gzip. A request may have 64 MiB, and traces \
that are not decided take 256 MiB at most, so the input may be of any size.

Example: otelier sampling simulate --rules otel.yaml --input spans.jsonl

Exit codes: 0 done, 2 mistakes in arguments, rules or input.";

pub(crate) fn command() -> Command {
    let rules = Arg::new("rules")
        .long("rules")
        .value_name("FILE")
        .required(true)
        .help("A configuration file: its sampler and `distribution.otelier.tail_sampling` are tried");
    let input = Arg::new("input")
        .long("input")
        .value_name("FILE")
        .required(true)
        .help("Spans that were recorded before, as OTLP JSON; `-` for standard input");
    let keep_going =
        Arg::new("keep-going").long("keep-going").action(ArgAction::SetTrue).help("Skips lines that cannot be read");
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue).help("Prints JSON");
    Command::new("sampling")
        .about("Tries settings of sampling")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("simulate")
                .about("Shows what settings would keep of recorded spans, and at what volume")
                .args([rules, input, keep_going, json])
                .after_help(AFTER),
        )
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Outcome, String> {
    match matches.subcommand() {
        Some(("simulate", matches)) => simulate(matches),
        _ => Err("expected a command".to_owned()),
    }
}

fn simulate(matches: &ArgMatches) -> Result<Outcome, String> {
    // The parser has made sure that both are there.
    let argument = |name: &str| matches.get_one::<String>(name).map(String::as_str).unwrap_or_default();
    let together = |error: otelier::ConfigError| {
        let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
        problems.join("\n\nerror: ")
    };
    let settings = crate::config::settings(Some(argument("rules"))).map_err(together)?;
    settings.telemetry.warnings.iter().for_each(|warning| crate::say(&format!("warning: {warning}")));
    let mut simulation = Simulation::new(&settings.telemetry).map_err(together)?;
    let skipped = input::read(argument("input"), matches.get_flag("keep-going"), &mut |span| simulation.add(span))?;
    let report = simulation.run();
    if report.spans == 0 {
        let why =
            if skipped > 0 { ", of which no line can be read" } else { "; are there log records or metrics alone?" };
        return Err(format!(
            "there are no spans in `{}`{why}\n  help: expected {}",
            argument("input"),
            recognise::EXPECTED
        ));
    }
    Ok(match matches.get_flag("json") {
        true => output::json(&report, skipped).into(),
        false => output::text(&report, skipped).into(),
    })
}
