use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(env = "LIMIT")]
    pub limit: u32,
    /// How many.
    #[config(env = "LIMIT")]
    pub other: u32,
}

fn main() {}
