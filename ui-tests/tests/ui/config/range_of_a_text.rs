use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(range = 1..=3)]
    pub limit: String,
}

fn main() {}
