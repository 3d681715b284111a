//! What sampling costs: decisions where a trace begins, and decisions when it is over, beside recording without them.
//! `cargo run --release -p otelier-benches --no-default-features --bin otelier-sampling -- all`.
//!
//! Every measurement is a child process that does one thing; what is compared takes turns. A program of its own, so that its
//! code does not change how the one that counts instructions is compiled.

#[allow(dead_code)]
#[path = "../answer.rs"]
mod answer;
mod callgrind;
mod child;
#[allow(dead_code)]
#[path = "../clock.rs"]
mod clock;
mod gates;
mod head;
mod live;
mod memory;
#[allow(dead_code)]
#[path = "../numbers.rs"]
mod numbers;
mod polls;
#[path = "../receiver.rs"]
mod receiver;
mod stretch;
mod tables;
mod tail;
#[path = "../wire.rs"]
mod wire;

/// Where the receiver looks for what it shares with the other programs.
mod process {
    pub(crate) use crate::answer::{Answer, Missing, this};
}

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: live::Live = live::Live;

/// Measures what sampling costs.
#[derive(Debug, Parser)]
#[command(name = "otelier-sampling", max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Instructions, time and memory, as the tables of docs/sampling-cost.md: two minutes
    All {
        /// How often every time is measured, in a process each
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
        rounds: u32,
    },
    /// Instructions and memory against their limits; fails past one, and without valgrind counts no instructions
    Gates,
    #[command(hide = true)]
    Child(child::Child),
    #[command(hide = true)]
    Receiver,
}

fn main() -> ExitCode {
    let start = Instant::now();
    let kept = match Arguments::parse().what {
        What::Child(child) => {
            child::run(&child);
            return ExitCode::SUCCESS;
        }
        What::Receiver => match receiver::run() {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => Err(error.to_string()),
        },
        What::Gates => gates::run(),
        What::All { rounds } => tables::all(rounds),
    };
    eprintln!("took {:.0} s", start.elapsed().as_secs_f64());
    match kept {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
