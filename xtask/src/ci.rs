//! What continuous integration runs, step by step.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// One step: a command of cargo, with variables that are set for it.
pub(crate) struct Step {
    /// Whether cargo is that of the nightly toolchain.
    nightly: bool,
    arguments: Vec<String>,
    variables: &'static [(&'static str, &'static str)],
}

pub(crate) fn step(arguments: &str) -> Step {
    Step { nightly: false, arguments: arguments.split_whitespace().map(str::to_owned).collect(), variables: &[] }
}

/// A step on the nightly toolchain.
pub(crate) fn nightly(arguments: &str, variables: &'static [(&'static str, &'static str)]) -> Step {
    Step { nightly: true, variables, ..step(arguments) }
}

impl Step {
    fn command(&self) -> Command {
        if self.nightly {
            let mut command = Command::new("rustup");
            command.args(["run", "nightly", "cargo"]);
            // What this process was told by its own cargo is not true for another.
            command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
            command
        } else {
            Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        }
    }
}

/// Where cargo builds, which need not be in the repository.
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

fn steps(root: &Path) -> Vec<Step> {
    let fixtures = root.join("../shared/fixtures");
    let page = target(root).join("lakehouse.html");
    let mut example = step("run --package lakehouse -- --html");
    example.arguments.push(page.to_string_lossy().into_owned());
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
        step("clippy --package otelier --no-default-features --features otlp-grpc -- -D warnings"),
        step("test"),
        step("test --package otelier-benches --no-default-features"),
        step("run --release --package otelier-benches --no-default-features -- gates"),
        step("run --release --package otelier-benches --no-default-features --bin otelier-sampling -- gates"),
        step("run --release --package otelier-benches --no-default-features -- compile-gate"),
        docs,
        step("xtask layers"),
        example,
    ]
}

/// Runs what continuous integration runs.
pub(crate) fn run(root: &Path) -> ExitCode {
    run_all(root, steps(root))
}

/// Runs every step in the repository's folder, and stops at the first that fails.
pub(crate) fn run_all(root: &Path, steps: Vec<Step>) -> ExitCode {
    let mut times = Vec::new();
    let begin = Instant::now();
    for step in steps {
        let mut command = step.command();
        let Step { nightly, arguments, variables } = step;
        let line = format!("cargo {}{}", if nightly { "+nightly " } else { "" }, arguments.join(" "));
        let set: String = variables.iter().map(|(name, value)| format!("{name}='{value}' ")).collect();
        println!("== {set}{line}");
        let start = Instant::now();
        command.args(&arguments).envs(variables.iter().copied()).current_dir(root).stdin(Stdio::null());
        match command.status() {
            Ok(status) if status.success() => times.push((start.elapsed(), line)),
            Ok(status) => return fail(&format!("`{line}`: {status}")),
            Err(error) => return fail(&format!("`{line}` could not be started: {error}")),
        }
    }
    println!("== all steps passed");
    times.push((begin.elapsed(), "all".to_owned()));
    times.iter().for_each(|(time, line)| println!("{:>7.1} s  {line}", time.as_secs_f64()));
    ExitCode::SUCCESS
}

fn fail(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::FAILURE
}
