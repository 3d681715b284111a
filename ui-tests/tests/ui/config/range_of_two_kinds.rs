use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(range = 1..="1m")]
    pub limit: u32,
}

fn main() {}
