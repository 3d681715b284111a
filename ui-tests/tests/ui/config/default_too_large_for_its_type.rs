use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(default = 300)]
    pub limit: u8,
}

fn main() {}
