//! What has been sold, for whoever asks: a program that ends at once, in the trace of who started it.

use otelier::prelude::*;
use retail::api::Report;
use retail::error::ShopError;
use retail::store::{self, Store};
use retail::{USAGE, telemetry};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(database) = std::env::args_os().nth(1) else {
        eprintln!("usage: report DATABASE");
        return ExitCode::from(USAGE);
    };
    let telemetry = match telemetry::start("report") {
        Ok(telemetry) => telemetry,
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(USAGE);
        }
    };
    let report = sales(database.as_ref());
    telemetry::finish(telemetry);
    match report {
        Ok(report) => {
            println!("{}", serde_json::json!(report));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The sums over all orders. The parent is the span of the process that started this one, if that has told, and the
/// correlation id came along in its baggage.
#[trace(parent = otelier::process::parent(), correlation = otelier::process::parent())]
fn sales(database: &Path) -> Result<Report, ShopError> {
    Store::open_read_only(database)?.with_blocking(store::report)
}
