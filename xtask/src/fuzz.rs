//! `cargo xtask fuzz config --seconds 600`: broken files and variables for the loader of settings; `fuzz answer`: broken
//! answers of receivers. On stable Rust, with a fixed seed.

use std::path::Path;
use std::process::{Command, ExitCode};

/// Optimised, but with the checks of debug builds. What it finds is written to a file that it names.
pub(crate) fn config(root: &Path, seconds: &str) -> ExitCode {
    run(root, seconds, "", "config::document::fuzz::for_a_while")
}

/// The same for answers, of both transports.
pub(crate) fn answer(root: &Path, seconds: &str) -> ExitCode {
    run(root, seconds, "otlp-grpc,otlp-http", "export::otlp::fuzz::tests::for_a_while")
}

fn run(root: &Path, seconds: &str, features: &str, test: &str) -> ExitCode {
    if seconds.parse::<u64>().is_err() {
        eprintln!("error: `--seconds` is `{seconds}`; expected a whole number");
        return ExitCode::from(2);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .env("OTELIER_FUZZ_SECONDS", seconds)
        .args(["test", "--profile", "fuzz", "--package", "otelier", "--lib"])
        .args(["--features", features, test, "--", "--exact", "--ignored", "--nocapture"])
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: cargo cannot be run: {error}");
            ExitCode::FAILURE
        }
    }
}
