use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(default = "2m", range = "10ms"..="1m")]
    pub limit: std::time::Duration,
}

fn main() {}
