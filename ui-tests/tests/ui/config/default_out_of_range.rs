use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(default = 120.0, range = 0.0..=100.0)]
    pub limit: f64,
}

fn main() {}
