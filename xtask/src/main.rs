//! Tasks of the repository: `cargo xtask layers`, `cargo xtask ci`, `cargo xtask packs`, `cargo xtask soundness`,
//! `cargo xtask fuzz config --seconds 600`, and `answer`, `buffer`, `headers` or `strategies` in its place.

mod ci;
mod fuzz;
mod layers;
mod packs;
mod soundness;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["layers"] => report(layers::check(&root())),
        ["ci"] => ci::run(&root()),
        ["packs"] => match packs::run(&root(), false) {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        ["soundness"] => soundness::run(&root()),
        ["fuzz", "config"] => fuzz::run(&root(), fuzz::CONFIG, "60"),
        ["fuzz", "config", "--seconds", seconds] => fuzz::run(&root(), fuzz::CONFIG, seconds),
        ["fuzz", "answer"] => fuzz::run(&root(), fuzz::ANSWER, "60"),
        ["fuzz", "answer", "--seconds", seconds] => fuzz::run(&root(), fuzz::ANSWER, seconds),
        ["fuzz", "buffer"] => fuzz::run(&root(), fuzz::BUFFER, "60"),
        ["fuzz", "buffer", "--seconds", seconds] => fuzz::run(&root(), fuzz::BUFFER, seconds),
        ["fuzz", "headers"] => fuzz::run(&root(), fuzz::HEADERS, "60"),
        ["fuzz", "headers", "--seconds", seconds] => fuzz::run(&root(), fuzz::HEADERS, seconds),
        ["fuzz", "strategies"] => fuzz::run(&root(), fuzz::STRATEGIES, "60"),
        ["fuzz", "strategies", "--seconds", seconds] => fuzz::run(&root(), fuzz::STRATEGIES, seconds),
        _ => {
            eprintln!(
                "error: expected `cargo xtask layers`, `ci`, `fuzz config|answer|buffer|headers|strategies [--seconds N]`, `packs` \
                 or `soundness`"
            );
            ExitCode::from(2)
        }
    }
}

fn report(checked: Result<layers::Report, String>) -> ExitCode {
    let problems = match checked {
        Ok(report) if report.problems.is_empty() => {
            println!("{} files and {} packages keep their layers", report.files, report.packages);
            return ExitCode::SUCCESS;
        }
        Ok(report) => report.problems,
        Err(error) => vec![error],
    };
    problems.iter().for_each(|problem| eprintln!("error: {problem}"));
    ExitCode::FAILURE
}

/// The repository's folder.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}
