//! What a request of a server costs with a span, side by side with other layers: ns and allocations over the bare handler.
//! `cargo run --release -p otelier-benches --bin otelier-http`. With `--load` a real server under load, whose spans are counted.
//!
//! A program of its own, so that its code does not change how the one that counts instructions is compiled.

#[allow(dead_code)]
#[path = "../alloc.rs"]
mod alloc;
mod cost;
mod discard;
mod load;
#[cfg(feature = "peers")]
mod peers;
mod subject;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

/// Measures what a request costs with a span: half a minute.
#[derive(Debug, Parser)]
#[command(name = "otelier-http", max_term_width = 110)]
pub(crate) struct Arguments {
    /// Rounds, in each of which every layer has its turn
    #[arg(long, default_value_t = 40)]
    rounds: usize,
    /// Requests of a turn
    #[arg(long, default_value_t = 2_000)]
    requests: usize,
    /// Serve real connections, some of which end early or are slow, and count the spans
    #[arg(long)]
    load: bool,
    /// Requests a second under load
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// For how many seconds there is load
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The server that the child sends requests to
    #[arg(long, hide = true)]
    client_of: Option<std::net::SocketAddr>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.client_of {
        Some(server) => load::client(server, &arguments),
        None if arguments.load => load::serve(&arguments),
        None => {
            cost::table(&arguments);
            ExitCode::SUCCESS
        }
    }
}
