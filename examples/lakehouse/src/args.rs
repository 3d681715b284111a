//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Collects one day of market data into Parquet files, and shows the trace of how it went.
///
/// The data comes over HTTP from an exchange that this program starts on the loopback interface. It replays recordings
/// (--data), or serves generated data and says so. The exit code is 0 when at least one symbol was archived, 1 when the
/// workflow failed, and 2 when the command line or the recordings cannot be used.
#[derive(Clone, Debug, Parser)]
#[command(name = "lakehouse", version, max_term_width = 110)]
pub struct Args {
    /// Directory of recordings to replay: *.jsonl.zst captures and *.yml request/response pairs, directly in it or in
    /// its folders binance-capture and binance-rest [default: generated data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Trading pairs, separated by commas [default: BTCUSDT,ETHUSDT,BNBUSDT, or all that were recorded]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = symbol)]
    pub symbols: Vec<String>,

    /// Share of the exchange's answers that go wrong, 0.0 to 1.0: some are 503, some late, some cut off
    #[arg(long, value_name = "SHARE", default_value = "0.0", value_parser = share)]
    pub fail_rate: f64,

    /// Request weight the exchange allows in one of its minutes [default: what its exchangeInfo says]
    #[arg(long, value_name = "WEIGHT", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate_limit: Option<u32>,

    /// Seed of generated data and of faults; the same seed repeats a run
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    pub seed: u64,

    /// Directory the Parquet files are written to [default: a fresh one in the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Also writes the trace as one self-contained HTML page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Port of the exchange on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,

    /// How many downloads run at once
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,

    /// Seconds from the start after which downloads that still run are cancelled
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub deadline: Duration,

    /// Seconds the client waits for one answer before it tries again
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    pub timeout: Duration,

    /// Prints without colours; they are also off when NO_COLOR is set or the output is not a terminal
    #[arg(long)]
    pub no_color: bool,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0.0 (nothing fails) to 1.0 (everything fails)".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("expected seconds from 0.001 to 3600".into()),
    }
}

fn symbol(text: &str) -> Result<String, String> {
    let symbol = text.trim().to_ascii_uppercase();
    let fits = (2..=20).contains(&symbol.len()) && symbol.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(symbol).ok_or_else(|| "expected 2 to 20 letters and digits, such as BTCUSDT".into())
}

impl Args {
    /// The symbols as given, each one once; empty if none were given.
    pub fn distinct_symbols(&self) -> Vec<String> {
        let mut distinct: Vec<String> = Vec::new();
        for symbol in &self.symbols {
            if !distinct.contains(symbol) {
                distinct.push(symbol.clone());
            }
        }
        distinct
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn a_share_outside_zero_to_one_is_refused_with_the_range() {
        for text in ["-0.1", "1.01", "NaN", "inf", "many"] {
            assert!(share(text).unwrap_err().contains("0.0 (nothing fails) to 1.0"), "{text}");
        }
        assert_eq!(share("0.25"), Ok(0.25));
    }

    #[test]
    fn symbols_are_upper_case_and_distinct() {
        let args = Args::parse_from(["lakehouse", "--symbols", "btcusdt, ETHUSDT,BTCUSDT"]);
        assert_eq!(args.distinct_symbols(), ["BTCUSDT", "ETHUSDT"]);
        assert!(symbol("BTC/USDT").is_err());
        assert!(symbol("").is_err());
    }

    #[test]
    fn a_deadline_of_zero_is_refused() {
        assert!(seconds("0").unwrap_err().contains("0.001 to 3600"));
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
    }
}
