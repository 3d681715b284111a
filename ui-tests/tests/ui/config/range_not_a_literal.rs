use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(range = 0..=u8::MAX)]
    pub limit: u8,
}

fn main() {}
