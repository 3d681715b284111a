use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    pub limit: u32,
    /// How many.
    #[config(old_key = "limit")]
    pub other: u32,
}

fn main() {}
