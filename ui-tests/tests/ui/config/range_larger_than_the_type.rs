use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(range = 0..=1000)]
    pub limit: u8,
}

fn main() {}
