use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(unit = "percent")]
    pub limit: f64,
}

fn main() {}
