use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(range = 10..=1)]
    pub limit: u32,
}

fn main() {}
