use otelier::config::TelemetryConfig;

/// Settings.
#[derive(TelemetryConfig)]
pub struct Config {
    /// How many.
    #[config(default = LIMIT)]
    pub limit: u32,
}

const LIMIT: u32 = 3;

fn main() {}
