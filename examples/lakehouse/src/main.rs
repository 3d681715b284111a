//! A daily archive collection, traced from its first request to its last file.

mod app;
mod args;
mod client;
mod exchange;
mod lake;
mod pipeline;
mod report;
mod rng;
mod source;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    app::main(&args::Args::parse())
}
