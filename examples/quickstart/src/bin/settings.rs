//! Settings of a program's own: from variables or a file, every mistake at once, and a table of them all.

use otelier::Secret;
use otelier::config::{Sources, TelemetryConfig};
use std::process::ExitCode;
use std::time::Duration;

/// What the shop sells, and how.
#[derive(Debug, TelemetryConfig)]
#[config(section = "shop")]
#[expect(dead_code, reason = "this program only prints them")]
struct Settings {
    /// Towns with a warehouse.
    #[config(env = "SHOP_TOWNS", default = ["Jena", "Halle"])]
    towns: Vec<String>,
    /// Discount of gold customers.
    #[config(env = "SHOP_DISCOUNT", default = 10, range = 0..=50, unit = "%")]
    discount: u8,
    /// How long a price holds.
    #[config(env = "SHOP_PRICE_AGE", default = "15m", range = "1s"..="24h", old_env = "SHOP_AGE")]
    price_age: Duration,
    /// How parcels travel.
    #[config(env = "SHOP_COURIER", default = "bike")]
    courier: Courier,
    /// The password of the price list.
    #[config(env = "SHOP_PASSWORD")]
    password: Option<Secret<String>>,
    /// Where receipts go.
    receipts: Receipts,
}

/// Where receipts go.
#[derive(Debug, TelemetryConfig)]
#[expect(dead_code, reason = "this program only prints them")]
struct Receipts {
    /// The folder.
    #[config(env = "SHOP_RECEIPTS", default = "receipts")]
    folder: std::path::PathBuf,
    /// How large one file gets.
    #[config(env = "SHOP_RECEIPTS_SIZE", default = "1MiB", range = "1KiB"..="1GiB", unit = "By")]
    size: u64,
}

#[derive(Clone, Copy, Debug, TelemetryConfig)]
enum Courier {
    /// On two wheels.
    Bike,
    /// On four.
    Van,
    /// On none.
    #[config(value = "drone")]
    Air,
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("--reference") => print!("{}", Settings::reference()),
        Some("--json-schema") => print!("{}", Settings::json_schema()),
        Some(other) => {
            eprintln!("unknown option {other}; expected --reference or --json-schema");
            return ExitCode::from(2);
        }
        None => match Settings::load_with_report(&Sources::of_the_process()) {
            Ok(loaded) => {
                loaded.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
                loaded.origins.iter().for_each(|(key, origin)| println!("{key}: {origin}"));
                println!("{:#?}", loaded.value);
            }
            Err(error) => {
                error.problems().iter().for_each(|problem| eprintln!("error: {problem}"));
                return ExitCode::from(2);
            }
        },
    }
    ExitCode::SUCCESS
}
