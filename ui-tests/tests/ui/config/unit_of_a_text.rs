use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(unit = "ms")]
    pub limit: String,
}

fn main() {}
