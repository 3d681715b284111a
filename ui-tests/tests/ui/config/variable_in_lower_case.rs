use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(env = "limit")]
    pub limit: u32,
}

fn main() {}
