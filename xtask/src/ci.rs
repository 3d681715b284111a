//! What continuous integration runs, step by step.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// One step: a command of cargo, with variables that are set for it.
struct Step {
    arguments: Vec<String>,
    variables: &'static [(&'static str, &'static str)],
}

fn step(arguments: &str) -> Step {
    Step { arguments: arguments.split_whitespace().map(str::to_owned).collect(), variables: &[] }
}

fn steps(root: &Path) -> Vec<Step> {
    let fixtures = root.join("../shared/fixtures");
    let mut example = step("run --package lakehouse -- --html target/lakehouse.html");
    if fixtures.is_dir() {
        example.arguments.extend(["--data".to_owned(), fixtures.to_string_lossy().into_owned()]);
    } else {
        println!("there are no recordings in ../shared/fixtures; the example serves generated data");
    }
    let mut docs = step("doc --workspace --no-deps --all-features");
    docs.variables = &[("RUSTDOCFLAGS", "-D warnings")];
    vec![
        step("fmt --all -- --check"),
        step("clippy --workspace --all-targets --all-features -- -D warnings"),
        step("clippy --package otelier --no-default-features -- -D warnings"),
        step("test --workspace"),
        docs,
        step("xtask layers"),
        example,
    ]
}

/// Runs every step in the repository's folder, and stops at the first that fails.
pub(crate) fn run(root: &Path) -> ExitCode {
    for Step { arguments, variables } in steps(root) {
        let line = format!("cargo {}", arguments.join(" "));
        println!("== {line}");
        let start = Instant::now();
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        let status = command.args(&arguments).envs(variables.iter().copied()).current_dir(root).status();
        match status {
            Ok(status) if status.success() => println!("== {line}: {} s", start.elapsed().as_secs()),
            Ok(status) => return fail(&format!("{line}: {status}")),
            Err(error) => return fail(&format!("{line} could not be started: {error}")),
        }
    }
    ExitCode::SUCCESS
}

fn fail(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::FAILURE
}
