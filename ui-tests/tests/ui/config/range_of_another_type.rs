use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(range = 0.5..=1.5)]
    pub limit: u32,
}

fn main() {}
