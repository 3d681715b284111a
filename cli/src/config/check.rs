//! `otelier config check`: every mistake, with its place.

use super::engine::{self, Mistake};
use crate::Outcome;
use clap::ArgMatches;
use serde_json::{Value, json};
use std::fmt::Write;

pub(super) fn run(matches: &ArgMatches) -> Outcome {
    let mut files: Vec<String> = matches.get_many("FILE").into_iter().flatten().cloned().collect();
    if files.is_empty() {
        // With a file the other variables do not count.
        files.extend(engine::file_of_the_environment());
    }
    let checked: Vec<(&str, Vec<Mistake>)> = match files.is_empty() {
        true => vec![(engine::ENVIRONMENT, engine::check_environment())],
        false => files.iter().map(|file| (&**file, engine::check(file))).collect(),
    };
    let is_good = checked.iter().all(|(_, mistakes)| mistakes.is_empty());
    let text = if matches.get_flag("json") { as_json(&checked) } else { as_text(&checked) };
    Outcome { text, code: if is_good { 0 } else { 2 } }
}

fn as_text(checked: &[(&str, Vec<Mistake>)]) -> String {
    let mut text = String::new();
    // Writing to a `String` does not fail.
    for (file, mistakes) in checked {
        for mistake in mistakes {
            let _ = writeln!(text, "error: {}\n", mistake.text);
        }
        let _ = match mistakes.len() {
            0 => writeln!(text, "{file}: ok"),
            1 => writeln!(text, "{file}: 1 mistake"),
            many => writeln!(text, "{file}: {many} mistakes"),
        };
    }
    text
}

fn as_json(checked: &[(&str, Vec<Mistake>)]) -> String {
    let files: Vec<Value> = checked
        .iter()
        .map(|(file, mistakes)| {
            let mistakes: Vec<Value> = mistakes.iter().map(mistake).collect();
            json!({ "file": file, "ok": mistakes.is_empty(), "mistakes": mistakes })
        })
        .collect();
    format!("{:#}\n", json!({ "files": files }))
}

fn mistake(mistake: &Mistake) -> Value {
    json!({
        "message": mistake.sentence,
        "file": mistake.file,
        "line": mistake.line,
        "column": mistake.column,
        "notes": mistake.notes,
        "help": mistake.help,
    })
}
