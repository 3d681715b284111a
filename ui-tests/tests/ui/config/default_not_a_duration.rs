use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(default = 5)]
    pub limit: std::time::Duration,
}

fn main() {}
