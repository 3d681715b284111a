//! `otelier config check`: every mistake, with its place.

use crate::Outcome;
use clap::ArgMatches;
use otelier::Problem;
use otelier::config::Variables;
use serde_json::{Value, json};
use std::fmt::Write;

/// What is named in place of a file.
const ENVIRONMENT: &str = "environment";

/// A file or the environment, and what is wrong with it.
struct Checked {
    name: String,
    mistakes: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Checked {
    fn of(file: Option<&str>) -> Self {
        let (mistakes, warnings) = match super::settings(file) {
            Ok(settings) => {
                let mut warnings = settings.telemetry.warnings.clone();
                // What depends on the machine, such as a file of certificates, is no mistake in the settings.
                let refused = otelier::Pipeline::new(settings.telemetry).check().err();
                let problems = refused.iter().flat_map(|error| error.problems());
                let noted = problems.map(|problem| {
                    problem.clone().with_note("a program that starts here with these settings refuses them")
                });
                warnings.extend(noted);
                (Vec::new(), warnings)
            }
            Err(error) => (error.problems().to_vec(), Vec::new()),
        };
        let name = file.map_or_else(name_of_the_environment, str::to_owned);
        Self { name, mistakes, warnings }
    }
}

/// The file that the environment names, or else the environment itself.
fn name_of_the_environment() -> String {
    let variables = Variables::of_the_process();
    let file = ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"].into_iter().find_map(|name| variables.get(name));
    file.unwrap_or_else(|| ENVIRONMENT.to_owned())
}

pub(super) fn run(matches: &ArgMatches) -> Outcome {
    let files: Vec<&String> = matches.get_many("FILE").into_iter().flatten().collect();
    let checked: Vec<Checked> = match files.is_empty() {
        true => vec![Checked::of(None)],
        false => files.into_iter().map(|file| Checked::of(Some(file))).collect(),
    };
    let is_good = checked.iter().all(|checked| checked.mistakes.is_empty());
    let text = if matches.get_flag("json") { as_json(&checked) } else { as_text(&checked) };
    Outcome { text, code: if is_good { 0 } else { 2 } }
}

fn as_text(checked: &[Checked]) -> String {
    let mut text = String::new();
    // Writing to a `String` does not fail.
    for Checked { name, mistakes, warnings } in checked {
        for (label, problems) in [("error", mistakes), ("warning", warnings)] {
            for problem in problems {
                let _ = writeln!(text, "{label}: {problem}\n");
            }
        }
        let counts = [(mistakes.len(), "mistake"), (warnings.len(), "warning")];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> =
            counts.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" })).collect();
        let verdict = if mistakes.is_empty() { ["ok"].map(str::to_owned).to_vec() } else { Vec::new() };
        let _ = writeln!(text, "{name}: {}", [verdict, counts].concat().join(", "));
    }
    text
}

fn as_json(checked: &[Checked]) -> String {
    let file = |Checked { name, mistakes, warnings }: &Checked| {
        let all = |problems: &[Problem]| problems.iter().map(|problem| as_value(problem, name)).collect::<Vec<_>>();
        json!({
            "file": name,
            "ok": mistakes.is_empty(),
            "mistakes": all(mistakes),
            "warnings": all(warnings),
        })
    };
    let files: Vec<Value> = checked.iter().map(file).collect();
    format!("{:#}\n", json!({ "files": files }))
}

fn as_value(problem: &Problem, file: &str) -> Value {
    let place = problem.place();
    json!({
        "key": key(problem.sentence()),
        "sentence": problem.sentence(),
        "file": place.map_or(file, |place| &place.file),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "notes": problem.notes(),
        "help": problem.helps(),
    })
}

/// The key or variable that a sentence begins with, such as `` `tracer_provider.sampler` is missing ``.
fn key(sentence: &str) -> Option<&str> {
    let (key, _) = sentence.strip_prefix('`')?.split_once('`')?;
    let is_part = |c: char| c.is_alphanumeric() || "_./[]-*".contains(c);
    key.chars().all(is_part).then_some(key)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_key_is_what_a_sentence_begins_with() {
        for (sentence, expected) in [
            ("`a.b[0].otelier/c` is `x`; expected `y`", Some("a.b[0].otelier/c")),
            ("`OTEL_LOG_LEVEL` is `loud`", Some("OTEL_LOG_LEVEL")),
            ("the settings are a list", None),
            ("`not closed", None),
        ] {
            assert_eq!(super::key(sentence), expected, "{sentence}");
        }
    }
}
