use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(key = "upperLimit")]
    pub limit: u32,
}

fn main() {}
