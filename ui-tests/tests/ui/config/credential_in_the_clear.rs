use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// The key.
    pub api_key: String,
}

fn main() {}
