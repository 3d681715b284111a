//! `cargo xtask fuzz config --seconds 600`: broken files and variables for the loader of settings; `fuzz answer`: broken
//! answers of receivers; `fuzz buffer`: broken files of a disk buffer; `fuzz headers`: broken headers of
//! messages; `fuzz strategies`: broken answers of a server of sampling strategies. On stable Rust, with a fixed seed.

use std::path::Path;
use std::process::{Command, ExitCode};

/// The tests that run as long as they are told.
pub(crate) const CONFIG: &str = "config::document::fuzz::for_a_while";
pub(crate) const ANSWER: &str = "export::otlp::fuzz::tests::for_a_while";
pub(crate) const BUFFER: &str = "export::buffer::tests::fuzz::for_a_while";
pub(crate) const HEADERS: &str = "propagation::fuzz::tests::for_a_while";
pub(crate) const STRATEGIES: &str = "export::strategies::fuzz::tests::for_a_while";

/// Optimised, but with the checks of debug builds. What it finds is written to a file that it names.
pub(crate) fn run(root: &Path, test: &str, seconds: &str) -> ExitCode {
    if seconds.parse::<u64>().is_err() {
        eprintln!("error: `--seconds` is `{seconds}`; expected a whole number");
        return ExitCode::from(2);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .env("OTELIER_FUZZ_SECONDS", seconds)
        .args(["test", "--profile", "fuzz", "--package", "otelier", "--lib"])
        .args(["--features", "otlp-grpc", test, "--", "--exact", "--ignored", "--nocapture"])
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
