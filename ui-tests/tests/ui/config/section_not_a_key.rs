use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
#[config(section = "My App")]
pub struct Config {
    /// How many.
    pub limit: u32,
}

fn main() {}
